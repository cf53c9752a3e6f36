#!/bin/sh
# Lints the contract with buf. The imported google.api protos come from the installed package, so
# the whole contract goes in as one image and only our own files are judged.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
mkdir -p build/buf
common=$("$python" -c 'import google.api, os; print(os.path.dirname(os.path.dirname(list(google.api.__path__)[0])))')
"$python" -m grpc_tools.protoc -I proto -I "$common" --include_imports --include_source_info \
  --descriptor_set_out=build/buf/contract.binpb proto/deltacare/v1/*.proto
test -x build/buf/node_modules/.bin/buf ||
  npm install --silent --no-audit --no-fund --no-package-lock --prefix build/buf "@bufbuild/buf@${BUF_VERSION:-1.75.0}"
build/buf/node_modules/.bin/buf lint build/buf/contract.binpb --config buf.yaml
