#!/usr/bin/env bash
# Builds Argo CD, all its programs in one, from its published Go module, and puts what it needs of its release
# beside it. Go fetches the toolchain that the module asks for. Needs about fifteen minutes on two processors.
#   test/conformance/servers/argocd/build.sh /opt/argocd
#   ARGOCD_ASSETS=/opt/argocd KUBEBUILDER_ASSETS=/opt/kubebuilder/bin npm run conformance -- argocd
set -euo pipefail
if [ $# -ne 1 ]; then
  echo "usage: $0 <folder for the program>" >&2
  exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")"

toolchain=$(sed -n 's/^go \([0-9.]*\)$/go\1/p' go.mod)
export GOTOOLCHAIN=$toolchain CGO_ENABLED=0
module=github.com/argoproj/argo-cd/v3
go mod download "$module"
version=$(go list -m -f '{{.Version}}' "$module")
stamp="-X $module/common.version=${version#v}"
go build -trimpath -ldflags "-s -w $stamp" -o "$folder/argocd" "$module/cmd"

source=$(go list -m -f '{{.Dir}}' "$module")
# Without it the repo-server of 3.6 makes no manifest.
install -m 755 "$source/hack/git-verify-wrapper.sh" "$folder/git-verify-wrapper.sh"
rm -rf "$folder/crds"
cp -r "$source/manifests/crds" "$folder/crds"
chmod -R u+w "$folder/crds"
