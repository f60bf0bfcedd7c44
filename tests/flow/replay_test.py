"""everfold-replay on a real shop's logs: what it dumps is what the 60-line reader of docs/log_reader.py accepts, a zombie's records and all; and
what it says about one request, one aggregate and the logs' integrity."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
import uuid
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from schema_classes import make_schema_classes  # noqa: E402

make_schema_classes()
from confluent_kafka import Producer  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402
from log_reader import read_log  # noqa: E402
from schemas.log.v1.log_pb2 import TermStarted  # noqa: E402
from shop import Shop, binaries_from_arguments, until  # noqa: E402

BINARIES = None
BROKERS = os.environ["KAFKA_BROKERS"]
CONTEXTS = ("catalog", "inventory", "carts", "orders", "payments", "checkout")
SHARDS = 2


def headers_of(record):
    return {name: value.decode() for name, value in record.headers()}


class ReplayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Shop(BINARIES, partitions=SHARDS).start()
        cls.addClassCleanup(cls.shop.close)
        shop = cls.shop
        sku = shop.product(stock=100)
        cls.order = shop.buy([(sku, 1)])
        cls.declined = shop.buy([(sku, 2)], method="decline")
        cls.orders = [cls.order, cls.declined] + [shop.buy([(sku, 1)]) for _ in range(5)]
        for order in cls.orders:
            shop.order_becomes(order, "CANCELLED" if order == cls.declined else "CONFIRMED")
        shop.kill("command")  # a takeover
        shop.start("command")
        cls.append_as_a_fenced_writer()
        sku = shop.product(stock=3)
        shop.stop()
        cls.prefix = shop.environment["EVERFOLD_PREFIX"]
        cls.events = [(f"{context}.{shard}", record) for context in CONTEXTS for shard in range(SHARDS)
                      for commit, _ in read_log(BROKERS, f"{cls.prefix}.{context}.events", shard, follow=False) for record in commit]
        cls.cache = tempfile.TemporaryDirectory(prefix="everfold-replay-")
        cls.addClassCleanup(cls.cache.cleanup)

    @classmethod
    def append_as_a_fenced_writer(cls):
        """What a zombie may have had in its producer: orders' history once more, as of the first term."""
        topic = cls.shop.environment["EVERFOLD_PREFIX"] + ".orders.events"
        producer = Producer({"bootstrap.servers": BROKERS, "enable.idempotence": True})
        for partition in range(SHARDS):
            for number, (commit, _) in enumerate(read_log(BROKERS, topic, partition, follow=False), 1):
                for record in commit:
                    producer.produce(topic, record.value(), record.key(), partition, headers=[("ce_log", f"1.{number}.1/1"), *record.headers()[1:]])
        assert producer.flush(30) == 0

    def command(self, *arguments):
        return [Path(BINARIES) / "everfold-replay", "--brokers", BROKERS, "--prefix", self.prefix, "--cache-dir", self.cache.name, *arguments]

    def replay(self, *arguments, status=0):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout[-2000:] + done.stderr[-2000:])
        return done.stdout

    def dump(self, *arguments):
        return [json.loads(line) for line in self.replay("dump", *arguments).splitlines()]

    def test_a_dump_is_the_accepted_history(self):
        dumped = self.dump()
        self.assertEqual({(event["log"], event["offset"]) for event in dumped}, {(log, record.offset()) for log, record in self.events})
        self.assertEqual(len(dumped), len(self.events), "dump | wc -l")
        self.assertGreater(len(dumped), 100)
        by_place = {(event["log"], event["offset"]): event for event in dumped}
        for log, record in self.events:
            event, headers = by_place[log, record.offset()], headers_of(record)
            for name, header in (("id", "ce_id"), ("type", "ce_type"), ("time", "ce_time"), ("aggregateId", "ce_subject"),
                                 ("correlationId", "ce_correlationid"), ("causationId", "ce_causationid"), ("actor", "ce_actor")):
                self.assertEqual(event.get(name), headers.get(header), (log, record.offset(), name))
            self.assertEqual(str(event["version"]), headers["ce_sequence"])
            self.assertIsInstance(event["data"], dict)

    def test_other_formats_have_as_many(self):
        rows = list(csv.DictReader(io.StringIO(self.replay("dump", "--format", "csv"))))
        self.assertEqual(len(rows), len(self.events))
        self.assertEqual({row["id"] for row in rows}, {headers_of(record)["ce_id"] for _, record in self.events})
        for row in rows:
            json.loads(row["data"])
        self.assertEqual(len(self.replay("dump", "--format", "table").splitlines()), len(self.events) + 1)
        binary = subprocess.run(self.command("dump", "--format", "protobuf"), capture_output=True, timeout=60, check=True).stdout
        self.assertEqual(len(list(self.delimited(binary))), len(self.events))

    @staticmethod
    def delimited(data):
        at = 0
        while at < len(data):
            size = shift = 0
            while True:
                byte = data[at]
                at += 1
                size |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            yield data[at:at + size]
            at += size

    def test_filters(self):
        everything = self.dump()
        self.assertEqual(self.ids(self.dump("--context", "orders,payments")),
                         self.ids(event for event in everything if event["context"] in ("orders", "payments")))
        self.assertEqual(len(self.dump("--type", "OrderPlaced")), len(self.orders))
        self.assertEqual(self.ids(self.dump("--aggregate", self.order)), self.ids(event for event in everything if event["aggregateId"] == self.order))
        self.assertEqual(self.ids(self.dump("--actor", "process:checkout")),
                         self.ids(event for event in everything if event.get("actor") == "process:checkout"))
        self.assertEqual(self.ids(self.dump("--where", ".data.total.amount > 1500")),
                         self.ids(event for event in everything if event["data"].get("total", {}).get("amount", 0) > 1500))
        times = sorted(event["time"] for event in everything)
        begin, end = times[len(times) // 3], times[2 * len(times) // 3]
        for _ in range(2):  # the second time by bookmarks, if there were any
            self.assertEqual(self.ids(self.dump("--from", begin, "--to", end)),
                             self.ids(event for event in everything if begin <= event["time"] < end))
        by_time = self.dump("--sort", "time")
        self.assertEqual([event["time"] for event in by_time], times)

    def test_offsets(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"orders.0": [2, 9], "orders.1": 5}, file)
            file.flush()
            dumped = self.dump("--offsets", file.name)
        expected = {(log, record.offset()) for log, record in self.events
                    if (log == "orders.0" and 2 <= record.offset() < 9) or (log == "orders.1" and record.offset() >= 5)}
        self.assertEqual({(event["log"], event["offset"]) for event in dumped}, expected)

    @staticmethod
    def ids(events):
        return sorted(event["id"] for event in events)

    def test_the_timeline_of_an_order(self):
        lines = [json.loads(line) for line in self.replay("show", self.order, "--json").splitlines()]
        self.assertEqual({line["context"] for line in lines}, {"orders", "checkout"})
        for context in ("orders", "checkout"):
            versions = [line["version"] for line in lines if line["context"] == context]
            self.assertEqual(versions, list(range(1, len(versions) + 1)))
        self.assertIn("OrderPlaced", self.replay("show", self.order))
        self.replay("show", "no-such-aggregate", status=1)

    def test_the_tree_of_a_checkout(self):
        placed = next(event for event in self.dump("--type", "OrderPlaced") if event["aggregateId"] == self.declined)
        correlation = placed["correlationId"]
        tree = json.loads(self.replay("show", "--correlation", correlation, "--json"))
        self.assertEqual(len(tree["commands"]), 1, "one request began it all")
        seen = []

        def walk(command):
            for event in command["events"]:
                self.assertEqual(event["causationId"], command["id"])
                seen.append(event)
                for caused in event["commands"]:
                    self.assertEqual(caused["causationId"], event["id"])
                    walk(caused)
        walk(tree["commands"][0])
        self.assertEqual(self.ids(seen), self.ids(self.dump("--correlation", correlation)))
        self.assertIn("CheckoutCancelled", {event["type"].split(".")[-2] for event in seen})
        text = self.replay("show", "--correlation", correlation)
        self.assertRegex(text, r"a client's command to carts")
        self.assertRegex(text, r"└─ ")
        self.replay("show", "--correlation", "none", status=1)

    def test_stats(self):
        stats = json.loads(self.replay("stats", "--json", "--by", "type,context,hour,day"))
        self.assertEqual(stats["events"], len(self.events))
        self.assertEqual(stats["bytes"], sum(len(record.value() or b"") for _, record in self.events))
        for group in ("byType", "byContext", "byHour", "byDay"):
            self.assertEqual(sum(each["events"] for each in stats[group]), len(self.events))
        types = {each["type"]: each["events"] for each in stats["byType"]}
        self.assertEqual(types["everfold.orders.OrderPlaced.v1"], len(self.orders))
        self.assertIn("OrderPlaced", self.replay("stats"))

    def test_verify(self):
        figures = json.loads(self.replay("verify", "--json").splitlines()[-1])
        self.assertEqual(figures["findings"], 0)
        self.assertEqual(figures["events"], len(self.events))
        self.assertGreater(figures["voidRecords"]["fenced"], 0)
        self.assertGreater(figures["causedCommands"], 0)
        self.assertIn("everything holds", self.replay("verify"))

    def test_a_dump_into_a_file_is_gone_on_with(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "events"
            part, state = file.with_name("events.part"), file.with_name("events.part.state")
            process = subprocess.Popen(self.command("dump", "--follow", "-o", str(file)), stderr=subprocess.PIPE, text=True)
            try:
                until("the part has everything", lambda: part.exists() and part.read_bytes().count(b"\n") == len(self.events))
                process.send_signal(signal.SIGINT)
                said = process.communicate(timeout=30)[1]
            finally:
                process.kill()
                process.wait()
            self.assertEqual(process.returncode, 130, said)
            self.assertIn("the same command goes on", said)
            self.assertFalse(file.exists())
            noted = json.loads(state.read_text())
            written = [json.loads(line) for line in part.read_text().splitlines()]
            self.assertEqual((noted["length"], noted["events"]), (part.stat().st_size, len(written)))
            self.assertEqual(noted["offsets"], {event["log"]: event["offset"] + 1 for event in written})

            # Another command begins anew.
            self.replay("dump", "-o", str(file))
            self.assertEqual((part.exists(), state.exists()), (False, False))
            lines = file.read_text().splitlines(keepends=True)
            self.assertEqual(len(lines), len(self.events))
            file.unlink()

            # What a dump that was killed leaves: what it had noted, whole commits, and some bytes more.
            events = [json.loads(line) for line in lines]
            noted = next(n for n in range(len(lines) // 2, len(lines)) if events[n]["causationId"] != events[n - 1]["causationId"])
            part.write_text("".join(lines[:noted]) + lines[noted][:9])
            offsets = {event["log"]: event["offset"] + 1 for event in events[:noted]}
            command = " ".join([BROKERS, self.prefix, *self.command("dump", "-o", str(file))[1:]])
            state.write_text(json.dumps({"command": command, "length": sum(len(line.encode()) for line in lines[:noted]),
                                         "events": noted, "offsets": offsets}))
            self.replay("dump", "-o", str(file))
            gone_on = file.read_text().splitlines(keepends=True)
            self.assertEqual(gone_on[:noted], lines[:noted], "what was there is not read again")
            self.assertEqual(sorted(gone_on), sorted(lines), "nothing twice, nothing missing")
            self.assertEqual((part.exists(), state.exists()), (False, False))

    def test_following_shows_what_is_added(self):
        prefix = "flow-follow-" + uuid.uuid4().hex[:8]
        topic = prefix + ".orders.events"
        admin = AdminClient({"bootstrap.servers": BROKERS})
        admin.create_topics([NewTopic(topic, 1)])[topic].result(30)
        producer = Producer({"bootstrap.servers": BROKERS, "enable.idempotence": True})
        _, record = next((log, record) for log, record in self.events if headers_of(record)["ce_type"] == "everfold.orders.OrderPlaced.v1")

        def add(mark):
            producer.produce(topic, record.value(), record.key(), 0, headers=[("ce_log", mark), *record.headers()[1:]])
            self.assertEqual(producer.flush(30), 0)
        producer.produce(topic, TermStarted(term=1, nonce="x").SerializeToString(), "orders.0", 0, headers=[("ce_type", "everfold.log.TermStarted.v1")])
        add("1.1.1/1")
        process = subprocess.Popen([Path(BINARIES) / "everfold-replay", "--brokers", BROKERS, "--prefix", prefix, "--cache-dir", "", "dump", "--follow"],
                                   stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(json.loads(process.stdout.readline())["offset"], 1)
            add("7.1.1/1")  # nobody's term: void
            add("1.2.1/1")
            self.assertEqual(json.loads(process.stdout.readline())["offset"], 3)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.communicate(timeout=30)[0], "")
            self.assertEqual(process.returncode, 130)
        finally:
            process.kill()
            process.wait()

    def test_a_closed_pipe_ends_quietly(self):
        for lines in (1, len(self.events)):  # in the middle, and when nothing more comes
            process = subprocess.Popen(self.command("dump", "--follow"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                for _ in range(lines):
                    process.stdout.readline()
                process.stdout.close()
                self.assertEqual(process.wait(30), 141)
                self.assertEqual(process.stderr.read(), b"")
            finally:
                process.kill()
                process.wait()
                process.stderr.close()

    def test_wrong_usage_says_what_to_do(self):
        for arguments, says in (((), "subcommand"), (("dump", "--type", "Nope"), "--type Nope"), (("dump", "--where", ".a |"), "--where"),
                                (("dump", "--from", "tomorrow"), "--from tomorrow"), (("show",), "ID"), (("dump", "--nonsense"), "--nonsense")):
            done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(says, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_no_installation(self):
        done = subprocess.run([Path(BINARIES) / "everfold-replay", "--brokers", BROKERS, "--prefix", "nobody-has-this", "--cache-dir", "", "verify"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody-has-this.*.events", done.stderr)


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
