#!/usr/bin/env python3
"""Checks `vqctl collect` and `vqctl preprocess` against the rules of docs/rows.md with an independent implementation.

Makes random message databases in Apple's schemas with every kind of row, computes in Python which windows they must produce,
runs the program, and compares byte for byte. It shares no code with the program, and does not decode what it wrote: the
generator keeps the meaning of each row. Needs only Python 3.9.

  scripts/reading/check_reading.py --schema chat.db [--vqctl bin/vqctl] [--runs 20] [--seed 1] [--keep DIR]

The schema is taken from any chat.db, such as the one that `vqctl demo` makes, or from the output of `sqlite3 chat.db .schema`. On
a difference, prints the first ones, keeps the folders of the databases that caused them, and exits with status 1.
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
    """The bytes of the source, which no run may change."""
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
    summary = json.loads(run(vqctl, folder, world, "collect", "--source", "chat.db", "--json"))
    if content(folder) != before:
        return f"seed {seed}: collect changed the source"
    difference = account(os.path.join(folder, "chat.db"), summary)
    if difference:
        return f"seed {seed}: {difference}"
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
    return again(vqctl, seed, folder, world)


# The fate of a row by its columns alone; the first condition that holds decides.
COUNTED = """SELECT CASE
  WHEN NOT EXISTS (SELECT 1 FROM chat_message_join j WHERE j.message_id = m.ROWID {live}) THEN {gone}
  WHEN coalesce(item_type, 0) <> 0 THEN 'group events'
  WHEN {spam} THEN 'junk'
  WHEN {scheduled} THEN 'scheduled'
  WHEN is_from_me = 1 AND coalesce(error, 0) <> 0 AND coalesce(is_sent, 0) = 0 THEN 'never sent'
  WHEN associated_message_type IN (1000, 2007, 3007) THEN 'stickers'
  WHEN associated_message_type = 4000 THEN 'poll votes'
  ELSE 'other' END AS fate, count(*) FROM message m GROUP BY fate"""


def account(path, summary):
    """Compares the summary with counts from sqlite3: every row has exactly one fate."""
    con = sqlite3.connect(path)
    columns = {r[1] for r in con.execute("PRAGMA table_info(message)")}
    recoverable = con.execute("SELECT 1 FROM sqlite_master WHERE name = 'chat_recoverable_message_join'").fetchone()
    query = COUNTED.format(
        live="AND NOT EXISTS (SELECT 1 FROM chat_recoverable_message_join r WHERE r.message_id = j.message_id AND r.chat_id = j.chat_id)"
        if recoverable
        else "",
        gone="iif(EXISTS (SELECT 1 FROM chat_recoverable_message_join r WHERE r.message_id = m.ROWID), 'recently deleted', 'in no chat')"
        if recoverable
        else "'in no chat'",
        spam="coalesce(is_spam, 0) <> 0" if "is_spam" in columns else "0",
        scheduled="coalesce(schedule_type, 0) <> 0" if "schedule_type" in columns else "0",
    )
    want = dict(con.execute(query).fetchall())
    con.close()
    got = {f["fate"]: f["rows"] for f in summary["fates"]}
    if summary["rows"] != sum(want.values()) or sum(got.values()) != summary["rows"]:
        return f"{sum(want.values())} rows, the summary counts {summary['rows']}, its fates {sum(got.values())}"
    for fate, rows in want.items():
        if fate != "other" and got.get(fate, 0) != rows:
            return f"{rows} rows are {fate}, the summary counts {got.get(fate, 0)}"
    return None


def again(vqctl, seed, folder, world):
    """Changes the database, and compares an incremental collect with a fresh one."""
    rng = random.Random(seed)
    con = sqlite3.connect(os.path.join(folder, "chat.db"))
    rows = [r for (r,) in con.execute("SELECT ROWID FROM message ORDER BY ROWID")]
    for _ in range(rng.randint(1, 6)):
        row = rng.choice(rows)
        con.execute(
            *rng.choice(
                [
                    ("DELETE FROM message WHERE ROWID = ?", (row,)),
                    ("DELETE FROM chat_message_join WHERE message_id = ?", (row,)),
                    ("UPDATE message SET text = 'changed', attributedBody = NULL WHERE ROWID = ?", (row,)),
                    ("UPDATE message SET is_read = 1 WHERE ROWID = ?", (row,)),
                    ("UPDATE message SET text = NULL, attributedBody = NULL, balloon_bundle_id = NULL WHERE ROWID = ?", (row,)),
                    ("INSERT INTO message(guid, text, date, is_from_me) SELECT guid || 'x', 'new', max(date) + 1, 1 FROM message", ()),
                    ("INSERT OR IGNORE INTO chat_message_join(chat_id, message_id) SELECT 1, max(ROWID) FROM message", ()),
                ]
            )
        )
    con.commit()
    con.close()
    exports = []
    for data in ("data", "fresh"):
        os.makedirs(os.path.join(folder, data), exist_ok=True)
        if data == "fresh":
            shutil.copy(os.path.join(folder, "data", "contacts_to_ids.jsonl"), os.path.join(folder, data))
        summary = json.loads(run(vqctl, folder, world, "collect", "--source", "chat.db", "--json", "--data-dir", data))
        if data == "fresh":
            a, b = (sqlite3.connect(os.path.join(folder, d, "messages.db")) for d in ("data", "fresh"))
            for described in a.execute("SELECT attachment_guid, description FROM attachment_descriptions WHERE description IS NOT NULL").fetchall():
                b.execute("INSERT OR IGNORE INTO attachment_descriptions(attachment_guid, description) VALUES (?,?)", described)
            b.commit()
            a.close()
            b.close()
        out = os.path.join(folder, f"{data}.jsonl")
        run(vqctl, folder, world, "preprocess", "--export", out, "--json", "--data-dir", data)
        exports.append((open(out, "rb").read(), summary["fates"], summary["messages"], summary["conversations"]))
    if exports[0] != exports[1]:
        return f"seed {seed}: collected again it is not what it is afresh: {exports[0][1:]} and {exports[1][1:]}"
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
