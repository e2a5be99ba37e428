#!/bin/sh
# compile_kernels.sh LOG nvcc ARGUMENT...: runs nvcc and keeps what it says in LOG; shows it when it fails. It fails too
# when ptxas lets products (wgmma) wait for one another.
log=$1
shift
"$@" >"$log" 2>&1 || { status=$?; cat "$log" >&2; exit $status; }
if grep 'wgmma.mma_async instructions are serialized' "$log" >&2; then exit 1; fi
