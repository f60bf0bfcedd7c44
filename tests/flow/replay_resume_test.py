"""everfold-replay sqlite and run, interrupted again and again (kill -9, SIGINT) over a history of 100,000 events: what they go on to make is
what an uninterrupted run makes, row by row."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest
import uuid
from pathlib import Path

from shop import binaries_from_arguments, until

BINARIES = None
ORDERS = 25_000
EVENTS = 4 * ORDERS
PREFIX = "flow-resume-" + uuid.uuid4().hex[:8]
ENVIRONMENT = {**os.environ, "EVERFOLD_BROKERS": os.environ["KAFKA_BROKERS"], "EVERFOLD_PREFIX": PREFIX, "EVERFOLD_PARTITIONS": "3"}


def tables_of(file):
    """Everything that must be the same: what is called how, and the rows. Events are counted as they arrive, logs interleaved as they
    happen to be, so an event's number is replaced by its place in its log."""
    database = sqlite3.connect(file)
    try:
        rows = lambda sql: database.execute(sql).fetchall()
        things = sorted(rows("SELECT type, name, sql FROM sqlite_master"), key=repr)
        places = {number: (log, offset) for number, log, offset in rows("SELECT event, log, log_offset FROM events")}
        assert sorted(places) == list(range(1, len(places) + 1)), "events are counted without gaps"
        for log in {log for log, _ in places.values()}:
            offsets = [place[1] for _, place in sorted(places.items()) if place[0] == log]
            assert offsets == sorted(set(offsets)), "of one log, in its order, none twice"
        tables = {}
        for kind, name, _ in things:
            if kind == "table":
                numbered = rows(f'SELECT count(*) FROM pragma_table_info("{name}") WHERE name = \'event\'')[0][0]
                found = [(places[row[0]], *row[1:]) if numbered else row for row in rows(f'SELECT * FROM "{name}"')]
                tables[name] = sorted(found, key=repr)
        tables["everfold_meta"] = [row for row in tables["everfold_meta"] if row[0] not in ("command", "made at")]
        return things, tables
    finally:
        database.close()


