#!/bin/sh
# Installs ministack, an AWS with a CloudFormation written by others, into a folder of its own: build.sh <folder>
set -eu
folder=${1:?"usage: $0 <folder>"}
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet 'ministack==1.5.33'
"$folder/bin/pip" list 2>/dev/null | grep -i '^ministack '
