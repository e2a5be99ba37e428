#!/usr/bin/env python3
"""Writes oracle.db and oracle.db-wal with SQLCipher itself. Needs: pip install sqlcipher3-binary==0.6.0 (SQLCipher 4)."""
import os
import shutil
import sys

from sqlcipher3 import dbapi2 as sqlcipher

folder = os.path.dirname(os.path.abspath(__file__))
path = os.path.join(folder, "work.db")
connection = sqlcipher.connect(path, isolation_level=None)
connection.execute("PRAGMA key = \"x'" + bytes(range(32)).hex() + "'\"")
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, words TEXT)")
for i in range(1, 201):
    connection.execute("INSERT INTO note (words) VALUES (?)", ("note %d " % i + "x" * (i % 60),))
connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("INSERT INTO note (words) VALUES ('in the log')")
connection.execute("UPDATE note SET words = 'changed in the log' WHERE id = 7")
for suffix in ("", "-wal"):
    shutil.copyfile(path + suffix, os.path.join(folder, "oracle.db" + suffix))
print(connection.execute("PRAGMA cipher_version").fetchone(), file=sys.stderr)
connection.close()
for suffix in ("", "-wal", "-shm"):
    if os.path.exists(path + suffix):
        os.remove(path + suffix)
