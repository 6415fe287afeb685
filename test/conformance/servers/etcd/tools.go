//go:build tools

package servers

import _ "go.etcd.io/etcd/server/v3"
