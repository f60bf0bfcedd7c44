"""Records that cannot be handled, in the real topics: their aggregate is parked, every other goes on, later ones queue behind in order,
and operators list, inspect, retry and skip."""

import getpass
import http.client
import json
import os
import subprocess
import sys
import unittest
import uuid
from pathlib import Path

sys.path += [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "chaos")]
from schema_classes import make_schema_classes  # noqa: E402

make_schema_classes()
from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: E402
from ids import partition_of  # noqa: E402
from log_reader import LogReader  # noqa: E402
from schemas.inventory.v1.commands_pb2 import ReceiveStock  # noqa: E402
from schemas.log.v1.log_pb2 import TermStarted  # noqa: E402
from shop import Shop, binaries_from_arguments, until  # noqa: E402

BINARIES = None
BROKERS = os.environ["KAFKA_BROKERS"]
PARTITIONS = 4


class ParkedShop(unittest.TestCase):
    def setUp(self):
        self.shop = Shop(BINARIES, partitions=PARTITIONS)
        self.addCleanup(self.shop.close)
        self.prefix = self.shop.environment["EVERFOLD_PREFIX"]
        self.producer = Producer({"bootstrap.servers": BROKERS})

    # ---- what lies in Kafka ----

    def produce(self, topic, key, value, headers):
        """Returns where it lies: (partition, offset)."""
        delivered = []
        self.producer.produce(f"{self.prefix}.{topic}", value, key, partition_of(key, PARTITIONS), headers=headers,
                              on_delivery=lambda error, message: delivered.append((error, message)))
        self.producer.flush(20)
        error, message = delivered[0]
        self.assertIsNone(error)
        return message.partition(), message.offset()

    def send(self, context, key, message_type, value):
        return self.produce(f"{context}.commands", key, value, [
            ("ce_specversion", "1.0"), ("ce_id", uuid.uuid4().hex), ("ce_type", message_type), ("ce_subject", key),
            ("ce_source", f"/everfold/{context}"), ("ce_time", "2026-01-31T12:00:00.000Z"),
            ("content-type", "application/protobuf"), ("ce_correlationid", "of-the-test")])

    def receive(self, sku, quantity):
        return self.send("inventory", sku, "everfold.inventory.ReceiveStock.v1",
                         ReceiveStock(quantity=quantity).SerializeToString())

    def append_event(self, context, key, message_type, value, version):
        """As a proper owner would: a term of its own, and one commit in it. Whoever owned the log takes it over again."""
        topic, shard = f"{self.prefix}.{context}.events", partition_of(key, PARTITIONS)
        for term in range(self.term(topic, shard) + 1, 10**6):  # another owner may be quicker
            self.produce(f"{context}.events", key, TermStarted(term=term, owner="test").SerializeToString(),
                         [("ce_type", "everfold.log.TermStarted.v1")])
            command = uuid.uuid4().hex
            offset = self.produce(f"{context}.events", key, value, [
                ("ce_log", f"{term}.1.1/1"), ("ce_specversion", "1.0"), ("ce_id", f"{command}.1"), ("ce_type", message_type),
                ("ce_source", f"/everfold/{context}"), ("ce_subject", key), ("ce_time", "2026-01-31T12:00:00.000Z"),
                ("content-type", "application/protobuf"), ("ce_sequence", str(version)), ("ce_causationid", command)])
            if offset[1] in self.accepted(topic, shard):
                return offset
        return None

    def records(self, topic, shard):
        consumer = Consumer({"bootstrap.servers": BROKERS, "group.id": "none", "enable.auto.commit": False})
        part = TopicPartition(topic, shard, 0)
        _, end = consumer.get_watermark_offsets(part, 10)
        consumer.assign([part])
        try:
            while end > 0:
                record = consumer.poll(10)
                self.assertIsNotNone(record)
                yield record
                if record.offset() + 1 >= end:
                    return
        finally:
            consumer.close()

    def term(self, topic, shard):
        reader = LogReader()
        for record in self.records(topic, shard):
            reader.feed(record)
        return reader.T

    def accepted(self, topic, shard):
        reader, offsets = LogReader(), set()
        for record in self.records(topic, shard):
            if reader.feed(record) == "accepted":
                offsets |= {part.offset() for part in reader.commit}
        return offsets

    # ---- what operators see ----

    def admin(self, program, method, path, body=None, token=None):
        return self.shop.request(program, method, "/admin/parked" + path, body,
                                 {"Authorization": "Bearer " + (token or self.shop.admin)})

    def parked(self, program, query=""):
        answer = self.admin(program, "GET", query)
        self.assertEqual(answer.status, 200, answer)
        return answer["parked"]

    def becomes_parked(self, program, entry_id, behind, tries=1):
        def there():
            found = [e for e in self.parked(program) if e["id"] == entry_id]
            return found[0] if found and (found[0]["behind"], found[0]["tries"]) == (behind, tries) else None
        try:
            return until(f"{entry_id} is parked, {behind} behind it, tried {tries} times", there)
        except AssertionError as e:
            raise AssertionError(f"{e}; there is {self.parked(program)}\n{self.shop.log_tail(program)}") from None

    def dev(self, *arguments):
        """./dev parked …, as an operator of this shop."""
        done = subprocess.run([Path(__file__).resolve().parents[2] / "dev", "parked", *arguments], capture_output=True, text=True,
                              timeout=60, env={**self.shop.environment, "EVERFOLD_HOME": str(self.shop.home),
                                               "EVERFOLD_COMMAND_PORT": str(self.shop.ports["command"]),
                                               "EVERFOLD_SAGA_PORT": str(self.shop.ports["saga"])})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def metric(self, program, name, **labels):
        raw = self.raw(program, "/metrics")
        for line in raw.splitlines():
            if line.startswith(name + "{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        return None

    def raw(self, program, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.shop.ports[program], timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()


class ParkedCommands(ParkedShop):
    def test_a_command_of_a_later_version(self):
        shop = self.shop.start()
        poisoned, well = shop.product(stock=10), shop.product(stock=10)
        shard, offset = self.send("inventory", poisoned, "everfold.inventory.Teleport.v1", b"\x0a\x01x")
        self.receive(poisoned, 3)
        self.receive(well, 3)
        shop.stock_becomes(well, (13, 0, 13))
        entry_id = f"command/inventory.{shard}:{offset}"
        entry = self.becomes_parked("command", entry_id, behind=1)
        self.assertEqual((entry["aggregateId"], entry["why"], entry["correlationId"]), (poisoned, "refused", "of-the-test"))
        self.assertIn("cannot be read", entry["message"])
        self.assertEqual(shop.stock(poisoned), (10, 0, 10), "nothing may overtake it")

        # By HTTP the aggregate goes on: only its topic waits.
        self.assertEqual(shop.patiently("POST", f"/api/inventory/{poisoned}/receipts", {"quantity": 1}, shop.admin).status, 200)
        self.assertEqual(self.metric("command", "everfold_parked", consumer="command", context="inventory"), 2)
        self.assertGreater(self.metric("command", "everfold_parked_unlooked_seconds", consumer="command", context="inventory"), 0)

        with self.subTest("inspect"):
            shown = self.admin("command", "GET", f"/{entry_id}")
            self.assertEqual((shown.status, shown["record"]["hex"], shown["record"]["key"]), (200, "0a0178", poisoned), shown)
            self.assertEqual(shown["record"]["headers"]["ce_type"], "everfold.inventory.Teleport.v1")
            behind = self.admin("command", "GET", f"/command/inventory.{shard}:{offset + 1}")
            self.assertEqual((behind["why"], behind["record"]["message"]), ("behind", {"quantity": 3}), behind)
            until("that somebody looked is noted", lambda: self.parked("command")[0].get("looked", {}).get("by") == "admin-1")
            self.assertEqual(self.metric("command", "everfold_parked_unlooked_seconds", consumer="command", context="inventory"), 0)
        with self.subTest("who may"):
            for token, status in ((shop.token("seller"), 403), (shop.token("user"), 403)):
                for method, path in (("GET", ""), ("GET", f"/{entry_id}"), ("POST", f"/{entry_id}/retry"),
                                     ("POST", f"/{entry_id}/skip"), ("POST", "/retry")):
                    self.assertEqual(self.admin("command", method, path, {} if method == "POST" else None, token).status, status)
            self.assertEqual(shop.request("command", "GET", "/admin/parked").status, 401)
        with self.subTest("what is wrong"):
            self.assertEqual(self.admin("command", "GET", "/command/inventory.0:999999").status, 404)
            self.assertEqual(self.admin("command", "POST", f"/{entry_id}/skip", {}).status, 400)
            self.assertEqual(self.admin("command", "POST", f"/command/inventory.{shard}:{offset + 1}/skip",
                                        {"reason": "no"}).status, 400, "the first of its aggregate only")
        with self.subTest("retry, in vain"):
            self.assertEqual(self.admin("command", "POST", f"/{entry_id}/retry").status, 202)
            self.becomes_parked("command", entry_id, behind=1, tries=2)
        with self.subTest("a restart keeps it, and tries it once"):
            shop.kill("command")
            shop.start("command")
            self.becomes_parked("command", entry_id, behind=1, tries=3)
        with self.subTest("skip"):
            self.assertEqual(self.admin("command", "POST", f"/{entry_id}/skip", {"reason": "sent by mistake"}).status, 202)
            shop.stock_becomes(poisoned, (14, 0, 14))
            until("nothing is parked", lambda: not self.parked("command"))
            skipped = self.parked("command", "?skipped=true")
            self.assertEqual([(e["id"], e["skipped"]["by"], e["skipped"]["reason"]) for e in skipped],
                             [(entry_id, "admin-1", "sent by mistake")])
            self.assertEqual(self.metric("command", "everfold_parked", consumer="command", context="inventory"), 0)

    def test_records_that_are_no_commands(self):
        shop = self.shop.start("command")
        sku = "S-" + uuid.uuid4().hex[:8]
        shard, offset = self.produce("inventory.commands", sku, b"garbage", [])
        self.receive(sku, 3)
        self.becomes_parked("command", f"command/inventory.{shard}:{offset}", behind=1)
        self.assertEqual(self.admin("command", "POST", f"/command/inventory.{shard}:{offset}/skip", {"reason": "garbage"}).status, 202)
        until("the next one is decided", lambda: not self.parked("command"))
        log = f"{self.prefix}.inventory.events"
        until("its event is there", lambda: any(record.key() == sku.encode() and b"ReceiveStock" not in record.value() and
                                                dict(record.headers()).get("ce_subject") == sku.encode()
                                                for record in self.records(log, shard)))


class ParkedEvents(ParkedShop):
    def test_an_order_with_an_event_of_a_later_version(self):
        """Its writer, its view and the translators can read it no more; every other order goes on."""
        shop = self.shop.start()
        sku = shop.product(stock=1000)
        order = shop.buy([(sku, 1)], method="manual")
        pending = until("its payment is pending", lambda: (lambda o: o.body if o.body.get("payment", {}).get("status") == "PENDING"
                                                           else None)(shop.order(order)))
        shard, offset = self.append_event("orders", order, "everfold.orders.OrderTeleported.v1", b"", pending["version"] + 1)

        self.becomes_parked("saga", f"translators/orders.{shard}:{offset}", behind=0)
        refused = until("the order is 503", lambda: (lambda o: o if o.status == 503 else None)(shop.order(order)))
        self.assertIn("everfold.orders.OrderTeleported.v1", refused["message"])
        until("it is counted", lambda: self.metric("projector", "everfold_view_parked", view="orders") == 1)
        cancelled = until("the writer owns its log again", lambda: (lambda a: a if "cannot read" in a["message"] else None)(
            shop.call("POST", f"/api/orders/{order}/cancel", {}, shop.admin)))
        self.assertEqual(cancelled.status, 503, cancelled)

        # The payer pays: that is recorded, and waits for the order.
        paid = shop.patiently("POST", f"/api/payments/sandbox/{pending['payment']['id']}/complete", {"outcome": "approve"}, shop.admin)
        self.assertEqual(paid.status, 200, paid)
        waiting = until("what became of it waits", lambda: self.parked("command"))
        self.assertEqual([(e["aggregateId"], e["why"]) for e in waiting], [(order, "unavailable")])

        others = [shop.buy([(sku, 1)]) for _ in range(3)]
        while shard not in {partition_of(other, PARTITIONS) for other in others}:  # chance chooses their shards
            others.append(shop.buy([(sku, 1)]))
        for other in others:
            shop.order_becomes(other, "CONFIRMED")
        self.assertEqual([e["aggregateId"] for e in self.parked("command") + self.parked("saga")], [order, order])

    def test_an_event_of_a_later_version(self):
        shop = self.shop.start()
        order = uuid.uuid4().hex
        shard, offset = self.append_event("orders", order, "everfold.orders.OrderTeleported.v1", b"\x0a\x01x", 1)
        _, later = self.append_event("orders", order, "everfold.orders.OrderTeleported.v1", b"\x0a\x01y", 2)
        entry_id = f"translators/orders.{shard}:{offset}"
        self.becomes_parked("saga", entry_id, behind=1)
        with self.subTest("others go on"):
            sku = shop.product(stock=10)
            for _ in range(4):
                shop.order_becomes(shop.buy([(sku, 1)]), "CONFIRMED")
        with self.subTest("a restart tries it once"):
            shop.kill("saga")
            shop.start("saga")
            self.becomes_parked("saga", entry_id, behind=1, tries=2)
        with self.subTest("skip, and the next is the first; by the command line"):
            self.assertIn(entry_id, self.dev("list"))
            self.assertEqual(json.loads(self.dev("show", entry_id))["record"]["hex"], "0a0178")
            self.dev("retry", entry_id)
            self.becomes_parked("saga", entry_id, behind=1, tries=3)
            self.dev("skip", entry_id, "--reason", "of a test")
            next_id = f"translators/orders.{shard}:{later}"
            self.becomes_parked("saga", next_id, behind=0)
            self.dev("retry", "--all")
            self.becomes_parked("saga", next_id, behind=0, tries=2)
            skipped = json.loads(self.dev("list", "--skipped", "--json"))
            self.assertEqual([(e["id"], e["skipped"]["by"]) for e in skipped], [(entry_id, getpass.getuser())])


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
