#!/bin/sh
# compile_kernels.sh LOG nvcc ARGUMENT...: runs nvcc and keeps what it says in LOG; shows it when it fails. It says too when
# ptxas lets products (wgmma) wait for one another, which makes them slow, not wrong: scripts/kernel-table --strict fails.
log=$1
shift
"$@" >"$log" 2>&1 || { status=$?; cat "$log" >&2; exit $status; }
grep 'wgmma.mma_async instructions are serialized' "$log" >&2 || true
