"""Writes internal/model/safetensors/testdata/reference.json: small safetensors files, most of them damaged, each with the
result of the reference implementation. Run it again after adding a case:

    python scripts/make_safetensors_cases.py        (needs safetensors, numpy and torch from PyPI)
"""

import base64
import json
import pathlib
import struct

import torch
from safetensors import deserialize
from safetensors.torch import save

OUT = pathlib.Path(__file__).parent.parent / "internal/model/safetensors/testdata/reference.json"


def file(header, data, length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def tensor(begin, end, shape=(1,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


ONE = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
CASES = {
    "one tensor": file({"a": tensor(0, 4)}, b"0000"),
    "hole": file({"a": tensor(0, 4), "b": tensor(8, 12)}, b"0" * 12),
    "hole at the start": file({"a": tensor(4, 8)}, b"0" * 8),
    "rest": file({"a": tensor(0, 4)}, b"0" * 8),
    "truncated": file({"a": tensor(0, 4)}, b"000"),
    "far outside": file({"a": tensor(1 << 62, (1 << 62) + 4)}, b"0000"),
    "overlap": file({"a": tensor(0, 4), "b": tensor(2, 6)}, b"0" * 6),
    "same bytes twice": file({"a": tensor(0, 4), "b": tensor(0, 4)}, b"0000"),
    "not in the order of their bytes": file({"a": tensor(4, 8), "b": tensor(0, 4)}, b"0" * 8),
    "ends before it begins": file({"a": tensor(4, 0)}, b"0000"),
    "space before the header": file(b" " + ONE, b"0000"),
    "space after the header": file(ONE + b"   ", b"0000"),
    "zeros after the header": file(ONE + b"\0\0", b"0000"),
    "two objects": file(ONE + ONE, b"0000"),
    "unknown key in a tensor": file(ONE.replace(b"]}", b'],"x":1}'), b"0000"),
    "scalar": file({"a": tensor(0, 4, ())}, b"0000"),
    "no elements": file({"a": tensor(0, 0, (0, 3)), "b": tensor(0, 4)}, b"0000"),
    "no elements at the end": file({"a": tensor(0, 4), "b": tensor(4, 4, (0,))}, b"0000"),
    "no tensors": file({}, b""),
    "metadata": file({"__metadata__": {"format": "pt"}, "a": tensor(0, 4)}, b"0000"),
    "metadata of numbers": file({"__metadata__": {"a": 1}}, b""),
    "metadata null": file({"__metadata__": None}, b""),
    "negative offset": file({"a": tensor(-4, 0)}, b"0000"),
    "negative dimension": file({"a": tensor(0, 4, (-1,))}, b"0000"),
    "dimension with a fraction": file({"a": tensor(0, 4, (1.0,))}, b"0000"),
    "three offsets": file(ONE.replace(b"[0,4]", b"[0,4,4]"), b"0000"),
    "no dtype": file(b'{"a":{"shape":[1],"data_offsets":[0,4]}}', b"0000"),
    "no shape": file(b'{"a":{"dtype":"F32","data_offsets":[0,4]}}', b"0000"),
    "no offsets": file(b'{"a":{"dtype":"F32","shape":[1]}}', b"0000"),
    "key in capitals": file(ONE.replace(b"dtype", b"DTYPE"), b"0000"),
    "offsets null": file(ONE.replace(b"[0,4]", b"null"), b"0000"),
    "tensor null": file(b'{"a":null}', b""),
    "header over the limit": file({"a": tensor(0, 4)}, b"0000", length=100_000_001),
    "header longer than the file": file({"a": tensor(0, 4)}, b"0000", length=1000),
    "header of 2^63 bytes": file({"a": tensor(0, 4)}, b"0000", length=1 << 63),
    "header cut": file({"a": tensor(0, 4)}, b"0000", length=10),
    "header empty": file(b"", b""),
    "header a list": file(b"[]", b""),
    "header not UTF-8": file(ONE.replace(b"a", b"\xff", 1), b"0000"),
    "seven bytes": b"\0" * 7,
    "empty": b"",
    "unknown dtype": file({"a": tensor(0, 4, (1,), "F33")}, b"0000"),
    "dtype in small letters": file({"a": tensor(0, 4, (1,), "f32")}, b"0000"),
    "product overflows": file({"a": tensor(0, 0, (1 << 32, 1 << 32))}, b""),
    "more bytes than the shape": file({"a": tensor(0, 8)}, b"0" * 8),
    "fewer bytes than the shape": file({"a": tensor(0, 4, (2,))}, b"0000"),
    "other dtypes": file({"a": tensor(0, 8, (1,), "I64"), "b": tensor(8, 9, (1,), "BOOL"), "c": tensor(9, 11, (2,), "F8_E4M3")}, b"0" * 11),
    "half a byte": file({"a": tensor(0, 1, (1,), "F4")}, b"0"),
    "two half bytes": file({"a": tensor(0, 1, (2,), "F4")}, b"0"),
}

# Values of every class: zeros, subnormals, the largest, infinities, NaN, and ordinary ones.
EDGES = [0.0, -0.0, 1.0, -2.5, 3.0e-5, 6.0e-8, -6.1e-5, 65504.0, float("inf"), float("-inf"), 0.1, 1e-20, 3.3e38, 1 / 3]


def verdict(content):
    try:
        deserialize(content)
        return ""
    except Exception as err:
        return str(err)


def main():
    cases = [{"name": n, "file": base64.b64encode(c).decode(), "error": verdict(c)} for n, c in CASES.items()]
    values = torch.tensor(EDGES)
    stored = {"f32": values, "f16": values.half(), "bf16": values.bfloat16(), "matrix": torch.arange(6.0).reshape(2, 3)}
    # As bits, because JSON has no infinity. NaN is left out, because its payload is unspecified.
    bits = {n: t.float().view(torch.int32).flatten().tolist() for n, t in stored.items()}
    torch_file = base64.b64encode(save(stored, metadata={"format": "pt"})).decode()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"cases": cases, "torch": {"file": torch_file, "bits": bits}}, indent=1) + "\n")
    print(OUT, len(cases), "cases")


if __name__ == "__main__":
    main()
