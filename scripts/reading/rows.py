"""Every kind of row of a message database, with its meaning: see world.py."""

import plistlib

from archives import Typedstream, archive

OWNER = "Zoë Me"
SECOND = 10**9
TAPBACKS = {2000: "Loved", 2001: "Liked", 2002: "Disliked", 2003: "Laughed", 2004: "Emphasized", 2005: "Questioned"}

# fmt: off
WORDS = ["hey", "ok", "naïve café", "👍🏽", "👩‍👩‍👧‍👦 family", "e\u0301te\u0301", "<b>&amp;</b>", 'say "hi"', "back\\slash", "tab\there",
    "NSString", "NSDictionary iI", "日本語テスト", "مرحبا", "line\u2028sep", "para\u2029sep", "bell\x07", "del\x7f", "vt\x0bff\x0cx",
    "https://a.example/x?y=1&z=2", "nbsp\u00a0x", "zero\u200bwidth", "{\"name\": \"X\"}", "<|im_end|>", "𝒳𝒴", "\ufeffbom",
    "so long " * 9, "🇩🇪🇫🇷" * 14, "a" * 50, "b" * 51, "x" * 49 + "\u0301", "nel\u0085x", "rep\ufffdl"]
EXTENSIONS = {"jpg": "image", "HEIC": "image", "png": "image", "gif": "image", "mov": "video", "mp4": "video", "m4a": "audio",
    "mp3": "audio", "caf": "audio", "pdf": "document", "txt": "document", "docx": "document", "pages": "document", "xlsx": "document",
    "key": "document", "zip": "file", "bin": "file", "": "file", "vcf": "contact", "pptx": "document", "csv": "document"}
MIMES = {"image/jpeg": "image", "image/heic": "image", "video/quicktime": "video", "video/mp4": "video", "audio/amr": "audio",
    "audio/x-m4a": "audio", "application/pdf": "document", "text/plain": "document", "text/csv": "document",
    "application/msword": "document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "document",
    "application/vnd.apple.pages": "document", "application/x-iwork-keynote-sffkey": "document", "application/zip": "file",
    "application/vnd.ms-excel": "document", "text/vcard": "contact", "text/x-vlocation": "location",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "document",
    "application/x-iwork-numbers-sffnumbers": "document", "text/html": "document", "IMAGE/PNG": "image"}
UTIS = {"public.jpeg": "image", "public.heic": "image", "public.png": "image", "com.compuserve.gif": "image",
    "com.apple.quicktime-movie": "video", "public.mpeg-4": "video", "com.apple.coreaudio-format": "audio", "public.mp3": "audio",
    "com.apple.m4a-audio": "audio", "com.adobe.pdf": "document", "public.plain-text": "document", "com.microsoft.word.doc": "document",
    "org.openxmlformats.wordprocessingml.document": "document", "com.apple.iwork.pages.pages": "document",
    "com.apple.iwork.pages.sffpages": "document", "public.zip-archive": "file", "public.vcard": "contact", "public.data": "file",
    "com.apple.iwork.keynote.key": "document", "public.html": "document", "org.openxmlformats.spreadsheetml.sheet": "document"}
# fmt: on


