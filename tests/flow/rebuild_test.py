"""Views folded anew while they are read: verified, switched to, rolled back, repaired, paused, copied; killed in the middle.

The orders' log begins with EVERFOLD_EVENTS made-up events (bench-orders-log; 24,000 unless said), on which real purchases
follow. With 1,000,000 it also says how long each step took, and nobody takes the purchases further than placed: everfold-saga
would begin with 250,000 checkouts of the past."""

import getpass
import http.client
import json
import os
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from shop import Shop, binaries_from_arguments, until

BINARIES = None
ROOT = Path(__file__).resolve().parents[2]
EVENTS = int(os.environ.pop("EVERFOLD_EVENTS", "24000"))  # not for the programs
EVENTS_OF_AN_ORDER = 4
LARGE = EVENTS >= 1_000_000
PROGRAMS = ("command", "projector", "query") if LARGE else ("command", "saga", "projector", "query")
BOUGHT = "PENDING" if LARGE else "CONFIRMED"
PATIENCE_S = 60 + EVENTS / 2_000
USER = getpass.getuser()


class Load:
    """Writers that read their own writes back at their positions, and readers of lists, without a pause. What an operator does
    must not be seen by them: `wrong` stays empty."""

    def __init__(self, shop, product):
        self.shop, self.product = shop, product
        self.sku, self.received = shop.product(stock=1), 1
        self.wrong, self.reads = [], 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.until_stopped, args=(each,))
                        for each in (self.stock_is_as_new_as_its_receipt, self.product_is_as_it_was_named, self.lists_never_shrink)]
        self.names, self.most_orders = 0, 0

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        until("the load is on", lambda: self.reads > 20)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def until_stopped(self, step):
        while not self.stopping.is_set() and len(self.wrong) < 20:
            try:
                step()
                self.reads += 1
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(f"{step.__name__}: {error!r}")

    def expect(self, condition, what):
        if not condition:
            self.wrong.append(f"{time.strftime('%X')} {what}")
        return condition

    def stock_is_as_new_as_its_receipt(self):
        done = self.shop.call("POST", f"/api/inventory/{self.sku}/receipts", {"quantity": 1}, self.shop.admin)
        if not self.expect(done.status == 200, done):
            return
        self.received += 1
        seen = self.shop.call("GET", f"/api/inventory/{self.sku}", token=self.shop.admin, position=done.headers["everfold-position"])
        self.expect(seen.status == 200 and seen["onHand"] == self.received, f"{self.received} received, {seen}")

    def product_is_as_it_was_named(self):
        self.names += 1
        path = f"/api/products/{self.product}"
        done = self.shop.call("PATCH", path, {"name": f"name {self.names}"}, self.shop.admin)
        if not self.expect(done.status in (200, 204), done):
            return
        seen = self.shop.call("GET", path, token=self.shop.admin, position=done.headers["everfold-position"])
        self.expect(seen.status == 200 and seen["name"] == f"name {self.names}", f"name {self.names}: {seen}")

    def lists_never_shrink(self):
        seen = self.shop.call("GET", "/api/orders?pageSize=5", token=self.shop.admin)
        self.expect(seen.status == 200 and seen["totalCount"] >= self.most_orders, f"{self.most_orders} orders before, {seen}")
        if seen.status == 200:
            self.most_orders = max(self.most_orders, seen["totalCount"])


