#!/usr/bin/env bash
# Builds the programs of a Kubernetes control plane, and EKS's own reader of tokens, from their published Go modules. Needs Go 1.26 and about ten
# minutes on two processors.
#   test/conformance/servers/build.sh /opt/kubebuilder/bin
#   KUBEBUILDER_ASSETS=/opt/kubebuilder/bin npm run conformance -- kubernetes
set -euo pipefail
if [ $# -ne 1 ]; then
  echo "usage: $0 <folder for the programs>" >&2
  exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

cd "$here/etcd"
go build -trimpath -ldflags '-s -w' -o "$folder/etcd" go.etcd.io/etcd/server/v3

cd "$here/authenticator"
go build -trimpath -ldflags '-s -w' -o "$folder/eks-token-verifier" .

cd "$here/kubernetes"
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
stamp="-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/client-go/pkg/version.gitVersion=$version"
for program in kube-apiserver kube-controller-manager kube-scheduler kubectl; do
  go build -trimpath -ldflags "-s -w $stamp" -o "$folder/$program" "k8s.io/kubernetes/cmd/$program"
done
