"""SIGTERM: what a program has taken is answered, nothing that was acknowledged is lost, and it ends within its deadline: under load,
with clients that dawdle, and while Kafka answers nothing."""

import http.client
import json
import os
import signal
import socket
import threading
import time
import unittest

from own_kafka import OwnKafka
from shop import PROGRAMS, Shop, binaries_from_arguments, until

BINARIES = None
DEADLINE_S = 25  # of every program, from SIGTERM to its end: docs/operations.md
SKUS = [f"DRAIN-{number}" for number in range(8)]


class Receipts:
    """Clients that receive one piece after the other, each by a connection of its own, until they are told to stop."""

    def __init__(self, shop, clients):
        self.shop = shop
        self.done, self.nothing_done, self.unknown = 0, 0, 0
        self.cut_off, self.others = [], []
        self.taken_after_ms = 0  # the longest wait for an answer
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._receive, args=(SKUS[i % len(SKUS)],)) for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _receive(self, sku):
        while not self.stopped.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.shop.ports["command"], timeout=40)
            try:
                try:
                    connection.connect()
                except OSError:  # nobody is there: nothing was asked
                    self.stopped.wait(0.01)
                    continue
                self._count(*self._ask(connection, sku))
            finally:
                connection.close()

    def _ask(self, connection, sku):
        began = time.monotonic()
        try:
            connection.request("POST", f"/api/inventory/{sku}/receipts", '{"quantity":1}',
                               {"Content-Type": "application/json", "Authorization": "Bearer " + self.shop.admin})
            response = connection.getresponse()
            return response, response.read(), time.monotonic() - began
        except (OSError, http.client.HTTPException) as error:
            return None, repr(error), time.monotonic() - began

    def _count(self, response, body, seconds):
        with self.lock:
            if response is None:
                self.cut_off.append(body)
                return
            self.taken_after_ms = max(self.taken_after_ms, round(seconds * 1000))
            message = json.loads(body).get("message", "")
            if response.status == 200:
                self.done += 1
            elif response.status == 503 and response.getheader("Retry-After") and "Nothing was done" in message:
                self.nothing_done += 1
            elif response.status == 503 and response.getheader("Retry-After") and "same Idempotency-Key" in message:
                self.unknown += 1
            else:
                self.others.append((response.status, body))


