"""everfold-replay copy: a real shop's history into twice the partitions, killed in the middle; another Everfold started
on the copy shows the same, does nothing a second time, and sells on. What is no copy, or not at rest, is refused."""

import json
import os
import subprocess
import sys
import unittest
import uuid
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from schema_classes import make_schema_classes  # noqa: E402

make_schema_classes()
from confluent_kafka import Consumer, KafkaError, TopicPartition  # noqa: E402
from log_reader import LogReader  # noqa: E402
from past import trade  # noqa: E402
from shop import PROGRAMS, Shop, binaries_from_arguments, until  # noqa: E402

BINARIES = None
BROKERS = os.environ["KAFKA_BROKERS"]
CONTEXTS = ("catalog", "inventory", "carts", "orders", "payments", "checkout")
PARTITIONS, MORE_PARTITIONS = 4, 8


def headers_of(record):
    return {name: value.decode() for name, value in record.headers()}


def accepted(prefix, partitions, contexts=CONTEXTS):
    """Every accepted event: (headers, value)."""
    logs = {(f"{prefix}.{context}.events", shard): LogReader() for context in contexts for shard in range(partitions)}
    consumer = Consumer({"bootstrap.servers": BROKERS, "group.id": "none", "enable.auto.commit": False,
                         "auto.offset.reset": "error", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, shard, 0) for topic, shard in logs])
    events, ended = [], 0
    while ended < len(logs):
        record = consumer.poll(60)
        assert record is not None, f"{prefix} cannot be read"
        if error := record.error():
            assert error.code() == KafkaError._PARTITION_EOF, error
            ended += 1
        elif (reader := logs[record.topic(), record.partition()]).feed(record) == "accepted":
            events += [(headers_of(each), each.value()) for each in reader.commit]
    consumer.close()
    return events


def records(prefix, partitions, kind="events"):
    consumer = Consumer({"bootstrap.servers": BROKERS, "group.id": "none"})
    try:
        return sum(consumer.get_watermark_offsets(TopicPartition(f"{prefix}.{context}.{kind}", shard), 20)[1]
                   for context in CONTEXTS for shard in range(partitions))
    finally:
        consumer.close()


# What makes a copied event differ from its original: its place in the log, and where it was taken from.
def essence(event):
    headers, value = event
    return tuple(sorted(item for item in headers.items() if item[0] not in ("ce_log", "ce_copiedfrom"))), value


