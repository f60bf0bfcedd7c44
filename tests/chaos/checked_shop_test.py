"""The checker agrees with a real shop in which nothing goes wrong, and names an answer and a row that are wrong."""

import json
import os
import subprocess
import sys
import time
import unittest
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/flow"))
from shop import Shop, binaries_from_arguments, until  # noqa: E402

BINARIES = None


class JournalShop(Shop):
    """Writes down what every command was answered, as the chaos test's clients do."""

    def __init__(self):
        super().__init__(BINARIES, payment_timeout_s=5)
        self.acks = []

    def call(self, method, path, body=None, token=None, key=None, position=None, headers=None):
        if method == "GET":
            return super().call(method, path, body, token, key, position, headers)
        key = key or uuid.uuid4().hex
        began = time.time() * 1000
        answer = super().call(method, path, body, token, key, position, headers)
        sub = {None: "", self.admin: "admin-1"}.get(token, "user-1")
        self.acks.append({"t": began, "ended": time.time() * 1000, "method": method, "path": path, "body": body,
                          "sub": sub, "key": key, "attempts": 1, "unanswered": 0, "status": answer.status, "answer": answer.body,
                          "etag": answer.headers.get("etag"), "position": answer.headers.get("everfold-position", "")})
        return answer

    def check(self, name):
        """The checker's exit status and its report."""
        acks, report = self.home / f"{name}.jsonl", self.home / f"{name}.json"
        acks.write_text("".join(json.dumps(ack) + "\n" for ack in self.acks))
        command = [sys.executable, Path(__file__).with_name("checker.py")]
        for name in ("brokers", "prefix", "partitions"):
            command += [f"--{name}", self.environment[f"EVERFOLD_{name.upper()}"]]
        command += ["--acks", acks, "--query", f"http://127.0.0.1:{self.ports['query']}",
                   "--command", f"http://127.0.0.1:{self.ports['command']}", "--secret-file", self.home / "secret",
                   "--binaries", self.binaries, "--views", self.home / "views", "--json", report]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200)
        if not report.exists():
            raise AssertionError(done.stdout + done.stderr)
        return done.returncode, json.loads(report.read_text()), done.stdout


class CheckedShop(unittest.TestCase):
    def test_a_calm_shop_keeps_every_promise(self):
        shop = JournalShop()
        self.addCleanup(shop.close)
        shop.start()
        self.trade(shop)
        code, report, text = shop.check("calm")
        print(text)
        self.assertEqual((code, report["passed"]), (0, True), text)
        self.assertEqual([rule["rule"] for rule in report["rules"] if not rule["checked"]], [])

        # One answer that the log does not bear out, and it is named.
        lie = next(ack for ack in shop.acks if ack["path"].endswith("/receipts"))
        shop.acks.append({**lie, "key": uuid.uuid4().hex})
        code, report, text = shop.check("lie")
        self.assertEqual(code, 1, text)
        self.assertEqual([rule["rule"] for rule in report["rules"] if rule["broken"]],
                         ["acknowledged: the events are in the history, once"], text)
        shop.acks.pop()

        # Rows that were never folded.
        shop.stop("projector")
        sku = lie["path"].split("/")[3]
        self.assertEqual(shop.call("POST", f"/api/inventory/{sku}/receipts", {"quantity": 1}, shop.admin).status, 200)
        code, report, text = shop.check("old")
        self.assertEqual(code, 1, text)
        self.assertEqual([(rule["rule"], rule["broken"]) for rule in report["rules"] if rule["broken"]],
                         [("views: inventory as a query program shows them are the fold of the log", 1),
                          ("views: a view's bytes are those of a fresh fold", 2)], text)  # stock, and the history

    def trade(self, shop):
        admin, user = shop.admin, shop.token("user", "user-1")
        pot, cup, gift = shop.product(1999, 10), shop.product(500, 3), shop.product(0, 5)
        for _ in range(2):  # the second time there is nothing to do
            threshold = shop.call("PUT", f"/api/inventory/{pot}/threshold", {"lowStock": 9}, admin)
            self.assertEqual(threshold.status, 200)
        adjustments = f"/api/inventory/{cup}/adjustments"
        self.assertEqual(shop.call("POST", adjustments, {"delta": -50, "reason": "lost"}, admin).status, 409)
        shop.call("POST", adjustments, {"delta": 1, "reason": "found"}, admin)

        confirmed = shop.order_becomes(shop.buy([(pot, 2), (cup, 1), (pot, 1)], token=user), "CONFIRMED")
        shop.order_becomes(shop.buy([(pot, 1)], "decline"), "CANCELLED")
        shop.order_becomes(shop.buy([(cup, 9), (pot, 1)]), "CANCELLED")
        shop.order_becomes(shop.buy([(gift, 1)]), "CONFIRMED")
        shop.order_becomes(shop.buy([(pot, 1)], "manual"), "CANCELLED")  # nobody pays in time

        cart = shop.cart([(pot, 1), (cup, 2)], user)
        shop.call("PATCH", f"/api/carts/{cart}/items/{cup}", {"quantity": 1}, user)
        shop.call("PATCH", f"/api/carts/{cart}/items/{cup}", {"quantity": 1}, user)  # nothing to do
        shop.call("DELETE", f"/api/carts/{cart}/items/{pot}", None, user)
        self.assertEqual(shop.call("DELETE", f"/api/carts/{cart}/items/{pot}", None, user).status, 409)
        self.assertEqual(shop.checkout(cart, "manual", user).status, 201)
        cup_order = shop.acks[-1]["answer"]["orderId"]
        shown = lambda: shop.order(cup_order).body.get("payment", {})  # noqa: E731
        payment = until("the payment is open", lambda: shown().get("status") == "PENDING" and shown()["id"])
        shop.call("POST", f"/api/payments/sandbox/{payment}/complete", {"outcome": "approve"}, admin)
        shop.order_becomes(cup_order, "CONFIRMED")

        refunds = f"/api/payments/{confirmed['payment']['id']}/refunds"
        shop.call("POST", refunds, {"amount": {"amount": 100, "currency": "USD"}, "reason": "scratched"}, admin)
        too_much = {"amount": {"amount": 10**6, "currency": "USD"}, "reason": "x"}
        self.assertEqual(shop.call("POST", refunds, too_much, admin).status, 409)
        shop.order_becomes(confirmed["id"], "PARTIALLY_REFUNDED")
        for _ in range(2):  # the second time there is nothing to do
            shop.call("POST", f"/api/orders/{cup_order}/cancel", {"reason": "changed my mind"}, admin)
        until("the money is back", lambda: shop.order(cup_order)["payment"]["status"] == "REFUNDED")
        for sku in (pot, cup, gift):
            until("no reservations", lambda sku=sku: shop.stock(sku)[1] == 0)
        shop.stock_becomes(cup, (3, 0, 3))

        product = shop.acks[0]["answer"]["id"]
        for _ in range(2):
            shop.call("PATCH", f"/api/products/{product}", {"name": "Big pot"}, admin)
        for _ in range(2):
            self.assertEqual(shop.call("DELETE", f"/api/products/{product}", None, admin).status, 204)
        archived = shop.acks[-1]["position"]
        read = shop.call("GET", f"/api/products/{product}", token=admin, position=archived)
        self.assertEqual(read.status, 200)


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    unittest.main()
