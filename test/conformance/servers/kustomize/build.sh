#!/usr/bin/env bash
# Builds kustomize from its published Go module, and puts the definitions of Argo CD's objects beside it. Needs Go 1.26
# and about a minute on two processors.
#   test/conformance/servers/kustomize/build.sh /opt/kustomize
#   KUSTOMIZE_ASSETS=/opt/kustomize KUBEBUILDER_ASSETS=/opt/kubebuilder/bin npm run conformance -- platform
set -euo pipefail
if [ $# -ne 1 ]; then
  echo "usage: $0 <folder for the program>" >&2
  exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")"

export CGO_ENABLED=0
module=sigs.k8s.io/kustomize/kustomize/v5
go mod download "$module"
version=$(go list -m -f '{{.Version}}' "$module")
stamp="-X sigs.k8s.io/kustomize/api/provenance.version=$version"
go build -trimpath -ldflags "-s -w $stamp" -o "$folder/kustomize" "$module"

# Of the release that the part Argo CD builds, with the toolchain that it asks for.
cd ../argocd
GOTOOLCHAIN=$(sed -n 's/^go \([0-9.]*\)$/go\1/p' go.mod)
export GOTOOLCHAIN
go mod download github.com/argoproj/argo-cd/v3
source=$(go list -m -f '{{.Dir}}' github.com/argoproj/argo-cd/v3)
rm -rf "$folder/crds"
cp -r "$source/manifests/crds" "$folder/crds"
chmod -R u+w "$folder/crds"