class Rebuilds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shop = Shop(BINARIES)
        cls.addClassCleanup(shop.close)
        began = time.monotonic()
        subprocess.run([shop.binaries / "bench-orders-log", "--orders", str(EVENTS // EVENTS_OF_AN_ORDER)], env=shop.environment,
                       check=True, capture_output=True, timeout=PATIENCE_S)
        cls.say(f"{EVENTS} events written", began)
        shop.launch(*PROGRAMS)
        for program in PROGRAMS:
            until(f"{program} is ready", lambda: cls.is_ready(program), PATIENCE_S)
        cls.say("programs ready", began)
        cls.sku = shop.product(1000, 1000)
        made = shop.call("POST", "/api/products", {"sku": "REBUILT", "name": "name 0", "price": {"amount": 1, "currency": "USD"}}, shop.admin)
        cls.product = made["id"]
        cls.confirmed = [shop.order_becomes(shop.buy([(cls.sku, 1)], token=shop.token("user", "u-1")), BOUGHT)["id"]
                         for _ in range(3)]

    @classmethod
    def is_ready(cls, program):
        try:
            return cls.shop.request(program, "GET", "/readyz").status == 200
        except OSError:
            return False

    @staticmethod
    def say(what, began):
        if LARGE:
            print(f"{time.monotonic() - began:7.1f} s  {what}", file=sys.stderr, flush=True)

    # ---- what an operator has ----

    def environment(self):
        return {**self.shop.environment, "EVERFOLD_HOME": str(self.shop.home),
                "EVERFOLD_PROJECTOR_PORT": str(self.shop.ports["projector"])}

    def dev(self, *arguments, status=0):
        """What `./dev rebuild …` prints."""
        began = time.monotonic()
        done = subprocess.run([ROOT / "dev", "rebuild", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S,
                              env=self.environment())
        self.say(f"./dev rebuild {' '.join(map(str, arguments))}\n{done.stdout}", began)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stderr[-2000:]}{done.stdout}\n{self.shop.log_tail('projector')}")
        return done.stdout

    def views(self):
        answer = self.shop.request("projector", "GET", "/admin/views", headers={"Authorization": "Bearer " + self.shop.admin})
        self.assertEqual(answer.status, 200, answer)
        return {view["name"]: view for view in answer["views"]}

    def generation(self, view="orders"):
        return self.views()[view]["generation"]

    def edit(self, *edits):
        """Damages the orders view as nobody should."""
        self.shop.stop("projector")
        for edit in edits:
            subprocess.run([self.shop.binaries / "edit_view", self.shop.home / "views", *map(str, edit)], check=True, timeout=60)
        self.shop.start("projector")

    def total(self, order):
        return self.shop.order(order)["total"]["amount"]

    def total_becomes(self, order, amount):
        until(f"the total of {order} is {amount}", lambda: self.total(order) == amount)

    def buy(self):
        return self.shop.order_becomes(self.shop.buy([(self.sku, 1)]), BOUGHT)["id"]

    def answers(self):
        paths = ["/api/orders?pageSize=100", "/api/orders?customerId=u-1", "/api/products?pageSize=100", f"/api/inventory/{self.sku}",
                 *(f"/api/orders/{order}" for order in self.confirmed), f"/api/orders/{self.confirmed[0]}/history"]
        return {path: self.shop.call("GET", path, token=self.shop.admin).raw for path in paths}

    # ---- what holds ----

    def test_all_views_verified_and_switched_while_they_are_read(self):
        before, answers = self.views(), self.answers()
        with Load(self.shop, self.product) as load:
            told = self.dev("--all", "--verify")
        self.assertEqual(load.wrong, [])
        self.say(f"{load.reads} reads and writes meanwhile, none wrong", time.monotonic())
        after = self.views()
        for name, view in after.items():
            self.assertGreater(view["generation"], before[name]["generation"])
            self.assertIn(f"{name}: switched to generation {view['generation']}", told)
        self.assertEqual({path: raw for path, raw in self.answers().items() if "products" not in path},
                         {path: raw for path, raw in answers.items() if "products" not in path})

    def test_what_differs_is_found_with_both_contents_and_mended(self):
        changed, gone = self.buy(), self.buy()
        right = self.total(changed)
        self.edit(("change", changed, 424242), ("delete", gone), ("copy", changed, "nobodys-order"))
        wrong = self.generation()
        self.total_becomes(changed, 424242)

        with self.subTest("found, and not switched to"):
            told = self.dev("orders", "--verify", status=1)
            self.assertIn("1 added, 1 lost, 1 changed", told)
            self.assertIn(f"  changed  {changed}\n", told)
            self.assertRegex(told, r'    live     .*"424242"|    live     .*424242')
            self.assertRegex(told, rf"total\.amount: .*424242.* -> .*{right}")
            self.assertIn(f"  added    {gone}\n", told)
            self.assertIn("  lost     nobodys-order\n", told)
            self.assertEqual((self.generation(), self.total(changed)), (wrong, 424242))
            listed = [json.loads(line) for line in self.dev("differences", "orders", "--json", status=1).splitlines()]
            self.assertEqual({row["key"] for row in listed}, {changed, gone, "nobodys-order"})
        with self.subTest("switched to by hand"):
            self.dev("switch", "orders")
            self.total_becomes(changed, right)
            until("the lost row is there again", lambda: self.shop.order(gone).status == 200)
        with self.subTest("rolled back, and as new as before"):
            later = self.shop.buy([(self.sku, 1)])
            self.shop.order_becomes(later, BOUGHT)
            self.dev("rollback", "orders")
            self.assertEqual(self.generation(), wrong)
            self.total_becomes(changed, 424242)
            self.assertEqual(self.shop.order(later)["status"], BOUGHT)
        with self.subTest("one row mended"):
            self.assertIn("424242", self.dev("orders", "--key", changed, status=1))
            self.total_becomes(changed, right)
            self.assertIn("is as its events say", self.dev("orders", "--key", changed))
        with self.subTest("pruned"):
            self.dev("prune", "orders")
            self.assertEqual([each["number"] for each in self.views()["orders"]["generations"]], [wrong])
        with self.subTest("whole again"):
            self.assertIn("switched to generation", self.dev("orders"))
            self.total_becomes(changed, right)
            self.assertIn("0 added, 0 lost, 0 changed", self.dev("orders", "--verify"))
        with self.subTest("who did what"):
            done = [json.loads(line) for line in self.dev("operations", "--json", "-n", "1000").splitlines()]
            of_orders = [each["type"] for each in done if each["view"] == "orders" and each["actor"] == USER]
            for what in ("RebuildStarted", "RebuildFinished", "GenerationSwitched", "GenerationRolledBack", "RowRebuilt",
                         "GenerationsPruned"):
                self.assertTrue(any(what in each for each in of_orders), f"{what} in {of_orders}")

    def test_killed_in_the_middle_it_goes_on(self):
        shop, before = self.shop, {name: view["generation"] for name, view in self.views().items()}
        progress = shop.home / "progress"
        with open(progress, "w") as lines:
            following = subprocess.Popen([ROOT / "dev", "rebuild", "--all", "--verify"], env=self.environment(), stdout=subprocess.PIPE,
                                         stderr=lines, text=True)
        self.addCleanup(following.kill)
        until("all are asked for", progress.read_text, PATIENCE_S)
        self.assertIn("folding", [view["rebuild"]["state"] for view in self.views().values()])
        shop.kill("projector")
        shop.start("projector")
        told, _ = following.communicate(timeout=PATIENCE_S)
        self.assertEqual(following.returncode, 0, f"{progress.read_text()[-2000:]}{told}\n{shop.log_tail('projector')}")
        self.assertTrue(all(view["generation"] > before[name] for name, view in self.views().items()), self.views())
        self.assertIn("orders: switched to generation", told)
        self.assertIn("0 added, 0 lost, 0 changed", told)

    def test_a_rebuild_is_stopped(self):
        before = self.generation()
        self.dev("orders", "--switch", "manual")
        self.dev("stop", "orders")
        self.assertEqual(self.generation(), before)
        self.dev("prune", "orders")
        self.assertEqual([each["number"] for each in self.views()["orders"]["generations"]], [before])

    def test_paused_it_serves_what_it_had_until_it_is_resumed(self):
        shop = self.shop
        self.dev("pause", "stock")
        old = shop.stock(self.sku)
        done = shop.call("POST", f"/api/inventory/{self.sku}/receipts", {"quantity": 5}, shop.admin)
        self.assertEqual(shop.stock(self.sku), old)
        late = shop.call("GET", f"/api/inventory/{self.sku}", token=shop.admin, position=done.headers["everfold-position"])
        self.assertEqual(late.status, 503, "never a stale answer in silence")
        shop.kill("projector")
        shop.start("projector")
        stock = until("it is behind", lambda: (lambda view: view if view["lag"] > 0 else None)(self.views()["stock"]))
        self.assertEqual(stock["state"], "paused", "a restart does not forget it")
        self.dev("resume", "stock")
        new = shop.call("GET", f"/api/inventory/{self.sku}", token=shop.admin, position=done.headers["everfold-position"])
        self.assertEqual((new.status, new["onHand"]), (200, old[0] + 5), new)

    def test_a_checkpoint_becomes_a_generation(self):
        shop, directory = self.shop, self.shop.home / "copy"
        before = self.buy()
        self.dev("checkpoint", "orders", directory)
        after = self.buy()
        was = self.generation()
        self.dev("restore", "orders", directory)
        self.assertGreater(self.generation(), was)
        for order in (before, after):
            self.assertEqual(shop.order(order)["status"], BOUGHT)
        self.assertIn("0 added, 0 lost, 0 changed", self.dev("orders", "--verify"))
        self.dev("restore", "stock", directory, status=1)

    def test_what_is_not_to_be_done_is_refused(self):
        for arguments, says in ((("switch", "orders"), "everfold-projector: "), (("no-such-view",), "there are"),
                                (("rollback", "orders", "--expected", "999999"), "everfold-projector: "),
                                (("orders", "--key", "no-such-order"), "everfold-projector: "),
                                (("orders", "--from", "2001-01-01T00:00:00Z"), "everfold-projector: ")):
            done = subprocess.run([ROOT / "dev", "rebuild", *arguments], capture_output=True, text=True, timeout=60, env=self.environment())
            self.assertEqual(done.returncode, 1, f"{arguments}: {done.stdout}")
            self.assertIn(says, done.stderr)
        for role, status in (("seller", 403), ("user", 403)):
            for method, path in (("GET", "/admin/views"), ("POST", "/admin/views/orders/rebuild"), ("GET", "/admin/operations")):
                headers = {"Authorization": "Bearer " + self.shop.token(role)}
                self.assertEqual(self.shop.request("projector", method, path, {} if method == "POST" else None, headers).status, status)
        self.assertEqual(self.shop.request("projector", "GET", "/admin/views").status, 401)


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main(verbosity=2 if LARGE else 1)
