module multinic.test/e2e/cnitool

go 1.25.0

require github.com/containernetworking/cni v1.3.0
