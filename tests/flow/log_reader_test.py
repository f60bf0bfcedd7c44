"""docs/log_reader.py accepts what our own reader accepts: of a real shop's logs, with takeovers and a zombie, and of a
log that has every row of the table in docs/log-format.md."""

import os
import signal
import subprocess
import sys
import unittest
import uuid
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from schema_classes import make_schema_classes  # noqa: E402

make_schema_classes()
from confluent_kafka import Producer  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402
from log_reader import LogReader, read_log  # noqa: E402
from schemas.log.v1.log_pb2 import TermStarted  # noqa: E402
from shop import Shop, binaries_from_arguments, until  # noqa: E402

BINARIES = None
BROKERS = os.environ["KAFKA_BROKERS"]
CONTEXTS = ("catalog", "inventory", "carts", "orders", "payments", "checkout")


def our_verdicts(prefix, context, shard):
    """As our reader has them: of each record (offset, verdict), and of each accepted commit [(offset, ce_id)]."""
    output = subprocess.run([Path(BINARIES) / "log_verdicts", BROKERS, prefix, context, str(shard)],
                            check=True, capture_output=True, text=True, timeout=60).stdout
    verdicts, commits = [], []
    for line in output.splitlines():
        offset, said = line.split(" ", 1)
        verdict, _, events = said.partition(" ") if said.startswith("accepted") else (said, "", "")
        verdicts.append((int(offset), verdict))
        if events:
            words = events.split(" ")
            commits.append([(int(offset), ce_id) for offset, ce_id in zip(words[::2], words[1::2])])
    return verdicts, commits


def named(commit):
    return [(record.offset(), dict(record.headers())["ce_id"].decode()) for record in commit]


def read(topic, partition, position=(0, 0, 1)):
    return [(named(commit), behind) for commit, behind in read_log(BROKERS, topic, partition, position, follow=False)]


def event(log_mark, ce_id="x"):
    headers = [("ce_log", log_mark), ("ce_id", ce_id), ("ce_type", "everfold.orders.OrderPlaced.v1")]
    return {"headers": headers, "value": b""}


def term(number, **more):
    return {"headers": [("ce_type", "everfold.log.TermStarted.v1"), ("ce_id", "nonce")],
            "value": TermStarted(term=number, owner="test").SerializeToString(), **more}


# What lies in the log, and what every reader must say to it.
WRITTEN = [
    (event("1.1.1/1"), "fenced"),  # nobody's term yet
    ({"value": b"rubbish"}, "nobody's"),
    (term(1), "term started"),
    (event("1.1.1/1", "a.1"), "accepted"),
    (event("1.2.1/2", "b.1"), "collecting"),
    (event("1.2.2/2", "b.2"), "accepted"),
    (event("1.2.1/2"), "duplicate"),
    (event("1.2.2/2"), "duplicate"),
    # What is nobody's, ignored or void does not disturb a commit in the middle.
    (event("1.3.1/3", "c.1"), "collecting"),
    ({"value": None}, "nobody's"),
    (term(1), "ignored"),
    (event("1.1.1/1"), "duplicate"),
    (event("7.1.1/1"), "fenced"),
    (event("1.3.2/3", "c.2"), "collecting"),
    *((event(mark), "nobody's") for mark in
      ("", "1.4", "1.4.1", "1.4.1/1 ", "01.4.1/1", "1.4.2/1", "1.4.0/1", "-1.4.1/1", "+1.4.1/1",
       "1.9223372036854775808.1/1", "1.4.1/2147483648", "1.4.1/" + 5000 * "9")),
    ({"headers": [("ce_id", "x"), ("ce_log", "1.4.1/1")], "value": b""}, "nobody's"),  # ce_log is not the first
    ({**term(9), "value": b"\xff\xff"}, "nobody's"),
    ({**term(9), "value": b"\x08\x09\x12\x01\xff"}, "nobody's"),  # the owner's name is no UTF-8
    (term(0), "nobody's"),
    (term(-1), "nobody's"),
    (event("1.3.3/3", "c.3"), "accepted"),
    # A takeover voids half a commit; the rest of it comes too late.
    (event("1.4.1/2"), "collecting"),
    (term(2), "term started"),
    (event("1.4.2/2"), "fenced"),
    (event("2.1.1/1", "d.1"), "accepted"),
    (term(2), "ignored"),
    (term(1), "ignored"),
    # A missing commit voids the rest of the term.
    (event("2.3.1/1"), "gap"),
    (event("2.2.1/1"), "gap"),
    (event("2.1.1/1"), "gap"),
    (term(5), "term started"),
    (event("5.1.1/2"), "collecting"),
    (event("5.1.1/2"), "gap"),  # a part twice
    (event("5.1.2/2"), "gap"),
    (term(6), "term started"),
    (event("6.1.1/2"), "collecting"),
    (event("6.1.2/3"), "gap"),  # of another length
    (term(7), "term started"),
    (event("7.1.2/2"), "gap"),  # no first part
    (term(8), "term started"),
    (event("8.1.1/2"), "collecting"),
    (event("8.2.1/1"), "gap"),  # half a commit and the next
    (term(9), "term started"),
    (event("9.1.1/1", "e.1"), "accepted"),
    (event("4.1.1/1"), "fenced"),
    (event("12.1.1/1"), "fenced"),  # of a term that never began
    (term(2**63 - 1), "term started"),
    (event(f"{2**63 - 1}.1.1/1", "f.1"), "accepted"),
    (event(f"{2**63 - 1}.2.1/2"), "collecting"),  # and its end is not there yet
]


