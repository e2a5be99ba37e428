#!/bin/sh
# Code compiled for one instruction set must not be reachable from others: each isa_*.o of the library given defines one
# global symbol, its table (see ops/cpu/kernels.h). Usage: check_symbols.sh libvqengine.a
nm "$1" | awk '
  /^isa_.*:$/ { file = $1; files++; symbols[file] = 0; next }
  /:$/ { file = ""; next }
  file != "" && NF >= 2 && $(NF - 1) ~ /^[A-TV-Zuvw]$/ && $(NF - 1) != "U" {
    symbols[file]++
    if ($NF !~ /kernels/) { print file, "defines", $NF; bad = 1 }
  }
  END {
    if (files == 0) { print "no object files of instruction sets found"; bad = 1 }
    for (f in symbols) if (symbols[f] != 1) { print f, "defines", symbols[f], "global symbols"; bad = 1 }
    exit bad
  }'
