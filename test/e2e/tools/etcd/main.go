// etcd, in a module of its own: its dependencies and Kubernetes' agree on no set of versions.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