class EveryRow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.prefix = "flow-" + uuid.uuid4().hex[:12]
        cls.topic = cls.prefix + ".orders.events"
        admin = AdminClient({"bootstrap.servers": BROKERS})
        admin.create_topics([NewTopic(cls.topic, 1, 1)])[cls.topic].result(30)
        producer = Producer({"bootstrap.servers": BROKERS, "enable.idempotence": True})
        for record, _ in WRITTEN:
            producer.produce(cls.topic, partition=0, **record)
        assert producer.flush(30) == 0

    def test_each_verdict_is_as_the_table_says_in_both_languages(self):
        ours, _ = our_verdicts(self.prefix, "orders", 0)
        self.assertEqual(len(ours), len(WRITTEN))
        for (offset, our_verdict), (record, expected) in zip(ours, WRITTEN):
            with self.subTest(offset=offset, record=record):
                # For our reader nobody's record is one of term 0, whatever the log's term is.
                allowed = {"fenced", "duplicate"} if expected == "nobody's" else {expected}
                self.assertIn(our_verdict, allowed)

    def test_the_accepted_history_is_the_same(self):
        _, ours = our_verdicts(self.prefix, "orders", 0)
        self.assertEqual([commit for commit, _ in read(self.topic, 0)], ours)
        self.assertEqual([[ce_id for _, ce_id in commit] for commit in ours],
                         [["a.1"], ["b.1", "b.2"], ["c.1", "c.2", "c.3"], ["d.1"], ["e.1"], ["f.1"]])

    def test_each_position_leads_to_the_rest(self):
        whole = read(self.topic, 0)
        for place, (_, behind) in enumerate(whole):
            self.assertEqual(read(self.topic, 0, behind), whole[place + 1:])

    def test_a_record_at_a_time(self):
        reader = LogReader()
        for offset, (record, expected) in enumerate(WRITTEN):
            self.assertEqual(reader.feed(Written(offset, record)), expected, f"offset {offset}: {record}")


class Written:
    """A record of WRITTEN as confluent-kafka would give it."""

    def __init__(self, offset, record):
        self._offset, self._record = offset, record

    def offset(self):
        return self._offset

    def value(self):
        return self._record["value"]

    def headers(self):
        return [(name, text.encode()) for name, text in self._record.get("headers", [])] or None


