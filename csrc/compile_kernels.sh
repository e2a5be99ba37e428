#!/bin/sh
# compile_kernels.sh LOG nvcc ARGUMENT...: runs nvcc and keeps what it says in LOG; shows it when it fails.
log=$1
shift
"$@" >"$log" 2>&1 || { status=$?; cat "$log" >&2; exit $status; }
