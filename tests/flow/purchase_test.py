"""Purchases and their compensations through the real programs."""

import threading
import unittest
import uuid

from shop import Shop, binaries_from_arguments, until

BINARIES = None


class Purchases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Shop(BINARIES)
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()

    def test_a_purchase_is_confirmed_paid_and_taken_from_stock(self):
        shop = self.shop
        first, second = shop.product(1999, 5), shop.product(501, 3)
        order = shop.order_becomes(shop.buy([(first, 1), (second, 1), (first, 1)]), "CONFIRMED")
        self.assertEqual(order["total"], {"amount": 4499, "currency": "USD"})
        self.assertEqual(order["payment"]["status"], "CAPTURED")
        shop.stock_becomes(first, (3, 0, 3))
        shop.stock_becomes(second, (2, 0, 2))

    def test_a_declined_payment_cancels_and_releases(self):
        shop = self.shop
        sku = shop.product(stock=3)
        order = shop.order_becomes(shop.buy([(sku, 2)], "decline"), "CANCELLED")
        self.assertEqual(order["cancellation"], {"reason": "PAYMENT_DECLINED"})
        shop.stock_becomes(sku, (3, 0, 3))

    def test_one_line_out_of_stock_cancels_and_undoes_the_others(self):
        shop = self.shop
        plenty, scarce = shop.product(stock=5), shop.product(stock=1)
        order = shop.order_becomes(shop.buy([(plenty, 2), (scarce, 2)]), "CANCELLED")
        self.assertEqual(order["cancellation"], {"reason": "OUT_OF_STOCK"})
        self.assertNotIn("payment", order)
        shop.stock_becomes(plenty, (5, 0, 5))
        shop.stock_becomes(scarce, (1, 0, 1))

    def test_nothing_to_pay_needs_no_payment(self):
        shop = self.shop
        gift = shop.product(0, 2)
        order = shop.order_becomes(shop.buy([(gift, 1)]), "CONFIRMED")
        self.assertNotIn("payment", order)
        shop.stock_becomes(gift, (1, 0, 1))

    def test_a_confirmed_order_cancelled_is_refunded_and_comes_back(self):
        shop = self.shop
        sku = shop.product(1500, 3)
        order_id = shop.buy([(sku, 2)])
        order = shop.order_becomes(order_id, "CONFIRMED")
        shop.stock_becomes(sku, (1, 0, 1))
        cancelled = shop.call("POST", f"/api/orders/{order_id}/cancel", {"reason": "changed my mind"}, shop.admin)
        self.assertEqual(cancelled.status, 200, cancelled)
        payment = until("the refund", lambda: (lambda p: p.body if p["refunded"]["amount"] == 3000 else None)(
            shop.call("GET", f"/api/payments/{order['payment']['id']}", token=shop.admin)))
        self.assertEqual(payment["status"], "REFUNDED")
        shop.stock_becomes(sku, (3, 0, 3))
        self.assertEqual(shop.order(order_id)["status"], "CANCELLED")

    def test_refunds_never_exceed_what_was_captured(self):
        shop = self.shop
        order = shop.order_becomes(shop.buy([(shop.product(1000), 1)]), "CONFIRMED")
        refunds = f"/api/payments/{order['payment']['id']}/refunds"
        money = lambda amount: {"amount": {"amount": amount, "currency": "USD"}, "reason": "scratched"}
        self.assertIn(shop.call("POST", refunds, money(300), shop.admin).status, (200, 201))
        self.assertEqual(shop.call("POST", refunds, money(701), shop.admin).status, 409)
        shop.order_becomes(order["id"], "PARTIALLY_REFUNDED")
        self.assertIn(shop.call("POST", refunds, {"reason": "broken"}, shop.admin).status, (200, 201))
        shop.order_becomes(order["id"], "REFUNDED")

    def test_the_same_submission_twice_is_one_order(self):
        shop = self.shop
        sku = shop.product(stock=5)
        cart, key = shop.cart([(sku, 1)]), uuid.uuid4().hex
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(shop.checkout(cart, key=key))) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({a.status for a in answers}, {201}, answers)
        self.assertEqual(len({a.raw for a in answers}), 1, answers)
        self.assertEqual(shop.checkout(cart, key=uuid.uuid4().hex).status, 409)
        self.assertEqual(shop.checkout(cart, "decline", key=key).status, 422)
        shop.order_becomes(answers[0]["orderId"], "CONFIRMED")
        shop.stock_becomes(sku, (4, 0, 4))

    def test_a_stale_version_is_refused(self):
        shop = self.shop
        created = shop.call("POST", "/api/products", {"sku": "S" + uuid.uuid4().hex[:8], "name": "x",
                                                      "price": {"amount": 1, "currency": "USD"}}, shop.admin)
        path, position = f"/api/products/{created['id']}", created.headers["everfold-position"]
        read = shop.call("GET", path, position=position, token=shop.admin)
        etag = read.headers["etag"]
        self.assertEqual(etag, created.headers["etag"])
        changed = shop.call("PATCH", path, {"name": "y"}, shop.admin, headers={"If-Match": etag})
        self.assertIn(changed.status, (200, 204), changed)
        self.assertEqual(shop.call("PATCH", path, {"name": "z"}, shop.admin, headers={"If-Match": etag}).status, 412)
        fresh = shop.call("GET", path, position=changed.headers["everfold-position"], token=shop.admin)
        self.assertEqual(fresh["name"], "y")
        self.assertEqual(shop.call("GET", path, token=shop.admin, headers={"If-None-Match": fresh.headers["etag"]}).status, 304)

    def test_an_answered_checkout_is_found_with_its_position(self):
        shop = self.shop
        sku = shop.product(stock=50)
        for _ in range(10):
            answer = shop.checkout(shop.cart([(sku, 1)]))
            found = shop.call("GET", f"/api/orders/{answer['orderId']}", position=answer.headers["everfold-position"],
                              headers={"Everfold-Order-Token": answer["orderToken"]})
            self.assertEqual(found.status, 200, found)

    def test_twenty_buyers_of_three_units(self):
        shop = self.shop
        sku = shop.product(stock=3)
        carts = [shop.cart([(sku, 1)]) for _ in range(20)]
        orders = []
        threads = [threading.Thread(target=lambda cart=cart: orders.append(shop.checkout(cart)["orderId"])) for cart in carts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        final = [shop.order_becomes(order, "CONFIRMED", "CANCELLED")["status"] for order in orders]
        self.assertEqual((final.count("CONFIRMED"), final.count("CANCELLED")), (3, 17))
        shop.stock_becomes(sku, (0, 0, 0))

    def test_the_past_can_be_read(self):
        shop = self.shop
        order_id = shop.buy([(shop.product(), 1)], "manual")
        pending = until("the payment is open", lambda: (lambda o: o.body if o.status == 200 and
                        o.body.get("payment", {}).get("status") == "PENDING" else None)(shop.order(order_id)))
        history = until("the history has as much", lambda: (lambda events: events if len(events) >= pending["version"] else None)(
            shop.call("GET", f"/api/orders/{order_id}/history", token=shop.admin)["items"]))
        self.assertEqual([e["sequence"] for e in history], list(range(1, pending["version"] + 1)))
        self.assertEqual(history[0]["type"], "OrderPlaced")
        then = history[-1]["at"]
        shop.call("POST", f"/api/payments/sandbox/{pending['payment']['id']}/complete", {"outcome": "approve"}, shop.admin)
        shop.order_becomes(order_id, "CONFIRMED")
        past = shop.call("GET", f"/api/orders/{order_id}?asOf={then}", token=shop.admin)
        self.assertEqual(past.body, pending)


class Timeouts(unittest.TestCase):
    def test_an_unfinished_payment_times_out_even_across_a_restart_of_the_saga(self):
        shop = Shop(BINARIES, payment_timeout_s=6)
        self.addCleanup(shop.close)
        shop.start()
        sku = shop.product(stock=2)
        order_id = shop.buy([(sku, 1)], "manual")
        until("the payment is open", lambda: shop.order(order_id).body.get("payment", {}).get("status") == "PENDING")
        shop.stock_becomes(sku, (2, 1, 1))
        shop.kill("saga")
        shop.start("saga")
        order = shop.order_becomes(order_id, "CANCELLED")
        self.assertEqual(order["cancellation"]["reason"], "PAYMENT_TIMEOUT")
        shop.stock_becomes(sku, (2, 0, 2))
        until("the payment is void", lambda: shop.order(order_id)["payment"]["status"] == "VOIDED")
        late = shop.call("POST", f"/api/payments/sandbox/{order['payment']['id']}/complete", {"outcome": "approve"}, shop.admin)
        self.assertEqual(late.status, 409, late)


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
