#!/usr/bin/env bash
# Builds Karpenter with its kwok provider from its published Go module, and puts its definitions beside it. Needs Go 1.26
# and about three minutes on two processors.
#   test/conformance/servers/karpenter/build.sh /opt/karpenter
#   KARPENTER_ASSETS=/opt/karpenter KUBEBUILDER_ASSETS=/opt/kubebuilder/bin npm run conformance -- karpenter
set -euo pipefail
if [ $# -ne 1 ]; then
  echo "usage: $0 <folder for the program>" >&2
  exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")"

export CGO_ENABLED=0
module=sigs.k8s.io/karpenter
go mod download "$module"
source=$(go list -m -f '{{.Dir}}' "$module")
version=$(go list -m -f '{{.Version}}' "$module")

# Karpenter serves its metrics and probes on every interface, and has no option for the address: the program is built
# from a copy in which both are on the loopback.
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
cp -r "$source" "$temporary/karpenter"
chmod -R u+w "$temporary/karpenter"
operator=$temporary/karpenter/pkg/operator/operator.go
sed -i.published 's/fmt\.Sprintf(":%d"/fmt.Sprintf("127.0.0.1:%d"/' "$operator"
if [ "$(grep -c '"127.0.0.1:%d"' "$operator")" -ne 2 ]; then
  echo "$0: $module $version no longer names two addresses in pkg/operator/operator.go" >&2
  exit 1
fi
cp go.mod go.sum "$temporary"
go mod edit -replace "$module=$temporary/karpenter" "$temporary/go.mod"
stamp="-X $module/pkg/operator.Version=${version#v}"
go build -trimpath -modfile "$temporary/go.mod" -ldflags "-s -w $stamp" -o "$folder/karpenter" "$module/kwok"

rm -rf "$folder/crds"
mkdir "$folder/crds"
cp "$source"/pkg/apis/crds/*.yaml "$source"/kwok/apis/crds/*.yaml "$folder/crds"
chmod -R u+w "$folder/crds"
