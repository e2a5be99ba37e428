"""A random world: people with several addresses, chats, and their messages, stored as Apple stores them.

Besides its columns, every row keeps its meaning: "parts" is [number, content type, text] for each part of an ordinary message,
"reaction" describes a tapback, "answers" the message that a reply answers, "left_out" why the row must not become a message.
"""

import itertools
import json
import os
import re
import sqlite3

from rows import OWNER, SECOND, Rows


class World(Rows):
    def __init__(self, rng, size):
        self.rng, self.size = rng, size
        self.handles, self.chats, self.rows, self.attachments, self.described = [], [], [], [], {}
        self.serial = itertools.count(1)
        self.people()
        self.conversations()
        self.messages()

    # People: contacts with several addresses, strangers, and the owner with several addresses.
    def people(self):
        rng = self.rng
        self.region = rng.choice(["US", "US", "GB"])
        own = {"US": "+14152000000", "GB": "+447911000000"}[self.region]
        self.own = [own, "Me@Example.com"] if rng.random() < 0.8 or self.region == "GB" else []
        names = rng.sample(
            ["Aidan", "John", "Łukasz", "Ana María", "王小明", "O'Neil", 'Q "Q" Q', "émile", "Zed", "abe"], rng.randint(3, 7)
        )
        self.contacts = {}
        for i, name in enumerate(names):
            ids = [
                (
                    f"+1415200{1000+i*10+rng.randint(0,9)}"
                    if self.region == "US" or rng.random() < 0.3
                    else f"+447911{10000+i*10+rng.randint(0,9):06d}"
                )
            ]
            if rng.random() < 0.6:
                ids.append(f"Person{i}.X@Mail.Example.org")
            if rng.random() < 0.3:
                ids.append(f"+1415300{1000+i}")
            if rng.random() < 0.1:
                ids.append(f"+3361234567{i}")
            self.contacts[name] = ids
        self.strangers = ["+14159998888", "nobody@nowhere.example", "262966", "urn:biz:7f3a-bank", "BANK"]

    def local(self, number):
        """A number as people write it, with or without its country code."""
        rng = self.rng
        if "@" in number or not number.startswith("+"):
            return rng.choice([number, number.upper(), number.lower()]) if "@" in number else number
        if number.startswith("+1"):
            a, b, c = number[2:5], number[5:8], number[8:]
            forms = [f"+1 ({a}) {b}-{c}", f"+1{a}{b}{c}", f"+1-{a}-{b}-{c}", f"+1\u00a0{a} {b} {c}"]
            if self.region == "US":
                forms += [f"({a}) {b}-{c}", f"{a}{b}{c}", f"{a}.{b}.{c}", f"1 {a} {b} {c}"]
            return rng.choice(forms)
        if number.startswith("+44"):
            return rng.choice(
                [number, "0" + number[3:7] + " " + number[7:], "+44 " + number[3:7] + " " + number[7:]] if self.region == "GB" else [number]
            )
        return number

    def handle(self, address, owner_of):
        """The row of the table handle for an address, added at first use."""
        rng = self.rng
        spelled = address if rng.random() < 0.8 else self.local(address)
        if "@" in address and rng.random() < 0.5:
            spelled = address.lower()
        service = rng.choice(["iMessage", "iMessage", "SMS", "RCS"])
        for i, h in enumerate(self.handles):
            if h["id"] == spelled and h["service"] == service:
                return i + 1
        self.handles.append({"id": spelled, "service": service, "who": owner_of})
        return len(self.handles)

    def handle_of(self, name):
        if name == OWNER:
            return self.handle(self.rng.choice(self.own), OWNER)
        if name.startswith("?"):
            return self.handle(self.strangers[int(name[1:])], name)
        return self.handle(self.rng.choice(self.contacts[name]), name)

    def conversations(self):
        rng = self.rng
        names = list(self.contacts)
        for name in rng.sample(names, rng.randint(1, len(names))):
            for _ in range(rng.choice([1, 1, 2, 3])):
                self.chats.append({"style": 45, "members": [name]})
        self.chats.append({"style": 45, "members": [f"?{rng.randrange(5)}"]})
        for _ in range(rng.randint(1, 3)):
            members = rng.sample(names, rng.randint(2, min(5, len(names))))
            if rng.random() < 0.25:
                members.append(f"?{rng.randrange(5)}")
            for _ in range(rng.choice([1, 1, 2])):
                self.chats.append({"style": 43, "members": list(members)})
        for c in self.chats:
            if self.own and c["style"] == 43 and rng.random() < 0.2:
                c["own"] = True

    # Messages: rows with random dates, in a random order of arrival.
    def messages(self):
        rng = self.rng
        now = rng.randint(400, 700) * 10**6 * SECOND
        for _ in range(self.size):
            now += rng.choice(
                [
                    0,
                    0,
                    1,
                    SECOND,
                    rng.randint(0, 70) * SECOND,
                    60 * SECOND - 1,
                    60 * SECOND,
                    300 * SECOND - 1,
                    300 * SECOND,
                    3600 * SECOND - 1,
                    3600 * SECOND,
                    43200 * SECOND - 1,
                    43200 * SECOND,
                    86400 * SECOND - 1,
                    86400 * SECOND,
                    rng.randint(0, 40) * 86400 * SECOND // 7,
                ]
            )
            chat = rng.randrange(len(self.chats))
            if rng.random() < 0.3:
                now -= now % SECOND
            self.rows.append({"time": now, "chat": chat, "id": 0})
        ids = list(range(1, len(self.rows) * 3))
        order = sorted(rng.sample(ids, len(self.rows)))
        for row, i in zip(self.rows, order):
            row["id"] = i
        for _ in range(len(self.rows) // 8):  # late arrivals
            a, b = rng.sample(self.rows, 2)
            a["id"], b["id"] = b["id"], a["id"]
        self.rows.sort(key=lambda r: (r["time"], r["id"]))
        for chat in self.chats:
            chat["now"] = list(chat["members"])
        for row in self.rows:
            self.write(row)

    def write(self, row):
        rng = self.rng
        chat = self.chats[row["chat"]]
        row.update(guid=f"{rng.getrandbits(128):032X}", columns={}, parts=[], present=True, chats=[row["chat"]])
        members = chat["now"]
        row["members"] = frozenset(members)
        row["sender"] = OWNER if rng.random() < 0.4 else rng.choice(members)
        c = row["columns"]
        c["is_from_me"] = int(row["sender"] == OWNER)
        if row["sender"] == OWNER and self.own and rng.random() < 0.05:  # from another address of the owner, as if received
            c.update(is_from_me=0, handle_id=self.handle_of(OWNER))
        elif row["sender"] == OWNER:
            c["handle_id"] = 0 if chat["style"] == 43 or rng.random() < 0.5 else self.handle_of(members[0])
        else:
            c["handle_id"] = self.handle_of(row["sender"])
        c["is_sent"] = c["is_from_me"]
        c["filter_action"] = rng.choice([0, 0, 1])
        kinds = [
            (60, self.ordinary),
            (8, self.with_attachments),
            (12, self.tapback),
            (5, self.untapback),
            (2, self.sticker),
            (2, self.vote),
            (3, self.url),
            (3, self.app),
            (3, self.voice),
            (3, self.edited),
            (2, self.unsent),
            (2, self.partly_unsent),
            (3, self.damaged),
            (2, self.plain_root),
            (3, self.unnumbered),
            (1, self.many_runs),
            (4, self.group_event),
            (4, self.left_out),
        ]
        rng.choices([k for _, k in kinds], [w for w, _ in kinds])[0](row)
        if row["parts"] and rng.random() < 0.15:
            self.reply(row)
        if rng.random() < 0.04 and not row.get("left_out"):
            self.second_chat(row)

    def second_chat(self, row):
        """The same message under another chat of the same people."""
        for i, chat in enumerate(self.chats):
            if (
                i != row["chat"]
                and chat["style"] == 45
                and self.chats[row["chat"]]["style"] == 45
                and chat["members"] == self.chats[row["chat"]]["members"]
            ):
                row["chats"].append(i)
                return

    def save(self, path, schema, lower=False):
        con = sqlite3.connect(path)
        con.executescript(re.sub(r"CREATE TABLE sqlite_sequence\(name, seq\);", "", schema))
        # Apple's triggers call functions that only Messages has.
        for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            con.execute(f"DROP TRIGGER {name}")
        columns = {r[1] for r in con.execute("PRAGMA table_info(message)")}
        recoverable = con.execute("SELECT 1 FROM sqlite_master WHERE name = 'chat_recoverable_message_join'").fetchone()
        rng = self.rng
        for i, chat in enumerate(self.chats):
            prefix = rng.choice(["iMessage", "SMS", "any"]) + (";-;" if chat["style"] == 45 else ";+;")
            con.execute(
                "INSERT INTO chat(ROWID, guid, style, chat_identifier, service_name, is_filtered) VALUES (?,?,?,?,?,?)",
                (
                    i + 1,
                    f"{prefix}{i}",
                    chat["style"],
                    rng.choice([f"chat{i}", f"{i:032x}"]),
                    rng.choice(["iMessage", None]),
                    rng.choice([0, 1, 2]),
                ),
            )
            joined = {self.handle_of(name) for name in chat["now"]}
            if chat.get("own"):
                joined.add(self.handle_of(OWNER))
            con.executemany("INSERT OR IGNORE INTO chat_handle_join(chat_id, handle_id) VALUES (?,?)", [(i + 1, h) for h in joined])
        for i, h in enumerate(self.handles):
            con.execute("INSERT INTO handle(ROWID, id, service, country) VALUES (?,?,?,?)", (i + 1, h["id"], h["service"], "us"))
        for row in rng.sample(self.rows, len(self.rows)):
            seconds = row["time"] % SECOND == 0 and rng.random() < 0.3
            values = {
                "ROWID": row["id"],
                "guid": row["guid"],
                "date": row["time"] // SECOND if seconds else row["time"],
                "service": rng.choice(["iMessage", "SMS", None]),
                **row["columns"],
            }
            for column in (
                "item_type",
                "is_spam",
                "error",
                "handle_id",
                "schedule_type",
                "is_sent",
                "associated_message_type",
                "group_action_type",
                "date_retracted",
            ):
                if not values.get(column) and rng.random() < 0.2:
                    values[column] = rng.choice([None, 0])
            for column in (
                "balloon_bundle_id",
                "associated_message_guid",
                "thread_originator_guid",
                "attributedBody",
                "payload_data",
                "text",
            ):
                if values.get(column) is None and rng.random() < 0.1:
                    values[column] = ""
            values = {k: v for k, v in values.items() if k in columns or k == "ROWID"}
            con.execute(f"INSERT INTO message({','.join(values)}) VALUES ({','.join('?' * len(values))})", list(values.values()))
            for chat in row["chats"] if not row.get("deleted") else []:
                con.execute(
                    "INSERT INTO chat_message_join(chat_id, message_id, message_date) VALUES (?,?,?)", (chat + 1, row["id"], values["date"])
                )
            if row.get("deleted") and recoverable:
                con.execute("INSERT INTO chat_recoverable_message_join VALUES (?,?,?,0)", (row["chat"] + 1, row["id"], 5))
        original = "original_guid" in {r[1] for r in con.execute("PRAGMA table_info(attachment)")}
        for i, a in enumerate(self.attachments):
            con.execute(
                f"INSERT INTO attachment(ROWID, guid, filename, transfer_name, mime_type, uti, is_sticker{', original_guid' * original}) "
                f"VALUES (?,?,?,?,?,?,?{',?' * original})",
                (i + 1, a["guid"], a["filename"], a["transfer_name"], a["mime_type"], a["uti"], a.get("is_sticker", 0))
                + (a["guid"],) * original,
            )
            con.execute("INSERT INTO message_attachment_join VALUES (?,?)", (a["message"], i + 1))
        con.commit()
        con.close()

    def save_contacts(self, folder):
        rng = self.rng
        with open(os.path.join(folder, "contacts_to_ids.jsonl"), "w") as f:
            for name, ids in self.contacts.items():
                f.write(json.dumps({"contact": name, "ids": [self.local(i) for i in ids]}, ensure_ascii=rng.random() < 0.5) + "\n")