class Slow:
    """A client that has sent the half of a receipt."""

    def __init__(self, shop):
        body = b'{"quantity":1}'
        head = (f"POST /api/inventory/{SKUS[0]}/receipts HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {shop.admin}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        self.socket = socket.create_connection(("127.0.0.1", shop.ports["command"]), timeout=40)
        self.socket.sendall(head + body[:7])
        self.rest = body[7:]

    def go_on(self):
        self.socket.sendall(self.rest)

    def status(self):
        answer = self.socket.makefile("rb").readline()
        return int(answer.split()[1]) if answer else None

    def close(self):
        self.socket.close()


class Deaf:
    """A client that asks and asks and never reads an answer."""

    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        asked = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 2000  # whose answers no buffer holds
        while asked:
            try:
                asked = asked[self.socket.send(asked):]
            except BlockingIOError:
                return

    def close(self):
        self.socket.close()


class Draining(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kafka = OwnKafka()
        cls.addClassCleanup(cls.kafka.close)
        os.environ["KAFKA_BROKERS"] = cls.kafka.address

    def setUp(self):
        self.shop = Shop(BINARIES)
        self.addCleanup(self.shop.close)
        self.addCleanup(self.kafka.resume)
        self.shop.start()

    def client(self, kind, *arguments):
        client = kind(*arguments)
        self.addCleanup(client.close)
        return client

    def ends(self, *programs):
        """By program, the seconds from SIGTERM to its end, which must be an orderly one in time."""
        began, took = time.monotonic(), {}
        for program in programs:
            self.shop.processes[program].send_signal(signal.SIGTERM)

        def ended():
            for program in programs:
                if program not in took and self.shop.processes[program].poll() is not None:
                    took[program] = round(time.monotonic() - began, 1)
            return len(took) == len(programs)
        try:
            until("", ended, DEADLINE_S)
        except AssertionError:
            late = [program for program in programs if program not in took]
            self.fail(f"{late} took too long, {took}:\n" + "".join(map(self.shop.log_tail, late)))
        for program in programs:
            code = self.shop.processes[program].returncode
            self.assertEqual(code, 0, f"{program} ended badly after {took[program]} s:\n{self.shop.log_tail(program)}")
        return took

    def on_hand(self):
        def known():
            answers = [self.shop.call("GET", f"/api/inventory/{sku}", token=self.shop.admin) for sku in SKUS]
            return answers if all(answer.status in (200, 404) for answer in answers) else None
        return sum(answer["onHand"] for answer in until("the stock", known) if answer.status == 200)

    def on_hand_becomes(self, least, most):
        seen = []
        try:
            until("", lambda: seen.append(self.on_hand()) or least <= seen[-1] <= most)
        except AssertionError:
            self.fail(f"{least} to {most} should be on hand, {seen[-1]} are")

    def test_what_was_taken_is_answered(self):
        shop = self.shop
        receipts = Receipts(shop, 32)
        late, never = self.client(Slow, shop), self.client(Slow, shop)
        self.client(Deaf, shop.ports["command"])
        until("the load is on", lambda: receipts.done > 300)
        shop.processes["command"].send_signal(signal.SIGTERM)
        until("its door is closed", lambda: not self.listens("command"))
        late.go_on()
        self.assertEqual(late.status(), 200, "it had begun before")
        self.ends("command")
        receipts.stop()
        self.assertEqual(never.status(), 408)
        self.assertEqual(receipts.others, [])
        self.assertEqual(receipts.unknown, 0)
        # Who had connected when the door was closed and had not been let in yet was cut off, before anything was done.
        self.assertLessEqual(len(receipts.cut_off), 32, receipts.cut_off[:3])
        shop.start("command")
        self.on_hand_becomes(receipts.done + 1, receipts.done + 1)

    def test_every_program_under_load(self):
        shop = self.shop
        sku, bought, failures = shop.product(500, 1000), [], []
        stop = threading.Event()

        def purchase():
            try:
                while not stop.is_set():
                    cart = shop.cart([(sku, 1)])
                    bought.append(shop.patiently("POST", f"/api/carts/{cart}/checkout",
                                                 {"payment": {"provider": "sandbox", "method": "approve"}})["orderId"])
            except BaseException as error:  # told by the main thread
                failures.append(repr(error))
        buyers = [threading.Thread(target=purchase) for _ in range(4)]
        for buyer in buyers:
            buyer.start()
        for program in PROGRAMS:
            before = len(bought)
            until("orders are being placed", lambda: len(bought) > before + 10 or failures)
            took = self.ends(program)
            self.assertLess(took[program], 10, f"{program} had all it needed to end soon")
            shop.start(program)
        stop.set()
        for buyer in buyers:
            buyer.join()
        self.assertEqual(failures, [])
        for order in set(bought):
            self.assertEqual(shop.order_becomes(order, "CONFIRMED", "CANCELLED", seconds=60)["status"], "CONFIRMED")
        shop.stock_becomes(sku, (1000 - len(bought), 0, 1000 - len(bought)))

    def test_while_kafka_answers_nothing(self):
        shop = self.shop
        sku = shop.product(500, 1000)
        receipts = Receipts(shop, 16)
        self.addCleanup(receipts.stop)
        order = shop.buy([(sku, 1)])
        until("the load is on", lambda: receipts.done > 300)
        self.kafka.suspend()
        done = receipts.done
        print("seconds to the end while Kafka answers nothing:", self.ends(*PROGRAMS))
        receipts.stop()
        self.assertEqual(receipts.others, [])
        self.assertEqual(receipts.cut_off, [])
        self.assertGreater(receipts.unknown + receipts.nothing_done, 0, f"{receipts.done - done} were done meanwhile")
        self.assertLess(receipts.taken_after_ms, 15_000)
        self.kafka.resume()
        shop.start()
        self.on_hand_becomes(receipts.done, receipts.done + receipts.unknown)
        self.assertEqual(shop.order_becomes(order, "CONFIRMED", "CANCELLED", seconds=60)["status"], "CONFIRMED")

    def test_a_node_that_hears_nothing_of_kafka_is_not_ready(self):
        programs = ("command", "saga")

        def ready():
            return [self.shop.request(program, "GET", "/readyz").status == 200 for program in programs]
        until("both are ready", lambda: all(ready()))
        self.kafka.suspend()
        until("neither is ready", lambda: not any(ready()))
        self.kafka.resume()
        until("both are ready again", lambda: all(ready()), 60)

    def listens(self, program):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.shop.ports[program])) == 0


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
