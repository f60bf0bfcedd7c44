"""Files damaged under the programs, topics made anew, cut or spread under them: they heal from the log, or refuse with a
sentence that says what to do."""

import os
import random
import shutil
import unittest

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
from confluent_kafka import TopicPartition

from shop import Shop, binaries_from_arguments, until

BINARIES = None
ADMIN = AdminClient({"bootstrap.servers": os.environ["KAFKA_BROKERS"]})
KEPT_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


def spoil(path):
    """The same size, every byte another."""
    path.write_bytes(bytes(byte ^ 0x55 for byte in path.read_bytes()))


def spoil_one(directory, seed):
    files = sorted(file for file in directory.iterdir() if file.name.startswith("MANIFEST") or file.suffix == ".sst")
    victim = random.Random(seed).choice(files)
    spoil(victim)
    return victim.name


class Files(unittest.TestCase):
    def setUp(self):
        self.shop = Shop(BINARIES, partitions=2)
        self.addCleanup(self.shop.close)
        self.shop.start("command", "projector", "query")

    def said(self, program):
        return (self.shop.home / f"{program}.log").read_text()

    def test_an_index_damaged_while_it_is_down_is_read_again(self):
        shop, sku = self.shop, self.shop.product(stock=5)
        for seed in range(3):
            shop.stop("command")  # a graceful end writes tables
            victim = spoil_one(shop.state("command"), seed)
            shop.start("command")
            self.assertIn("set aside in", self.said("command"), victim)
            self.assertEqual(shop.call("POST", f"/api/inventory/{sku}/adjustments", {"delta": -6, "reason": "x"}, shop.admin).status, 409)
        received = shop.patiently("POST", f"/api/inventory/{sku}/receipts", {"quantity": 2}, shop.admin)
        self.assertEqual(received["onHand"], 7)

    def test_a_view_damaged_under_way_heals_and_shows_nothing_wrong_meanwhile(self):
        shop = self.shop
        paths = []
        for number in range(60):  # enough for tables of many blocks: a reader finds only some of them in its cache
            product = {"sku": f"SKU-{number}", "name": random.randbytes(60).hex(), "status": "active", "price": {"amount": 1, "currency": "USD"}}
            paths.append("/api/products/" + shop.patiently("POST", "/api/products", product, shop.admin)["id"])

        def read(path):
            return shop.call("GET", path, token=shop.admin)
        until("the last one", lambda: read(paths[-1]).status == 200)
        right = {path: read(path).raw for path in paths}
        shop.stop("projector", "query")
        shop.start("projector")  # what was in memory lies in tables now
        shop.start("query")
        for table in (shop.home / "views" / "products" / "1").glob("*.sst"):
            spoil(table)
        statuses = set()

        def healed():
            answers = {path: read(path) for path in paths}
            statuses.update(answer.status for answer in answers.values())
            for path, answer in answers.items():
                if answer.status != 503:
                    self.assertEqual(answer.raw, right[path])
            return 503 not in {answer.status for answer in answers.values()} and \
                (shop.home / "views" / "products" / "live").read_text() == "2\n"
        until("the view is folded anew", healed, 30)
        self.assertEqual(statuses, {200, 503})
        self.assertIn("is damaged and set aside: a reader met", self.said("projector"))


class Topics(unittest.TestCase):
    def setUp(self):
        self.shop = Shop(BINARIES, partitions=2)
        self.addCleanup(self.shop.close)
        self.shop.start("command", "projector")
        self.shop.product(stock=5)
        until("the views are folded", lambda: '"lag": 0' in self.status())
        self.topic = self.shop.environment["EVERFOLD_PREFIX"] + ".inventory.events"

    def status(self):
        return self.shop.request("projector", "GET", "/status").raw.decode()

    def refused(self, program, *words, launch=True):
        """Starts it; it must end by itself and say these words."""
        if launch:
            self.shop.launch(program)
        process = self.shop.processes.pop(program)
        until(f"{program} refuses", lambda: process.poll() is not None, 60)
        self.assertNotEqual(process.returncode, 0)
        said = self.shop.log_tail(program)
        for word in words:
            self.assertIn(word, said)

    def made_anew(self, records):
        ADMIN.delete_topics([self.topic])[self.topic].result()
        until("the topic is gone", lambda: self.topic not in ADMIN.list_topics(timeout=10).topics)
        ADMIN.create_topics([NewTopic(self.topic, 2, 1, config=KEPT_FOR_EVER)])[self.topic].result()
        producer = Producer({"bootstrap.servers": os.environ["KAFKA_BROKERS"]})
        for partition in range(2):
            for number in range(records):
                producer.produce(self.topic, str(number), partition=partition)
        self.assertEqual(producer.flush(20), 0)

    def test_a_topic_made_anew_is_refused_by_the_local_state_of_the_old_one(self):
        shop = self.shop
        shop.stop("command", "projector")
        for records, reason in ((0, "it ends at offset"), (50, "its first record is another")):
            with self.subTest(records=records):
                self.made_anew(records)
                self.refused("command", self.topic, reason, f"delete {shop.state('command')}")
                self.refused("projector", self.topic, reason, f"delete {shop.home / 'views'}")
        shutil.rmtree(shop.state("command"))
        shutil.rmtree(shop.home / "views")
        shop.start("command", "projector")
        self.assertEqual(shop.call("POST", "/api/inventory/NEW/receipts", {"quantity": 2}, shop.admin).status, 200)

    def test_a_log_without_its_beginning_is_refused(self):
        self.shop.stop("command", "projector")
        cut = [TopicPartition(self.topic, partition, 1) for partition in range(2)]
        for future in ADMIN.delete_records(cut).values():
            future.result()
        self.refused("command", self.topic, "begins at offset 1", "Restore the topic")
        self.refused("projector", self.topic, "begins at offset 1", "Restore the topic")

    def test_more_partitions_end_the_programs_that_run(self):
        for future in ADMIN.create_partitions([NewPartitions(self.topic, 3)]).values():
            future.result()
        for program in ("command", "projector"):
            self.refused(program, self.topic, "has 3 partitions instead of 2", launch=False)
        self.refused("command", self.topic, "3 partitions")

    def test_a_topic_made_anew_under_way_ends_the_programs(self):
        self.shop.stop("command", "projector")
        self.shop.start("command", "projector")  # they have seen the log as it is
        self.made_anew(50)
        for program in ("command", "projector"):
            self.refused(program, "everfold stops", launch=False)
        self.refused("command", self.topic, "its first record is another")


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
