//go:build tools

// cnitool, libcni's own runtime, of the release that go.mod names; its program is built as it is.
package tools

import _ "github.com/containernetworking/cni/cnitool"