class TwoNodeShop(Shop):
    """Commands go to the nodes in `nodes` by turns, as a client of several nodes does."""

    def __init__(self):
        super().__init__(BINARIES, partitions=2)
        self.nodes = ["command"]

    def request(self, program, *arguments, **named_arguments):
        if program == "command":
            self.nodes.append(self.nodes.pop(0))
            program = self.nodes[0]
        return super().request(program, *arguments, **named_arguments)

    def owners(self):
        """The nodes that own a log, of those that are asked."""
        owning = set()
        for node in list(self.nodes):
            try:
                status = super().request(node, "GET", "/status")
            except OSError:  # not up yet
                continue
            owning |= {node for shard in status["shards"] if shard["state"] == "owner"}
        return owning

    def receive(self, sku):
        received = self.patiently("POST", f"/api/inventory/{sku}/receipts", {"quantity": 1}, self.admin, seconds=60)
        assert received.status == 200, received
        return sku

    def purchase(self, sku):
        cart = self.cart([(sku, 1)])
        approve = {"payment": {"provider": "sandbox", "method": "approve"}}
        bought = self.patiently("POST", f"/api/carts/{cart}/checkout", approve)
        assert bought.status == 201, bought
        self.order_becomes(bought["orderId"], "CONFIRMED", seconds=60)


class RealLog(unittest.TestCase):
    def test_takeovers_a_zombie_and_what_it_still_writes(self):
        shop = TwoNodeShop()
        self.addCleanup(shop.close)
        shop.start()
        sku = shop.product(stock=10)
        shop.purchase(sku)

        shop.nodes.append("command-2")
        shop.launch("command-2")
        until("both own logs", lambda: len(shop.owners()) == 2, 60)
        others = [shop.receive(f"S{number}-{uuid.uuid4().hex[:6]}") for number in range(6)]
        shop.nodes.remove("command-2")
        shop.kill("command-2")
        for other in others:  # when the rest has taken over
            shop.receive(other)
        shop.purchase(sku)

        shop.processes["command"].send_signal(signal.SIGSTOP)
        self.addCleanup(lambda: shop.processes["command"].send_signal(signal.SIGCONT))  # so that it can be ended
        shop.nodes = ["command-2"]
        shop.launch("command-2")
        shop.purchase(sku)
        shop.processes["command"].send_signal(signal.SIGCONT)
        shop.nodes = ["command", "command-2"]
        for other in others:
            shop.receive(other)
        shop.stock_becomes(sku, (7, 0, 7))

        self.append_as_a_fenced_writer(shop)
        shop.receive(sku)
        shop.stock_becomes(sku, (8, 0, 8))
        for other in others:
            shop.stock_becomes(other, (3, 0, 3))
        shop.stop("command", "command-2", "saga")
        self.compare(shop)

    def append_as_a_fenced_writer(self, shop):
        """What a zombie may have had in its producer: inventory's history once more, as of the first term."""
        topic = shop.environment["EVERFOLD_PREFIX"] + ".inventory.events"
        producer = Producer({"bootstrap.servers": BROKERS, "enable.idempotence": True})
        for partition in range(2):
            for number, (commit, _) in enumerate(read_log(BROKERS, topic, partition, follow=False), 1):
                for record in commit:
                    headers = [("ce_log", f"1.{number}.1/1"), *record.headers()[1:]]
                    producer.produce(topic, record.value(), record.key(), partition, headers=headers)
        self.assertEqual(producer.flush(30), 0)

    def compare(self, shop):
        prefix = shop.environment["EVERFOLD_PREFIX"]
        seen = {}
        for context in CONTEXTS:
            for shard in range(2):
                with self.subTest(log=f"{context}.{shard}"):
                    verdicts, commits = our_verdicts(prefix, context, shard)
                    self.assertEqual([commit for commit, _ in read(f"{prefix}.{context}.events", shard)], commits)
                    for _, verdict in verdicts:
                        seen[context, verdict] = seen.get((context, verdict), 0) + 1
        print({f"{context} {verdict}": count for (context, verdict), count in sorted(seen.items())})
        for context in ("inventory", "carts", "orders"):
            self.assertGreaterEqual(seen[context, "term started"], 4, "both logs were taken over at least once")
        self.assertGreater(seen["inventory", "fenced"], 0)


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
