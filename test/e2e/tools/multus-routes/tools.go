//go:build tools

// Multus with the netlink library of before the change by which it lost `default-route`: its own sources as released.
package tools

import _ "gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/multus"
