"""Writes a GGUF file with gguf, llama.cpp's own Python package, and what it holds: internal/model/gguf/testdata/reference.{gguf,json}.

    python scripts/make_gguf_cases.py        (needs gguf==0.19.0 and numpy from PyPI)
"""

import json
import pathlib

import gguf
import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "internal/model/gguf/testdata"


def main():
    FOLDER.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)
    writer = gguf.GGUFWriter(FOLDER / "reference.gguf", "qwen3")
    writer.add_uint8("a.uint8", 200)
    writer.add_int8("a.int8", -100)
    writer.add_uint16("a.uint16", 60000)
    writer.add_int16("a.int16", -30000)
    writer.add_uint32("a.uint32", 4_000_000_000)
    writer.add_int32("a.int32", -2_000_000_000)
    writer.add_uint64("a.uint64", 2**60 + 1)
    writer.add_int64("a.int64", -(2**60) - 1)
    writer.add_float32("a.float32", 0.1)
    writer.add_float64("a.float64", 0.1)
    writer.add_bool("a.bool", True)
    writer.add_string("a.string", "Grüße")
    writer.add_array("a.strings", ["", "Ġa", "b"])
    writer.add_array("a.ints", [1, -2, 3])
    tensors, values = {}, rng.normal(size=(5, 96)).astype(np.float32)
    values[0, :32] = 0
    values[1, :4] = [3e-8, -6e-5, 1e-7, 60000]
    for name in ("F32", "F16", "BF16", "Q8_0"):
        kind = gguf.GGMLQuantizationType[name]
        data = gguf.quants.quantize(values, kind)
        writer.add_tensor(name.lower(), data, raw_dtype=kind)
        back = gguf.quants.dequantize(data, kind).astype(np.float32)
        tensors[name.lower()] = back.view(np.int32).flatten().tolist()
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    reference = {"shape": [5, 96], "values": values.view(np.int32).flatten().tolist(), "tensors": tensors}
    (FOLDER / "reference.json").write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main()
