#!/usr/bin/env python3
"""Holds `vqctl collect` and `vqctl preprocess` to the written rules, by a second reading of them.

It makes random message databases in Apple's schemas, in which every kind of row occurs, works out in Python which
windows must come of them, runs the program, and compares byte for byte. It shares no code with the program: it
does not decode what it wrote, it knows what it meant. Needs Python 3.9 and nothing else.

  scripts/reading/check_reading.py --schema chat.db [--vqctl bin/vqctl] [--runs 20] [--seed 1] [--keep DIR]

The schema is that of any chat.db, such as the one that `vqctl demo` makes, or what `sqlite3 chat.db .schema` prints. The
first differences are shown, and the folders of the databases that caused them are kept; exit code 1.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from rules import expected
from world import OWNER, World


def run(vqctl, folder, world, *arguments):
    env = {**os.environ, "MY_NAME": OWNER, "USER_IDENTIFIERS": ",".join(world.own)}
    p = subprocess.run([vqctl, *arguments], cwd=folder, env=env, capture_output=True, text=True)
    if p.returncode:
        raise SystemExit(f"{folder}: vqctl {' '.join(arguments)}: exit code {p.returncode}\n{p.stdout}{p.stderr}")
    return p.stdout


def read_schema(path):
    with open(path, "rb") as f:
        if not f.read(16).startswith(b"SQLite format 3"):
            return open(path, encoding="utf-8").read()
    con = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = con.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'").fetchall()
    con.close()
    return ";\n".join(sql for (sql,) in rows) + ";"


def content(folder):
    """The source, byte for byte: no run may change it."""
    return {name: open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder) if name.startswith("chat.db")}


def check(vqctl, schema, seed, folder, size):
    rng = random.Random(seed)
    world = World(rng, size)
    world.save(os.path.join(folder, "chat.db"), schema)
    con = sqlite3.connect(os.path.join(folder, "chat.db"))
    supports = {r[1] for r in con.execute("PRAGMA table_info(message)")}
    con.close()
    os.makedirs(os.path.join(folder, "data"))
    world.save_contacts(os.path.join(folder, "data"))
    before = content(folder)
    run(vqctl, folder, world, "collect", "--source", "chat.db", "--json")
    if content(folder) != before:
        return f"seed {seed}: collect changed the source"
    con = sqlite3.connect(os.path.join(folder, "data/messages.db"))
    con.execute("CREATE TABLE IF NOT EXISTS attachment_descriptions(attachment_guid TEXT PRIMARY KEY, description TEXT)")
    con.executemany("INSERT INTO attachment_descriptions(attachment_guid, description) VALUES (?,?)", world.described.items())
    con.commit()
    con.close()
    for window, stride in [(100, 1), (rng.randint(1, 12), 1), (rng.randint(5, 30), rng.randint(2, 5)), (7, 7)]:
        out = os.path.join(folder, f"w{window}s{stride}.jsonl")
        run(vqctl, folder, world, "preprocess", "--window", str(window), "--stride", str(stride), "--export", out, "--json")
        want, got = expected(world, window, stride, supports), {}
        for line in open(out, encoding="utf-8", newline="\n"):
            text = json.loads(line)["text"]
            got.setdefault(tuple(json.loads(text.split("\n")[0])["members"]), []).append(line.rstrip("\n"))
        difference = compare({k: v for k, v in want.items() if v}, got)
        if difference:
            return f"seed {seed}, window {window}, stride {stride}: {difference}"
    return None


def compare(expected, got):
    if set(expected) != set(got):
        return f"conversations differ: only expected {set(expected) - set(got)}, only found {set(got) - set(expected)}"
    for members in expected:
        for n, (e, g) in enumerate(itertools.zip_longest(expected[members], got[members])):
            if e == g:
                continue
            lines = [json.loads(x)["text"].split("\n") if x else [] for x in (e, g)]
            at = next((i for i, (a, b) in enumerate(itertools.zip_longest(*lines)) if a != b), -1)
            shown = [l[max(0, at - 2) : at + 3] for l in lines]
            return (
                f"{members} window {n+1}, line {at+1}:\nexpected\n  "
                + "\n  ".join(shown[0])
                + "\nfound\n  "
                + "\n  ".join(shown[1])
                + ("" if at >= 0 else f"\n{e[-60:]}\n{g[-60:]}")
            )
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--schema", required=True, action="append", help="the schema of a chat.db, as sqlite3's .schema prints it; may be given again"
    )
    parser.add_argument("--vqctl", default="bin/vqctl")
    parser.add_argument("--runs", type=int, default=20, help="how many databases of each schema")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=120, help="rows of a database")
    parser.add_argument("--keep", help="keep databases here")
    o = parser.parse_args()
    failures = 0
    for schema in o.schema:
        for seed in range(o.seed, o.seed + o.runs):
            folder = tempfile.mkdtemp(prefix=f"reading-{seed}-", dir=o.keep)
            difference = check(os.path.abspath(o.vqctl), read_schema(schema), seed, folder, o.size)
            if difference:
                print(f"{difference}\nschema {schema}, in {folder}\n")
                failures += 1
                if failures >= 3:
                    sys.exit(1)
            elif not o.keep:
                shutil.rmtree(folder)
    print(f"{o.runs * len(o.schema)} databases, {failures} differ")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
