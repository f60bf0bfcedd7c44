"""everfold-replay state, diff, sqlite and run on the log of a real shop: against folds of its own and against the query API."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from schema_classes import make_schema_classes  # noqa: E402

make_schema_classes()
from independent_folds import ROWS, Event  # noqa: E402
from log_reader import read_log  # noqa: E402
from shop import Shop, binaries_from_arguments, until  # noqa: E402

BINARIES = None
CONTEXTS = ("catalog", "inventory", "carts", "orders", "payments", "checkout")
PARTITIONS = 4
BUYERS = 8
SEED = int(os.environ.get("EVERFOLD_TEST_SEED", random.randrange(2**32)))


class Market:
    """Purchases of every kind, until all of them are over and the logs stand still."""
    def __init__(self, shop, rng):
        self.shop = shop
        skus = [shop.product(price, 40) for price in (1999, 501, 0, 75)]
        scarce = shop.product(1200, 3)
        with ThreadPoolExecutor(BUYERS) as buyers:
            self.orders = list(buyers.map(lambda seed: self.purchase(random.Random(seed), skus, scarce),
                                          [rng.random() for _ in range(100)]))
        for sku in (*skus, scarce):
            self.accepted("POST", f"/api/inventory/{sku}/adjustments", {"delta": 7, "reason": "found"})
            self.accepted("PUT", f"/api/inventory/{sku}/threshold", {"lowStock": 5})
        until("every checkout is over", lambda: shop.call("GET", "/api/checkouts", token=shop.admin)["totalCount"] == 0, 60)
        shop.stop("saga", "command")
        until("every view is up to date", self.views_are_up_to_date, 30)

    def accepted(self, method, path, body):
        answer = self.shop.patiently(method, path, body, self.shop.admin)
        assert answer.status in (200, 201, 204), answer

    def purchase(self, rng, skus, scarce):
        shop = self.shop
        wanted = rng.sample(skus, rng.randint(1, 3))
        cart = shop.cart([(sku, rng.randint(1, 2)) for sku in wanted])
        if rng.random() < 0.3:
            self.accepted("POST", f"/api/carts/{cart}/items", {"sku": scarce, "quantity": 1})
        if rng.random() < 0.3:
            self.accepted("PATCH", f"/api/carts/{cart}/items/{wanted[0]}", {"quantity": 3})
        if rng.random() < 0.2:
            self.accepted("DELETE", f"/api/carts/{cart}/items/{wanted[0]}", None)
            self.accepted("POST", f"/api/carts/{cart}/items", {"sku": wanted[0], "quantity": 1})
        method = rng.choice(["approve"] * 6 + ["decline"])
        answer = until("the checkout", lambda: (lambda a: a if a.status == 201 else None)(shop.checkout(cart, method, key=cart)))
        order = shop.order_becomes(answer["orderId"], "CONFIRMED", "CANCELLED", seconds=60)
        if order["status"] == "CONFIRMED" and rng.random() < 0.2:
            self.accepted("POST", f"/api/orders/{order['id']}/cancel", {"reason": "changed my mind"})
            shop.order_becomes(order["id"], "CANCELLED", seconds=60)
        elif "payment" in order and order["status"] == "CONFIRMED" and rng.random() < 0.3:
            part = {"amount": {"amount": 50, "currency": "USD"}, "reason": "scratched"}
            self.accepted("POST", f"/api/payments/{order['payment']['id']}/refunds", part)
            shop.order_becomes(order["id"], "PARTIALLY_REFUNDED", "REFUNDED", seconds=60)
        return order["id"]

    def views_are_up_to_date(self):
        status = self.shop.request("projector", "GET", "/status").body
        return all(view["lag"] == 0 for view in status["views"])


def read_events(shop):
    """By (context, aggregate), oldest first; and how many there are."""
    events = {}
    for context in CONTEXTS:
        for shard in range(PARTITIONS):
            topic = f"{shop.environment['EVERFOLD_PREFIX']}.{context}.events"
            for commit, _ in read_log(os.environ["KAFKA_BROKERS"], topic, shard, follow=False):
                for record in commit:
                    event = Event(record)
                    events.setdefault((context, event.aggregate), []).append(event)
    return events


def as_of(events, time):
    """Up to the first that is later."""
    later = next((i for i, event in enumerate(events) if event.time > time), len(events))
    return events[:later]


class History(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print("EVERFOLD_TEST_SEED =", SEED)
        cls.rng = random.Random(SEED)
        cls.shop = Shop(BINARIES, partitions=PARTITIONS)
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()
        cls.market = Market(cls.shop, cls.rng)
        cls.events = read_events(cls.shop)
        cls.times = sorted(event.time for events in cls.events.values() for event in events)

    def replay(self, *arguments, status=0, given=None):
        ran = subprocess.run([Path(BINARIES) / "everfold-replay", "--cache-dir", self.shop.home / "cache", *map(str, arguments)],
                             env=self.shop.environment, input=given, capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, status, ran.stderr)
        return ran.stdout

    def lines(self, *arguments, **more):
        return [json.loads(line) for line in self.replay(*arguments, **more).splitlines()]

    def listed(self, path):
        items, page = [], 1
        while True:
            answer = self.shop.call("GET", f"{path}?pageSize=100&page={page}", token=self.shop.admin)
            items += answer["items"]
            if page >= answer["totalPages"]:
                self.assertEqual(len(items), answer["totalCount"])
                return items
            page += 1

    # ---- state and diff ----

    def test_a_thousand_versions_are_what_other_code_folds(self):
        of_views = [(key, event.version) for key, events in self.events.items() if key[0] in ROWS for event in events]
        self.assertGreater(len(of_views), 1_000)
        asked = self.rng.sample(of_views, 1_000)
        answers = self.lines("state", "--stdin", given="".join(f"{key[1]}@{version}\n" for key, version in asked))
        self.assertEqual(len(answers), len(asked))
        for ((context, aggregate), version), answer in zip(asked, answers):
            state = next(state for state in answer["states"] if state["context"] == context)
            view, fold = ROWS[context]
            events = self.events[context, aggregate]
            self.assertEqual(state["views"], {view: fold(events[:version])}, (aggregate, version))
            last = events[version - 1]
            self.assertEqual((state["version"], state["time"], state["eventId"]), (version, last.time, last.id))

    def test_so_are_times(self):
        keys = [key for key in self.events if key[0] in ROWS]
        asked = [(self.rng.choice(keys), self.rng.choice(self.times)) for _ in range(300)]
        given = "".join(f"{key[1]}@{time}\n" for key, time in asked)
        answers = self.lines("state", "--stdin", given=given, status=1)  # some had not begun
        unborn = 0
        for ((context, aggregate), time), answer in zip(asked, answers):
            view, fold = ROWS[context]
            events = as_of(self.events[context, aggregate], time)
            state = next((state for state in answer["states"] if state["context"] == context), None)
            self.assertEqual(state and state["views"], {view: fold(events)} if events else None, (aggregate, time))
            unborn += "problem" in answer
        self.assertLess(unborn, 300)

    def test_an_id_is_shown_in_every_context_that_has_it(self):
        order = self.market.orders[0]
        self.assertEqual([state["context"] for state in self.lines("state", order, "--json")[0]["states"]], ["checkout", "orders"])
        history = self.lines("state", order, "--context", "orders", "--view", "history", "--at", 2, "--json")[0]["states"][0]
        self.assertEqual([row["data"] for row in history["views"]["history"]],
                         [event.data for event in self.events["orders", order][:2]])

    def test_what_is_not_there_is_said(self):
        self.assertIn("no context", self.lines("state", "nobody", "--json", status=1)[0]["problem"])
        self.assertIn("no version 99", self.lines("state", self.market.orders[0], "--at", 99, "--json", status=1)[0]["problem"])
        order, = self.lines("state", "--stdin", given=self.market.orders[0] + "@\n")
        self.assertEqual(order["states"][1]["version"], len(self.events["orders", order["id"]]))
        self.replay("state", "--stdin", given="x@1.5\n", status=2)
        self.replay("state", "x", "--at", "yesterday", status=2)
        self.replay("state", "x", "--view", "nothing", status=2)

    def test_what_changed_and_by_which_events(self):
        order = next(id for id in self.market.orders if self.events["orders", id][-1].type == "OrderConfirmed")
        events = self.events["orders", order]
        found = self.lines("diff", order, "--context", "orders", "--from", 1, "--json")[0]["contexts"][0]
        changes = {change["path"]: change for change in found["changes"]}
        self.assertEqual((changes[".status"]["before"], changes[".status"]["after"]), ("PENDING", "CONFIRMED"))
        self.assertEqual((changes[".version"]["before"], changes[".version"]["after"]), (1, len(events)))
        self.assertNotIn(".total", changes)
        self.assertEqual([event["id"] for event in found["events"]], [event.id for event in events[1:]])
        self.assertIn('.status: "PENDING" → "CONFIRMED"', self.replay("diff", order, "--from", 1))

    # ---- sqlite ----

    def database(self, *options):
        file = self.shop.home / f"{uuid.uuid4().hex}.db"
        self.replay("sqlite", file, *options)
        self.assertEqual(list(self.shop.home.glob("*.part*")), [])
        database = sqlite3.connect(file)
        database.row_factory = sqlite3.Row
        self.addCleanup(database.close)
        return database

    def test_tables_have_every_event_and_the_query_apis_totals(self):
        database = self.database("--views")
        one = lambda sql, *values: database.execute(sql, values).fetchone()[0]
        counts = {}
        for (context, _), events in self.events.items():
            for event in events:
                counts[context, event.type] = counts.get((context, event.type), 0) + 1
        found = database.execute("SELECT context, type, count(*) FROM events GROUP BY 1, 2").fetchall()
        self.assertEqual({(context, kind): count for context, kind, count in found}, counts)
        self.assertEqual(one("SELECT value FROM everfold_meta WHERE key = 'events'"), str(sum(counts.values())))

        orders = self.listed("/api/orders")
        total = sum(order["total"]["amount"] for order in orders)
        self.assertEqual(one("SELECT sum(total_amount) FROM orders_order_placed"), total)
        self.assertEqual(one("SELECT sum(total_amount) FROM view_orders WHERE total_currency = 'USD'"), total)
        by_status = {}
        for order in orders:
            by_status[order["status"]] = by_status.get(order["status"], 0) + 1
        self.assertEqual(dict(tuple(row) for row in database.execute("SELECT status, count(*) FROM view_orders GROUP BY 1")), by_status)
        # Lines are joined to their order, of an event and of a row alike.
        lines = {}
        for order in orders:
            for line in order["lines"]:
                lines[line["sku"]] = lines.get(line["sku"], 0) + line["quantity"]
        of_events = "SELECT sku, sum(quantity) FROM orders_order_placed JOIN orders_order_placed_lines USING (event) GROUP BY 1"
        of_rows = "SELECT sku, sum(quantity) FROM view_orders JOIN view_orders_lines USING (row_key) GROUP BY 1"
        for sql in (of_events, of_rows):
            self.assertEqual(dict(tuple(row) for row in database.execute(sql)), lines)

        paid = [self.shop.call("GET", f"/api/payments/{order['payment']['id']}", token=self.shop.admin).body
                for order in orders if "payment" in order]
        self.assertEqual(one("SELECT sum(amount_amount) FROM payments_payment_captured"),
                         sum(payment["captured"]["amount"] for payment in paid))
        self.assertEqual(one("SELECT sum(refunded_amount) FROM view_payments"), sum(payment["refunded"]["amount"] for payment in paid))
        self.assertEqual(one("SELECT sum(amount_amount) FROM payments_payment_refunded"),
                         sum(payment["refunded"]["amount"] for payment in paid))
        self.assertEqual([tuple(row) for row in database.execute("SELECT sku, on_hand, reserved FROM view_stock ORDER BY 1")],
                         sorted((item["sku"], item["onHand"], item["reserved"]) for item in self.listed("/api/inventory")))
        first = self.events["orders", orders[0]["id"]][0]
        row = database.execute("SELECT * FROM orders_order_placed WHERE aggregate_id = ?", (orders[0]["id"],)).fetchone()
        self.assertEqual((row["event_id"], row["version"], row["time"], row["customer_id"], row["order_number"]),
                         (first.id, 1, first.time, None, first.data["orderNumber"]))

    def test_tables_as_of_a_time_are_what_the_query_api_shows_of_it(self):
        time = self.times[len(self.times) // 2]
        database = self.database("--views", "--at", time, "--context", "orders")
        expected = {}
        for (context, order), events in self.events.items():
            if context == "orders" and as_of(events, time):
                row = self.shop.call("GET", f"/api/orders/{order}?asOf={time}", token=self.shop.admin)
                expected[order] = (row["version"], row["status"], row["total"]["amount"])
        rows = database.execute("SELECT row_key, version, status, total_amount FROM view_orders")
        self.assertEqual({key: tuple(rest) for key, *rest in rows}, expected)
        self.assertEqual(database.execute("SELECT count(*) FROM events").fetchone()[0], sum(each[0] for each in expected.values()))
        self.assertGreater(len(expected), 5)

    def test_a_range_of_time_and_a_file_that_is_there(self):
        begin, end = self.times[len(self.times) // 3], self.times[len(self.times) // 2]
        database = self.database("--from", begin, "--to", end)
        self.assertEqual(database.execute("SELECT count(*) FROM events").fetchone()[0],
                         sum(begin <= time < end for time in self.times))
        database = self.database("--views", "--from", begin, "--to", end)  # the rows are folded from the beginning
        self.assertEqual(database.execute("SELECT count(*) FROM events").fetchone()[0],
                         sum(begin <= time < end for time in self.times))
        self.assertEqual(database.execute("SELECT count(*) FROM view_orders WHERE version > 1").fetchone()[0],
                         len(self.market.orders))
        file = self.shop.home / "there.db"
        file.write_text("mine")
        self.replay("sqlite", file, status=2)
        self.assertEqual(file.read_text(), "mine")

    # ---- run ----

    def test_a_fold_of_today_is_the_live_view(self):
        for view in ("orders", "stock", "carts", "payments", "products", "history"):
            with self.subTest(view=view):
                self.assertEqual(self.replay("run", view, "--compare"), "")
        orders = self.listed("/api/orders")
        self.assertEqual(self.lines("run", "orders", "--count"), [len(orders)])
        self.assertEqual({line["key"]: line["row"]["total"] for line in self.lines("run", "orders", "--dump")},
                         {order["id"]: order["total"] for order in orders})

    def test_a_fold_of_then_and_what_has_become_of_it(self):
        time = self.times[len(self.times) // 2]
        kept = self.shop.home / "then"
        self.replay("run", "orders", "--until", time, "--out", kept)
        expected = {order: ROWS["orders"][1](as_of(events, time)) for (context, order), events in self.events.items()
                    if context == "orders" and as_of(events, time)}
        self.assertEqual({line["key"]: line["row"] for line in self.lines("run", "orders", "--in", kept, "--dump")}, expected)
        some = next(iter(expected))
        self.assertEqual(self.lines("run", "orders", "--in", kept, "--get", some), [{"key": some, "row": expected[some]}])
        lost = {line["key"] for line in self.lines("run", "orders", "--in", kept, "--compare", status=1)
                if line["difference"] == "lost"}
        self.assertEqual(lost, set(self.market.orders) - set(expected))
        self.replay("run", "orders", "--out", kept, status=2)  # it is there already

    def test_a_fold_of_some_events(self):
        order = self.market.orders[3]
        line, = self.lines("run", "orders", "--where", f'.aggregateId == "{order}"', "--dump")
        self.assertEqual(line["row"], ROWS["orders"][1](self.events["orders", order]))
        self.replay("run", "orders", "--where", ".[", status=2)


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
