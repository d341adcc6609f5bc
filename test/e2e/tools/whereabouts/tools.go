//go:build tools

// whereabouts, of the release that go.mod names; its program is built as it is.
package tools

import _ "github.com/k8snetworkplumbingwg/whereabouts/cmd"
