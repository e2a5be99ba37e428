#!/usr/bin/env python3
"""Quantized weights as bitsandbytes and torch store them, for csrc/tests/cpu/test_quantized.cpp.

    pip install torch bitsandbytes
    python3 scripts/make_quant_goldens.py [OUT]

Runs on the CPU. Writes csrc/tests/goldens/quantized.txt: for each matrix its rows, columns and stored type, then named results
as hex, floats as their bits. The elements are not in the file: both sides compute them exactly from the same integers (see
elements).

On a CPU, bitsandbytes looks up f32 maxima in a table of 65536 steps, which misses the nearest code in one case of a thousand. Its
GPU kernels and its reference code do not. Given doubles, it runs the reference code, so this script passes doubles.
"""

import sys
from pathlib import Path

import bitsandbytes.functional as bnb
import torch

OUT = Path(__file__).resolve().parent.parent / "csrc/tests/goldens/quantized.txt"

# Blocks that start with a row and others; odd sizes; one row; more blocks than share a scale.
CASES = [(3, 128, "f32"), (5, 64, "bf16"), (7, 45, "f32"), (1, 70, "f32"), (130, 192, "bf16"), (33, 71, "bf16"),
         (300, 60, "f32")]
# Large matrices are written only as far as smaller ones do not cover.
WITH_VALUES, WITH_ROWS = 400, 2500  # largest number of elements with dequantized values, and with formats scaled per row


def elements(rows, cols, stored):
    """Sums of four 20-bit numbers, shrunk by powers of two along rows and columns; the second of several rows is zero."""
    state, out = rows * 1000 + cols, []
    for i in range(rows * cols):
        total = 0
        for _ in range(4):
            state = (state * 1664525 + 1013904223) % 2**32
            total += (state >> 12) - 2**19
        row, col = divmod(i, cols)
        out.append(0.0 if row == 1 else total * 2.0 ** (-21 - row % 5 - col // 50))
    w = torch.tensor(out, dtype=torch.float32).reshape(rows, cols)
    return w.bfloat16() if stored == "bf16" else w


def nf4(w):
    packed, maxima = torch.ops.bitsandbytes.quantize_4bit(w, 64, "nf4", torch.uint8)
    mean = maxima.mean()
    dynamic = bnb.create_dynamic_map()
    codes, scales = torch.ops.bitsandbytes.quantize_blockwise((maxima - mean).double(), dynamic, 256)
    state = bnb.QuantState(absmax=codes, shape=w.shape, dtype=torch.float32, blocksize=64, quant_type="nf4",
                           code=bnb.get_4bit_type("nf4", device="cpu"), offset=mean,
                           state2=bnb.QuantState(absmax=scales, blocksize=256, code=dynamic, dtype=torch.float32))
    return {"nf4_codes": packed, "nf4_block_codes": codes, "nf4_scales": scales, "nf4_mean": mean,
            "nf4_values": bnb.dequantize_4bit(packed, state)}


def int8(w):
    codes, maxima, _ = torch.ops.bitsandbytes.int8_vectorwise_quant(w.float())
    codes[maxima == 0] = 0  # bitsandbytes casts 0 * (127 / 0), a NaN, to an unspecified code
    values = torch.ops.bitsandbytes.int8_vectorwise_dequant(codes, maxima)
    return {"int8_codes": codes, "int8_scales": maxima / 127, "int8_values": values}


def fp8(w):
    maxima = w.float().abs().amax(dim=1, keepdim=True)
    scale = torch.full_like(maxima, 448) / maxima  # 448 / maxima would be 448 times the rounded reciprocal
    codes = torch.where(maxima > 0, w.float() * scale, 0).to(torch.float8_e4m3fn)
    return {"fp8_codes": codes, "fp8_scales": maxima / 448, "fp8_values": codes.float() * (maxima / 448)}


def as_hex(t):
    return t.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes().hex()


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w") as f:
        print("dynamic_map", as_hex(bnb.create_dynamic_map()), file=f)
        print("nf4_table", as_hex(bnb.get_4bit_type("nf4", device="cpu")), file=f)
        for rows, cols, stored in CASES:
            w = elements(rows, cols, stored)
            print("matrix", rows, cols, stored, file=f)
            results = nf4(w) | (int8(w) | fp8(w) if w.numel() <= WITH_ROWS else {})
            for name, result in results.items():
                if not name.endswith("_values") or w.numel() <= WITH_VALUES:
                    print(name, as_hex(result), file=f)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