class Copy(unittest.TestCase):
    def setUp(self):
        self.shop = Shop(BINARIES, partitions=PARTITIONS)
        self.addCleanup(self.shop.close)
        self.shop.start()
        self.prefix = self.shop.environment["EVERFOLD_PREFIX"]

    # ---- the copy

    def launch(self, to, *arguments):
        return subprocess.Popen(
            [Path(BINARIES) / "everfold-replay", "copy", "--to", to, "--to-partitions", str(MORE_PARTITIONS),
             *arguments], env=self.shop.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def copy(self, to, *arguments, status=0):
        """What it says on standard output, and on standard error."""
        process = self.launch(to, *arguments)
        out, said = process.communicate(timeout=120)
        self.assertEqual(process.returncode, status, said)
        return json.loads(out) if out else None, said

    def verify(self, prefix):
        checked = subprocess.run([Path(BINARIES) / "everfold-replay", "--prefix", prefix, "--cache-dir", "", "verify"],
                                 env=self.shop.environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def new_prefix(self):
        return self.prefix + "-" + uuid.uuid4().hex[:6]

    def on(self, prefix):
        """Another Everfold, on a copy."""
        shop = Shop(BINARIES, partitions=MORE_PARTITIONS)
        self.addCleanup(shop.close)
        shop.environment["EVERFOLD_PREFIX"] = prefix
        return shop

    # ---- what it shows

    def all_rows(self, shop, orders, cart):
        """Every row that the query API has, with the histories behind it."""
        paths = [f"/api/{things}?pageSize=100" for things in ("products", "inventory", "orders", "checkouts")]
        rows = {path: shop.call("GET", path, token=shop.admin) for path in paths}
        for path, answer in rows.items():
            self.assertEqual(answer.status, 200, answer)
        paths = [f"/api/carts/{cart}", f"/api/carts/{cart}/history"]
        for sku in (row["sku"] for row in rows["/api/inventory?pageSize=100"]["items"]):
            paths += [f"/api/inventory/{sku}", f"/api/inventory/{sku}/log"]
        for product in rows["/api/products?pageSize=100"]["items"]:
            paths += [f"/api/products/{product['id']}", f"/api/products/{product['id']}/history"]
        for order_id in orders.values():
            paths += [f"/api/orders/{order_id}", f"/api/orders/{order_id}/history"]
        for payment in (row["payment"]["id"] for row in rows["/api/orders?pageSize=100"]["items"] if "payment" in row):
            paths += [f"/api/payments/{payment}", f"/api/payments/{payment}/history"]
        rows |= {path: shop.call("GET", path, token=shop.admin) for path in paths}
        return {path: (answer.status, answer.body) for path, answer in rows.items()}

    # ---- the tests

    def test_another_everfold_goes_on_from_a_copy_with_more_partitions(self):
        orders, sku, cart = trade(self.shop)
        to = self.new_prefix()
        history = records(self.prefix, PARTITIONS)

        killed = self.launch(to, "--speed", "1")
        try:
            half = history // 3 + MORE_PARTITIONS * len(CONTEXTS)
            until("a part is copied", lambda: killed.poll() is not None or
                  (records_if_there(to) or 0) > half, 60)
            self.assertIsNone(killed.poll(), "it ended before it was killed")
        finally:
            killed.kill()
            killed.communicate(timeout=10)
        first = accepted(to, MORE_PARTITIONS)

        said, _ = self.copy(to)
        originals, copies = accepted(self.prefix, PARTITIONS), accepted(to, MORE_PARTITIONS)
        self.assertTrue(0 < len(first) < len(copies))
        self.assertEqual(said, {"copied": len(copies) - len(first), "inTarget": len(copies), "mayBeStarted": True,
                                "open": []})
        self.assertEqual(Counter(map(essence, copies)), Counter(map(essence, originals)))
        self.assertEqual(records(to, MORE_PARTITIONS, "commands"), 0)
        self.assertEqual(self.copy(to)[0]["copied"], 0)
        self.verify(to)

        other = self.on(to).start()
        self.assertEqual(self.all_rows(other, orders, cart), self.all_rows(self.shop, orders, cart))

        # It sells on. When a purchase has gone through everything, so would have whatever came before it.
        bought = other.buy([(sku, 1)])
        other.order_becomes(bought, "CONFIRMED")
        other.stock_becomes(sku, (27, 3, 24))
        new = [headers for headers, _ in accepted(to, MORE_PARTITIONS) if "ce_copiedfrom" not in headers]
        old = [headers for headers in new if headers["ce_subject"] in orders.values()]
        self.assertEqual(old, [])
        about = {headers["ce_type"].split(".")[2] for headers in new}
        self.assertTrue({"CartCheckedOut", "StockCommitted", "PaymentCaptured", "CheckoutCompleted"} <= about, about)
        for once in ("inventory.StockReserved", "inventory.StockCommitted", "payments.PaymentRequested",
                     "orders.OrderPlaced"):
            self.assertEqual(sum(headers["ce_type"] == f"everfold.{once}.v1" for headers in new), 1, once)

        # What was open is finished on the copy.
        payment = other.order(orders["pending"])["payment"]["id"]
        done = other.patiently("POST", f"/api/payments/sandbox/{payment}/complete", {"outcome": "approve"}, other.admin)
        self.assertIn(done.status, (200, 204), done)
        other.order_becomes(orders["pending"], "CONFIRMED")

        _, said = self.copy(to, status=1)
        self.assertIn("an Everfold has been started on it", said)
        self.verify(to)
        other.stop()

    def test_a_source_that_is_not_at_rest_is_copied_and_not_started(self):
        shop, to = self.shop, self.new_prefix()
        sku = shop.product(1000, 5)
        shop.stop("saga")
        order = shop.buy([(sku, 1)])
        said, told = self.copy(to, status=1)
        self.assertFalse(said["mayBeStarted"])
        self.assertIn("consumer group translators has not handled", said["open"][0])
        self.assertIn("do not start an Everfold on it yet", told)

        shop.start("saga")
        shop.order_becomes(order, "CONFIRMED")
        self.assertTrue(self.copy(to)[0]["mayBeStarted"])
        other = self.on(to).start()
        self.assertEqual(other.order(order)["status"], "CONFIRMED")
        other.stop()

    def test_a_part_and_a_changed_history(self):
        shop, to = self.shop, self.new_prefix()
        sku = shop.product(1000, 5)
        shop.order_becomes(shop.buy([(sku, 1)], token=shop.token("user", "Mallory")), "CONFIRMED")
        said, _ = self.copy(to, "--context", "orders,carts", "--map",
                            '.data |= (if .customerId then .customerId = "somebody" else . end)')
        self.assertFalse(said["mayBeStarted"])
        copies = accepted(to, MORE_PARTITIONS, ("orders", "carts"))
        self.assertEqual(len(copies), said["inTarget"])
        self.assertFalse([headers for headers, value in copies if b"Mallory" in value])
        self.assertTrue([headers for headers, value in copies if b"somebody" in value])
        self.assertIn("was copied by other rules", self.copy(to, "--context", "orders,carts", status=1)[1])
        self.assertIn("none can be left out", self.copy(self.new_prefix(), "--map", "null", status=1)[1])
        self.assertIn("is the source itself", self.copy(self.prefix, status=2)[1])


def records_if_there(prefix):
    try:
        return records(prefix, MORE_PARTITIONS)
    except Exception as e:  # the topics are being made
        return 0 if "UNKNOWN" in str(e) else None


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main(verbosity=2)
