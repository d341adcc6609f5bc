//go:build tools

// Multus, of the release that go.mod names; its program is built as it is.
package tools

import _ "gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/multus"
