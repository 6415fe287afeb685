//go:build tools

package servers

import _ "sigs.k8s.io/karpenter/kwok"
