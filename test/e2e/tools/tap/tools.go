//go:build tools

// The CNI plugin tap of the release that go.mod names; its program is built as it is.
package tools

import _ "github.com/containernetworking/plugins/plugins/main/tap"
