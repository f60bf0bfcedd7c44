"""Two command nodes share the shards of one shop. Either takes any command; whoever retries with the same key, at either node, gets it
done once: while nodes join, leave, die, and wake up as zombies."""

import http.client
import signal
import threading
import unittest
import uuid

from shop import Shop, binaries_from_arguments, until

BINARIES = None
NODES = ("command", "command-2")


class TwoNodes(unittest.TestCase):
    def setUp(self):
        self.shop = Shop(BINARIES)
        self.addCleanup(self.shop.close)
        self.shop.start()

    def receive(self, sku, key, node):
        """The answer of one node, or nothing when there is none."""
        try:
            return self.shop.request(node, "POST", f"/api/inventory/{sku}/receipts", {"quantity": 1},
                                     {"Authorization": "Bearer " + self.shop.admin, "Idempotency-Key": key}, timeout=15)
        except (OSError, http.client.HTTPException):
            return None

    def receive_somewhere(self, sku, key, seconds=60):
        """As a client of several nodes does: the next one after a 503, always with the same key."""
        turn = iter(range(10**9))
        return until("a node takes the command", lambda: (lambda a: a if a and a.status == 200 else None)(
            self.receive(sku, key, NODES[next(turn) % 2])), seconds)

    def logged(self, sku, least):
        """How many events its log shows, once they are as many: a view of its own, behind that of the stock or not."""
        def count():
            return self.shop.call("GET", f"/api/inventory/{sku}/log?pageSize=1", token=self.shop.admin)["totalCount"]
        until("the events are in the log", lambda: count() >= least)
        return count()

    def owners(self):
        """Of each log, the nodes that say that they own it."""
        owners = {}
        for node in NODES:
            try:
                shards = self.shop.request(node, "GET", "/status")["shards"]
            except OSError:  # not up yet
                continue
            for shard in shards:
                if shard["state"] == "owner":
                    owners.setdefault(shard["log"], []).append(node)
        return owners

    def start_second(self):
        self.shop.launch("command-2")
        until("the shards are shared", lambda: {n for o in self.owners().values() for n in o} == set(NODES), 60)

    def test_any_node_takes_any_command_and_shows_what_it_answered(self):
        """A shop's page after page, each request at the other node."""
        shop = self.shop
        self.start_second()
        for turn in range(40):
            at, then = NODES[turn % 2], NODES[(turn + 1) % 2]
            staff = {"Authorization": "Bearer " + shop.admin}
            sku = f"ANY-{uuid.uuid4().hex[:8]}"
            made = shop.request(at, "POST", "/api/products", {"sku": sku, "name": "Thing", "status": "active",
                                                              "price": {"amount": 100, "currency": "USD"}}, staff)
            self.assertEqual(made.status, 201, made)
            cart = shop.request(at, "POST", "/api/carts", {"currency": "USD"})
            self.assertEqual(cart.status, 201, cart)
            for node in (then, at):
                added = shop.request(node, "POST", f"/api/carts/{cart['id']}/items", {"sku": sku, "quantity": 1})
                self.assertEqual(added.status, 200, added)
            # What was seen at both can be sent along; this time it is a price.
            price = shop.request(at, "PATCH", f"/api/products/{made['id']}", {"price": {"amount": 250, "currency": "USD"}}, staff)
            self.assertEqual(price.status, 200, price)
            other = shop.request(then, "POST", "/api/carts", {"currency": "USD"})
            seen = {"Everfold-Position": price.headers["everfold-position"]}
            added = shop.request(then, "POST", f"/api/carts/{other['id']}/items", {"sku": sku, "quantity": 1}, seen)
            self.assertEqual(added.status, 200, added)
            seen = {"Everfold-Position": added.headers["everfold-position"]}
            until("the cart is shown", lambda: shop.request("query", "GET", f"/api/carts/{other['id']}", headers=seen).status == 200)
            self.assertEqual(shop.request("query", "GET", f"/api/carts/{other['id']}", headers=seen)["subtotal"]["amount"], 250)
            self.assertEqual(self.receive(sku, uuid.uuid4().hex, at).status, 200)
            refused = shop.request(then, "POST", f"/api/inventory/{sku}/adjustments", {"delta": -2, "reason": "one there"}, staff)
            self.assertEqual(refused.status, 409, refused)

    def test_forwarding_is_for_nodes_only(self):
        for headers in ({}, {"Everfold-Node": "0" * 64}):
            answer = self.shop.request("command", "POST", "/internal/commands", {},
                                       {"Content-Type": "application/x-protobuf", **headers})
            self.assertEqual(answer.status, 401)

    def test_a_takeover_costs_a_client_no_more_than_patience(self):
        """kill -9 of a node: at the other one every command is answered, without a single 503."""
        shop = self.shop
        self.start_second()
        skus = [f"P{i}-{uuid.uuid4().hex[:6]}" for i in range(8)]
        for sku in skus:
            self.assertEqual(self.receive(sku, uuid.uuid4().hex, "command").status, 200)
        shop.kill("command-2")
        for sku in skus:
            answer = self.receive(sku, uuid.uuid4().hex, "command")
            self.assertEqual(answer.status, 200, answer)

    def test_a_node_joins_and_dies_under_load(self):
        shop = self.shop
        skus = [f"S{i}-{uuid.uuid4().hex[:6]}" for i in range(8)]
        failures, stop = [], threading.Event()
        done = {sku: 0 for sku in skus}

        def client(sku):
            try:
                while not stop.is_set():
                    self.receive_somewhere(sku, uuid.uuid4().hex)
                    done[sku] += 1
            except BaseException as e:  # told by the main thread
                failures.append(repr(e))

        self.addCleanup(stop.set)
        clients = [threading.Thread(target=client, args=(sku,)) for sku in skus]
        for thread in clients:
            thread.start()
        until("the first commands", lambda: min(done.values()) > 3)
        shop.launch("command-2")
        until("the shards are shared", lambda: {n for o in self.owners().values() for n in o} == set(NODES), 60)
        before = dict(done)
        until("commands at both", lambda: all(done[s] > before[s] + 3 for s in skus), 60)
        shop.kill("command-2")
        before = dict(done)
        until("the rest takes over", lambda: all(done[s] > before[s] + 3 for s in skus), 60)
        stop.set()
        for thread in clients:
            thread.join()
        self.assertEqual(failures, [])
        for sku in skus:
            shop.stock_becomes(sku, (done[sku], 0, done[sku]))
            self.assertEqual(self.logged(sku, done[sku]), done[sku], "an event too many or too few")

    def test_a_zombie_wakes_up_and_changes_nothing(self):
        shop = self.shop
        sku = "Z-" + uuid.uuid4().hex[:8]
        self.receive_somewhere(sku, uuid.uuid4().hex)
        shop.processes["command"].send_signal(signal.SIGSTOP)
        asleep = []
        key = uuid.uuid4().hex
        # Sent to the sleeping owner: it lies in its socket until it wakes up as a zombie.
        waiting = threading.Thread(target=lambda: asleep.append(self.receive(sku, key, "command")))
        waiting.start()
        shop.launch("command-2")
        taken = self.receive_from(sku, "command-2")
        shop.processes["command"].send_signal(signal.SIGCONT)
        waiting.join()
        # What the zombie said, if anything, holds: done means that the log has it.
        answered = bool(asleep and asleep[0] and asleep[0].status == 200)
        self.receive_somewhere(sku, key)
        expected = 1 + taken + 1
        shop.stock_becomes(sku, (expected, 0, expected))
        self.assertEqual(self.logged(sku, expected), expected, f"the zombie answered: {answered}")

    def receive_from(self, sku, node):
        def taken():
            answer = self.receive(sku, "from-" + node, node)
            return answer is not None and answer.status == 200
        until(f"{node} owns the shard", taken, 60)
        return 1


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
