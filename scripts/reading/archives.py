"""Minimal encoders of two formats of Apple's: typedstream, for message bodies, and NSKeyedArchiver."""

import json
import plistlib
import struct


class Typedstream:
    """Writes NSAttributedString archives: shared strings, numbered objects, attribute dictionaries."""

    def __init__(self):
        self.out, self.strings, self.objects, self.count = bytearray(b"\x04\x0bstreamtyped\x81\xe8\x03"), {}, {}, 0

    def int(self, n):
        if -110 <= n <= 127:
            self.out += struct.pack("<b", n)
        elif -32768 <= n <= 32767:
            self.out += b"\x81" + struct.pack("<h", n)
        else:
            self.out += b"\x82" + struct.pack("<i", n)

    def length(self, n):  # a length above 32,767 is written as an unsigned 16-bit number
        if n <= 127:
            self.out.append(n)
        elif n <= 0xFFFF:
            self.out += b"\x81" + struct.pack("<H", n)
        else:
            self.out += b"\x82" + struct.pack("<i", n)

    def raw(self, data):
        self.length(len(data))
        self.out += data

    def shared(self, s):
        if s in self.strings:
            return self.int(self.strings[s] - 110)
        self.strings[s] = len(self.strings)
        self.out.append(0x84)
        self.raw(s.encode())

    def number(self):
        self.count += 1
        return self.count - 1

    def cls(self, chain):
        for i, (name, version) in enumerate(chain):
            if name in self.objects:
                return self.int(self.objects[name] - 110)
            self.objects[name] = self.number()
            self.out.append(0x84)
            self.shared(name)
            self.int(version)
        self.out.append(0x85)

    def begin(self, *chain):
        self.shared("@")
        self.out.append(0x84)
        self.number()
        self.cls(chain + (("NSObject", 0),))

    def end(self):
        self.out.append(0x86)

    def string(self, s, mutable=False):
        self.begin(*([("NSMutableString", 1)] if mutable else []), ("NSString", 1))
        self.shared("+")
        self.raw(s.encode())
        self.end()

    def integer(self, n):
        self.begin(("NSNumber", 0), ("NSValue", 0))
        self.shared("*")
        if "*i" in self.objects:
            self.int(self.objects["*i"] - 110)
        else:
            self.objects["*i"] = self.number()
            self.out.append(0x84)
            self.shared("i")
        self.shared("i")
        self.int(n)
        self.end()

    def value(self, v):
        self.integer(v) if isinstance(v, int) else self.string(v)

    def attributed(self, runs):
        """runs: [(text, {attribute: str or int})]"""
        self.begin(("NSMutableAttributedString", 0), ("NSAttributedString", 0))
        self.string("".join(t for t, _ in runs), mutable=True)
        seen = {}
        for text, attributes in runs:
            key = json.dumps(attributes, sort_keys=True)
            new = key not in seen
            seen.setdefault(key, len(seen) + 1)
            self.shared("iI")
            self.int(seen[key])
            self.length(len(text.encode("utf-16-le")) // 2)
            if new:
                self.begin(("NSDictionary", 0))
                self.shared("i")
                self.int(len(attributes))
                for k, v in attributes.items():
                    self.string(k)
                    self.value(v)
                self.end()
        self.end()
        return bytes(self.out)

    def plain(self, s):
        self.string(s, mutable=True)
        return bytes(self.out)


def archive(value):
    """An NSKeyedArchiver plist: dict, str, and ("url", s) and ("mutable", s)."""
    objects = ["$null"]

    def add(v):
        at = len(objects)
        objects.append(None)
        cls = lambda *names: add_plain({"$classname": names[0], "$classes": list(names) + ["NSObject"]})
        if isinstance(v, dict):
            objects[at] = {
                "NS.keys": [add(k) for k in v],
                "NS.objects": [add(x) for x in v.values()],
                "$class": cls("NSMutableDictionary", "NSDictionary"),
            }
        elif isinstance(v, tuple) and v[0] == "object":
            objects[at] = {**{k: add(x) for k, x in v[1].items()}, "$class": cls("LPLinkMetadata")}
        elif isinstance(v, tuple) and v[0] == "url":
            objects[at] = {"NS.base": plistlib.UID(0), "NS.relative": add(v[1]), "$class": cls("NSURL")}
        elif isinstance(v, tuple):
            objects[at] = {"NS.string": v[1], "$class": cls("NSMutableString", "NSString")}
        else:
            objects[at] = v
        return plistlib.UID(at)

    def add_plain(v):
        objects.append(v)
        return plistlib.UID(len(objects) - 1)

    root = add(value)
    return plistlib.dumps(
        {"$version": 100000, "$archiver": "NSKeyedArchiver", "$top": {"root": root}, "$objects": objects}, fmt=plistlib.FMT_BINARY
    )
