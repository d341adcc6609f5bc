//go:build tools

// The CNI plugin dummy of the release that go.mod names; its program is built as it is.
package tools

import _ "github.com/containernetworking/plugins/plugins/main/dummy"