class Rows:
    """Writes one row each, into row["columns"] and row["parts"]."""

    def sentence(self):
        rng = self.rng
        return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 4)))

    def text(self):
        rng = self.rng
        if rng.random() < 0.03:
            return rng.choice(["", " ", "\n", "\u00a0 \t", " \r\n "])
        if rng.random() < 0.01:
            return "long " * rng.choice([8000, 15000])
        return "".join(
            self.sentence() + rng.choice(["\n", "\r\n", "\r", " \n\n ", "\r\r\n"]) if rng.random() < 0.15 else self.sentence()
            for _ in range(rng.choice([1, 1, 2]))
        )

    def attachment(self, message, **fixed):
        rng = self.rng
        ext = rng.choice(list(EXTENSIONS))
        name = rng.choice(["IMG_1", "scan 2", "Bildschirmfoto ü", "a.b"]) + (f".{ext}" if ext else "")
        if ext == "":
            name = name.replace("a.b", "ab")
        mime, uti = rng.choice([None, rng.choice(list(MIMES))]), rng.choice([None, rng.choice(list(UTIS))])
        kind = MIMES.get(mime) or UTIS.get(uti) or EXTENSIONS[ext]
        a = {
            "guid": f"at_{next(self.serial)}_{rng.getrandbits(64):016X}",
            "mime_type": mime,
            "uti": uti,
            "kind": kind,
            "filename": rng.choice([f"~/Library/Messages/Attachments/ab/11/{name}", f"/var/mobile/x/{name}", None]),
            "transfer_name": rng.choice([name, name, "other " + name]),
            "message": message,
        }
        if a["filename"] is None:
            name = a["transfer_name"]
        if rng.random() < 0.04:
            a["filename"] = a["transfer_name"] = None
            name = ""
            a["kind"] = MIMES.get(mime) or UTIS.get(uti) or "file"
        a.update(name=name, **fixed)
        self.attachments.append(a)
        if rng.random() < 0.1:
            self.described[a["guid"]] = a["description"] = "A photo of " + self.sentence().strip()
        return a

    def body(self, row, runs, text=None):
        """Stores the body as macOS versions do: in both columns, or in one of them."""
        rng, plain = self.rng, "".join(t for t, _ in runs)
        way = (
            rng.choice(["both", "body", "body", "text"])
            if all("__kIMFileTransferGUIDAttributeName" not in a for _, a in runs)
            and len({a.get("__kIMMessagePartAttributeName") for _, a in runs}) <= 1
            else rng.choice(["both", "body"])
        )
        if way != "text":
            row["columns"]["attributedBody"] = Typedstream().attributed(runs)
        if way != "body":
            row["columns"]["text"] = plain

    def styled(self, text, part):
        """A part's text in one run or several."""
        rng, a = self.rng, {"__kIMMessagePartAttributeName": part}
        if rng.random() < 0.8 or len(text) < 3:
            return [(text, a)]
        i = rng.randint(1, len(text) - 1)
        return [
            (text[:i], a),
            (
                text[i:],
                {**a, rng.choice(["__kIMTextBoldAttributeName", "x"]): rng.randint(0, 300), "__kIMMentionConfirmedMention": "+14152001000"},
            ),
        ]

    def ordinary(self, row):
        text = self.text()
        if self.rng.random() < 0.02:
            text = text[:3] + "\ufffc" + text[3:]
        row["parts"] = [[0, "text", text]]
        self.body(row, self.styled(text, 0) if text else [])

    def with_attachments(self, row):
        rng = self.rng
        parts = []
        for n in range(rng.randint(1, 5)):
            parts.append(self.attachment(row["id"]) if rng.random() < 0.6 else self.text())
        if not any(isinstance(p, dict) for p in parts):
            parts.append(self.attachment(row["id"]))
        runs = []
        merged = []
        for p in parts:
            if isinstance(p, str) and (not p or merged and isinstance(merged[-1], str)):
                continue
            merged.append(p)
        for n, p in enumerate(merged):
            if isinstance(p, dict):
                runs.append(("\ufffc", {"__kIMFileTransferGUIDAttributeName": p["guid"], "__kIMMessagePartAttributeName": n}))
                row["parts"].append([n, p["kind"], p.get("description") or p["name"]])
            else:
                runs += self.styled(p, n)
                row["parts"].append([n, "text", p])
        if rng.random() < 0.2 and all(isinstance(p, dict) for p in merged):
            row["columns"]["text"] = "\ufffc" * len(merged)  # no body: attachments in the order of their rows
        elif rng.random() < 0.1 and all(isinstance(p, dict) for p in merged):
            pass  # neither body nor text: only attachments
        else:
            self.body(row, runs)
            mine = [a for a in self.attachments if a["message"] == row["id"]]
            if rng.random() < 0.5:  # attachment rows may be in another order than in the body
                self.attachments[-len(mine) :] = rng.sample(mine, len(mine))

    def unnumbered(self, row):
        """Attachments within text, in a body without part numbers or only in the text column."""
        rng, runs = self.rng, []
        named = rng.random() < 0.5
        for n in range(rng.randint(1, 5)):
            if n % 2 == rng.randint(0, 1):
                a = self.attachment(row["id"])
                runs.append(("\ufffc", {"__kIMFileTransferGUIDAttributeName": a["guid"]} if named else {}))
                row["parts"].append([n, a["kind"], a.get("description") or a["name"]])
            elif not runs or runs[-1][0] == "\ufffc":
                words = self.sentence()
                runs.append((words, {}))
                row["parts"].append([n, "text", words])
        for n, part in enumerate(row["parts"]):
            part[0] = n
        if named or rng.random() < 0.3:
            row["columns"]["attributedBody"] = Typedstream().attributed(runs)
        else:
            row["columns"]["text"] = "".join(t for t, _ in runs)
        if rng.random() < 0.3:  # an attachment without a position comes last
            a = self.attachment(row["id"])
            row["parts"].append([len(row["parts"]), a["kind"], a.get("description") or a["name"]])

    def many_runs(self, row):
        """Enough attributes that references to strings and objects take more than one byte."""
        words = [self.rng.choice(WORDS) + " " for _ in range(150)]
        row["parts"] = [[0, "text", "".join(words)]]
        self.body(
            row,
            [
                (w, {"__kIMMessagePartAttributeName": 0, f"attribute{i % 120}": i, f"words{i % 7}": f"value {i}"})
                for i, w in enumerate(words)
            ],
        )

    def candidates(self, row):
        return [r for r in self.rows if r is not row and "parts" in r and r["chat"] == row["chat"] and "reaction" not in r]

    def tapback(self, row):
        rng = self.rng
        targets = self.candidates(row)[-12:]
        kind = rng.choice([2000, 2001, 2002, 2003, 2004, 2005, 2006, 2007])
        emoji = rng.choice(["🔥", "🫡", "👩🏽‍🚀"]) if kind == 2006 else None
        if not targets or rng.random() < 0.05:
            guid, part, target = "00000000-MISSING", 0, None
        else:
            target = rng.choice(targets)
            guid, part = target["guid"], rng.choice(self.spoken(target) or [0])
        form = rng.choice(["p", "p", "p", "bp", "bare", "minus"]) if part == 0 else "p"
        name = {"p": f"p:{part}/{guid}", "bp": f"bp:{guid}", "minus": f"p:-1/{guid}", "bare": guid}[form]
        row["columns"].update(
            associated_message_type=kind,
            associated_message_guid=name,
            associated_message_emoji=emoji,
            text=rng.choice(["Loved “x”", None, "Reacted 🔥 to “x”"]),
        )
        row["reaction"] = {
            "target": target,
            "part": None if form != "p" else part,
            "text": TAPBACKS.get(kind) or emoji,
            "name": name,
            "kind": kind,
            "sender": row["sender"],
            "live": True,
            "emoji": emoji,
        }
        if row["reaction"]["part"] is None:
            row["reaction"]["part"] = "first"

    def untapback(self, row):
        rng = self.rng
        mine = [r for r in self.rows if "reaction" in r and r["chat"] == row["chat"]]
        if not mine:
            return self.ordinary(row)
        r = rng.choice(mine)["reaction"]
        kind = r["kind"] if rng.random() < 0.9 else 2000
        emoji = r["emoji"] if kind == r["kind"] else None
        if rng.random() < 0.85 and (r["sender"] == OWNER or r["sender"] in self.chats[row["chat"]]["now"]):
            self.resend(row, r["sender"])
        row["columns"].update(
            associated_message_type=kind + 1000, associated_message_guid=r["name"], associated_message_emoji=emoji, text="Removed a heart"
        )
        row["removal"] = (row["sender"], r["name"], kind, emoji)
        for other in reversed(
            [x for x in self.rows if x is not row and "reaction" in x and (x["time"], x["id"]) < (row["time"], row["id"])]
        ):
            o = other["reaction"]
            same = o["name"] == r["name"] or o["target"] is not None and o["target"] is r["target"] and self.aim(o) == self.aim(r)
            if o["live"] and same and (o["sender"], o["kind"], o["emoji"]) == (row["sender"], kind, emoji):
                o["live"] = False
                break

    def aim(self, reaction):
        """The part that a reaction refers to: without a number, the first with text."""
        spoken = self.spoken(reaction["target"])
        return reaction["part"] if reaction["part"] != "first" else spoken[0] if spoken else 0

    def spoken(self, row):
        """The numbers of the parts that become messages."""
        return [p[0] for p in row["parts"] if p[2].replace("\ufffc", "").strip()]

    def resend(self, row, sender):
        row["sender"] = sender
        row["columns"].update(
            is_from_me=int(sender == OWNER), handle_id=0 if sender == OWNER else self.handle_of(sender), is_sent=int(sender == OWNER)
        )

    def sticker(self, row):
        targets = self.candidates(row)
        if not targets:
            return self.ordinary(row)
        row["columns"].update(associated_message_type=1000, associated_message_guid=f"p:0/{targets[-1]['guid']}")
        a = self.attachment(row["id"], is_sticker=1)
        self.body(row, [("\ufffc", {"__kIMFileTransferGUIDAttributeName": a["guid"], "__kIMMessagePartAttributeName": 0})])

    def vote(self, row):
        row["columns"].update(
            associated_message_type=4000,
            associated_message_guid=f"p:0/{self.rows[0].get('guid')}",
            text="voted",
            balloon_bundle_id="com.apple.messages.Polls",
        )

    def url(self, row):
        rng = self.rng
        original, final = "https://o.example/" + str(rng.random()), "https://f.example/ü?" + str(rng.random())
        meta = {"title": "A title", "URL": ("url", final)}
        if rng.random() < 0.6:
            meta["originalURL"] = ("url", original)
        payload = archive(
            {"richLinkMetadata": ("object", meta)}
            if rng.random() < 0.5
            else ("object", {"richLinkMetadata": ("object", meta), "richLinkIsPlaceholder": False})
        )
        row["columns"].update(balloon_bundle_id="com.apple.messages.URLBalloonProvider", payload_data=payload)
        words = rng.choice([None, "see https://o.example/x", "\ufffc", " ", ""])
        if words:
            self.body(row, [(words, {"__kIMMessagePartAttributeName": 0})])
        if rng.random() < 0.4:
            self.attachment(
                row["id"],
                filename="~/Library/x/ABC.pluginPayloadAttachment",
                transfer_name="ABC.pluginPayloadAttachment",
                mime_type=None,
                uti="dyn.age81a5dz",
            )
        row["parts"] = [[0, "text", words if words and words.strip("\ufffc ") else (original if "originalURL" in meta else final)]]

    def app(self, row):
        rng = self.rng
        summary = {}
        if rng.random() < 0.6:
            summary["ldtext"] = rng.choice(["Sent $5", ("mutable", "Your move")])
        if rng.random() < 0.6:
            summary["userInfo"] = {"caption": "Caption é", "subcaption": "sub"}
        summary["an"] = "App"
        row["columns"].update(
            balloon_bundle_id="com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.example.game",
            payload_data=archive(summary),
        )
        words = rng.choice([None, "\ufffd", "\ufffd hello \ufffd", "\ufffc"])
        if words:
            self.body(row, [(words, {"__kIMMessagePartAttributeName": 0})])
        said = words and words.strip("\ufffd\ufffc ")
        if not said:
            said = summary.get("ldtext") or summary.get("userInfo", {}).get("caption") or ""
        if isinstance(said, tuple):
            said = said[1]
        row["parts"] = [[0, "text", said.replace("\ufffd", "")]]

    def voice(self, row):
        rng = self.rng
        words = "Hi it's me " + self.sentence().strip()
        row["columns"]["is_audio_message"] = 1
        missing = rng.random() < 0.2
        a = (
            {"guid": "at_gone"}
            if missing
            else self.attachment(row["id"], uti="com.apple.coreaudio-format", mime_type=rng.choice([None, "audio/x-caf"]), kind="audio")
        )
        self.body(
            row,
            [
                (
                    "\ufffc",
                    {"__kIMFileTransferGUIDAttributeName": a["guid"], "IMAudioTranscription": words, "__kIMMessagePartAttributeName": 0},
                )
            ],
        )
        if not missing:
            row["parts"] = [[0, "audio", a.get("description") or words]]

    def edited(self, row):
        text = self.sentence()
        old = Typedstream().attributed([("first try", {"__kIMMessagePartAttributeName": 0})])
        new = Typedstream().attributed([(text, {"__kIMMessagePartAttributeName": 0})])
        info = {"ec": {"0": [{"d": 7e8, "t": old}, {"d": 7e8 + 9, "t": new}]}, "ep": [0], "otr": {"0": {"lo": 0, "le": 9}}}
        row["columns"].update(
            message_summary_info=plistlib.dumps(info, fmt=plistlib.FMT_BINARY), date_edited=self.rng.choice([0, row["time"] + 9 * SECOND])
        )
        row["parts"] = [[0, "text", text]]
        self.body(row, [(text, {"__kIMMessagePartAttributeName": 0})])

    def unsent(self, row):
        row["columns"].update(
            message_summary_info=plistlib.dumps({"otr": {"0": {"lo": 0, "le": 9}}, "rp": [0]}, fmt=plistlib.FMT_BINARY),
            **{self.rng.choice(["date_edited", "date_retracted"]): row["time"] + SECOND},
        )

    def partly_unsent(self, row):
        a, b = self.sentence(), self.sentence()
        gone = self.rng.choice([0, 1, 2])
        left = [n for n in (0, 1, 2) if n != gone]
        info = {"otr": {str(n): {"lo": n, "le": 1} for n in (0, 1, 2)}, "rp": [gone]}
        row["columns"].update(message_summary_info=plistlib.dumps(info, fmt=plistlib.FMT_BINARY), date_edited=row["time"] + SECOND)
        row["parts"] = [[n, "text", t] for n, t in zip(left, (a, b))]
        row["columns"]["attributedBody"] = Typedstream().attributed(
            [(t, {"__kIMMessagePartAttributeName": n}) for n, t in zip(left, (a, b))]
        )

    def damaged(self, row):
        text = self.sentence()
        data = Typedstream().attributed([(text, {"__kIMMessagePartAttributeName": 0})])
        how = self.rng.choice(["text", "head", "nothing", "empty"])
        if how == "text":
            row["columns"].update(text=text, attributedBody=b"\x04\x0bgarbage\xff\x00")
        elif how == "head":
            row["columns"]["attributedBody"] = b"\x07" + data[1:]  # the fallback scan still finds the text
        elif how == "nothing":
            row["columns"]["attributedBody"], text = b"\x04\x0bgarb\x00age", ""
        else:
            row["columns"]["attributedBody"], text = b"", ""
        row["parts"] = [[0, "text", text]]

    def plain_root(self, row):
        text = self.sentence()
        row["columns"]["attributedBody"] = Typedstream().plain(text)
        row["parts"] = [[0, "text", text]]

    def group_event(self, row):
        """A row of item_type other than 0; in groups also joins, leaves and removals."""
        rng, chat = self.rng, self.chats[row["chat"]]
        c = row["columns"]
        if chat["style"] == 45:
            return c.update(item_type=rng.choice([2, 3, 4, 5, 6]), group_title="x", text="not words", group_action_type=1)
        out = [n for n in self.contacts if n not in chat["now"]] + ["?0"] * ("?0" not in chat["now"])
        what = rng.choice(["add", "add", "remove", "leave", "rename", "photo"])
        if what == "add" and out:
            who = rng.choice(out)
            chat["now"] = chat["now"] + [who]
            c.update(item_type=1, group_action_type=0, other_handle=self.handle_of(who))
        elif what in ("remove", "leave") and len(chat["now"]) > 1:
            who = rng.choice(chat["now"])
            chat["now"] = [n for n in chat["now"] if n != who]
            if what == "remove":
                c.update(item_type=1, group_action_type=1, other_handle=self.handle_of(who))
            else:
                self.resend(row, who)
                c.update(item_type=3, group_action_type=0)
        elif what == "photo":
            c.update(item_type=3, group_action_type=rng.choice([1, 2]))
        else:
            c.update(item_type=2, group_title=rng.choice([None, "New name"]))

    def left_out(self, row):
        rng = self.rng
        self.body(row, [("never seen", {"__kIMMessagePartAttributeName": 0})])
        c = row["columns"]
        why = rng.choice(["spam", "deleted", "scheduled", "failed", "orphan"])
        if why == "scheduled":
            c["schedule_type"] = 2
        if why == "spam":
            c["is_spam"] = 1
        if why == "failed":
            self.resend(row, OWNER)
            c.update(error=22, is_sent=0)
        if why == "deleted":
            row["deleted"] = True
        if why == "orphan":
            row["chats"] = []
        row["left_out"] = why
        if rng.random() < 0.3:  # flags that do not exclude a message
            row["left_out"] = None
            row["chats"], row["deleted"] = [row["chat"]], False
            c.update(schedule_type=0, is_spam=0, error=rng.choice([0, 4]) if not c["is_from_me"] else 0)
            row["parts"] = [[0, "text", "never seen"]]

    def reply(self, row):
        rng = self.rng
        targets = [
            r
            for r in self.rows
            if r is not row
            and "parts" in r
            and r["chat"] == row["chat"]
            and "reaction" not in r
            and "removal" not in r
            and (r["time"], r["id"]) < (row["time"], row["id"])
        ]
        row["columns"]["reply_to_guid"] = rng.choice([r["guid"] for r in self.rows if "guid" in r])
        if not targets:
            return
        target = rng.choice(targets[-10:])
        row["columns"]["thread_originator_guid"] = target["guid"]
        part = rng.choice(self.spoken(target) or [0])
        row["columns"]["thread_originator_part"] = f"{part}:0:5"
        row["answers"] = (target, part)
        if rng.random() < 0.2:
            row["columns"]["thread_originator_part"] = None
            row["answers"] = (target, "first")