class ReplayResumes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run([Path(BINARIES) / "bench-orders-log", "--orders", str(ORDERS)], env=ENVIRONMENT, check=True, timeout=120)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="everfold-resume-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def command(self, *arguments):
        return [str(Path(BINARIES) / "everfold-replay"), "--cache-dir", "", *map(str, arguments)]

    def replay(self, *arguments, status=0):
        ran = subprocess.run(self.command(*arguments), env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, status, ran.stderr)
        return ran

    def interrupted(self, written, *arguments, times=8):
        """Runs it until it ends by itself, at most so many times killed when `written` says that it has brought something to the disk. What
        each of the runs said."""
        said = []
        for interruption in range(times + 1):
            signal_sent = signal.SIGINT if interruption == 1 else signal.SIGKILL
            grown = written()
            process = subprocess.Popen(self.command(*arguments), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                if interruption < times:
                    until("it has written something, or it has ended", lambda: process.poll() is not None or grown(), 60)
                    process.send_signal(signal_sent)
                said.append(process.communicate(timeout=120)[1])
            finally:
                process.kill()
                process.wait()
            if process.returncode == 0:
                return said
            self.assertEqual(process.returncode, 130 if signal_sent == signal.SIGINT else -signal_sent, said[-1])
            if signal_sent == signal.SIGINT and "the same command goes on" not in said[-1]:
                self.assertRegex(said[-1], "for --in|rows of view", "it was done already")
                return said
        self.fail(said[-1])

    # ---- sqlite ----

    def part_grows(self, file):
        """By more than a transaction: the kill comes in the middle of the next."""
        size = lambda: sum(each.stat().st_size for each in [Path(f"{file}.part")] if each.exists())

        def written():
            before = size()
            return lambda: size() > before + 12_000_000
        return written

    def events_of_part(self, file):
        """As committed: of a copy, so that what the kill left is the program's to mend."""
        with tempfile.TemporaryDirectory(dir=self.folder) as copy:
            for each in (f"{file}.part", f"{file}.part-journal"):
                if Path(each).exists():
                    shutil.copy(each, copy)
            database = sqlite3.connect(Path(copy) / f"{file.name}.part")
            try:
                return int(database.execute("SELECT value FROM everfold_meta WHERE key = 'events'").fetchone()[0])
            finally:
                database.close()

    def same_databases(self, *options):
        whole, file = self.folder / "whole.db", self.folder / "pieces.db"
        self.replay("sqlite", whole, *options)
        said = self.interrupted(self.part_grows(file), "sqlite", file, *options)
        begun = [int(re.search(r"goes on from ([\d,]+) events", each)[1].replace(",", "")) for each in said[1:]
                 if "goes on from" in each]
        self.assertGreaterEqual(len(begun), 1, said)
        self.assertGreater(begun[0], 0)
        self.assertEqual(begun, sorted(begun))
        expected, found = tables_of(whole), tables_of(file)
        self.assertEqual(found[0], expected[0])
        for table, rows in expected[1].items():
            self.assertEqual(len(found[1][table]), len(rows), table)
            self.assertTrue(found[1][table] == rows, table)
        self.assertEqual(sorted(each.name for each in self.folder.iterdir()), ["pieces.db", "whole.db"])
        return expected[1]

    def test_a_database_in_pieces_is_the_whole_one(self):
        tables = self.same_databases("--views")
        self.assertEqual(len(tables["orders_order_placed"]), ORDERS)
        self.assertEqual(len(tables["view_orders"]), ORDERS)
        self.assertEqual(sum(next_offset - 1 for _, next_offset, *_ in tables["everfold_positions"]), EVENTS)

    def test_as_of_a_time_too(self):
        times = [line.strip() for line in self.replay("dump", "--format", "csv", "--type", "OrderConfirmed").stdout.splitlines()]
        time = sorted(line.split(",")[4] for line in times[1:])[ORDERS * 3 // 4]
        tables = self.same_databases("--views", "--at", time)
        self.assertGreater(len(tables["orders_order_confirmed"]), ORDERS // 2)
        self.assertLess(len(tables["orders_order_confirmed"]), ORDERS)

    def test_a_part_is_gone_on_with_only_by_who_asks_the_same(self):
        file = self.folder / "a.db"
        process = subprocess.Popen(self.command("sqlite", file), env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        try:
            until("some events are in", self.part_grows(file)(), 60)
        finally:
            process.kill()
            process.wait()
        events = self.events_of_part(file)
        self.assertTrue(0 < events < EVENTS, events)
        refused = self.replay("sqlite", file, "--from", "2020-01-01", status=2).stderr
        self.assertRegex(refused, r'"events from" was not given and is 2020-01-01T00:00:00.000Z now.*another file.*--anew')
        refused = self.replay("sqlite", file, "--prefix", PREFIX, "--views", status=2).stderr
        self.assertIn('"views" was not given and is yes now', refused)
        self.assertEqual(self.events_of_part(file), events, "a refusal harms nothing")
        said = self.replay("sqlite", file, "--from", "2020-01-01", "--anew").stderr
        self.assertNotIn("goes on", said)
        self.assertEqual(len(tables_of(file)[1]["orders_order_placed"]), ORDERS)
        self.replay("sqlite", file, "--from", "2020-01-01", status=2)  # it is there already

    # ---- run ----

    def log_grows(self, folder):
        """RocksDB's write-ahead log: of batches, each of rows and the positions behind them."""
        logs = lambda: {each: each.stat().st_size for each in folder.glob("orders/1/*.log")}

        def written():
            before = set(logs())
            return lambda: sum(size for each, size in logs().items() if each not in before) > 500_000
        return written

    def same_views(self, *options):
        whole, pieces = self.folder / "whole", self.folder / "pieces"
        expected = self.replay("run", "orders", "--out", whole, "--dump", *options).stdout
        said = self.interrupted(self.log_grows(pieces), "run", "orders", "--out", pieces, "--count", *options)
        self.assertGreaterEqual(sum("goes on from" in each for each in said), 1, said)
        found = self.replay("run", "orders", "--in", pieces, "--dump").stdout
        self.assertTrue(found == expected)
        self.replay("run", "orders", "--out", pieces, *options)  # nothing is new
        self.assertTrue(self.replay("run", "orders", "--in", pieces, "--dump").stdout == expected)
        return said, len(expected.splitlines())

    def test_a_view_in_pieces_is_the_whole_one(self):
        said, rows = self.same_views()
        self.assertEqual(rows, ORDERS)
        self.assertNotIn(f" {EVENTS} events folded", said[-1], "the last run had to fold a part of them only")

    def test_so_is_one_of_some_events(self):
        time = self.replay("dump", "--format", "csv", "--type", "OrderConfirmed").stdout.splitlines()[ORDERS // 2].split(",")[4]
        self.same_views("--until", time, "--where", '.type | test("OrderPlaced|OrderConfirmed")')

    def test_a_view_is_gone_on_with_only_by_who_asks_the_same(self):
        folder = self.folder / "a"
        process = subprocess.Popen(self.command("run", "orders", "--out", folder), env=ENVIRONMENT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until("some rows are in", self.log_grows(folder)(), 60)
        finally:
            process.kill()
            process.wait()
        refused = self.replay("run", "orders", "--out", folder, "--where", "true", status=2).stderr
        self.assertRegex(refused, r'"--where" was not given and is true now.*another folder.*--anew')
        said = self.replay("run", "orders", "--out", folder, "--where", "true", "--anew")
        self.assertEqual(said.stdout, f"{ORDERS}\n")
        self.assertIn(f" {EVENTS} events folded", said.stderr)


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
