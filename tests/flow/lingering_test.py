"""Checkouts that linger: money that a provider keeps is seen, asked for again, and never forgotten."""

import unittest

from shop import Shop, binaries_from_arguments, until


class Lingering(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Shop(BINARIES).start()
        cls.addClassCleanup(cls.shop.close)

    def open_checkouts(self, query=""):
        return {row["id"]: row for row in
                self.shop.call("GET", f"/api/checkouts?pageSize=100{query}", token=self.shop.admin)["items"]}

    def poke(self, order_id, token=None):
        return self.shop.request("saga", "POST", f"/admin/checkouts/{order_id}/poke",
                                 headers={"Authorization": f"Bearer {token or self.shop.admin}"})

    def payment(self, order):
        return self.shop.call("GET", f"/api/payments/{order['payment']['id']}", token=self.shop.admin).body

    def refunds(self, order):
        return [refund["status"] for refund in self.payment(order).get("refunds", [])]

    def test_money_that_the_provider_keeps_is_in_sight_until_it_is_back(self):
        shop = self.shop
        sku = shop.product(stock=2)
        order = shop.order_becomes(shop.buy([(sku, 1)], "approve-and-keep"), "CONFIRMED")
        self.assertEqual(shop.call("POST", f"/api/orders/{order['id']}/cancel", {"reason": "mine"}, shop.admin).status, 200)

        def stuck():
            row = self.open_checkouts("&state=COMPENSATION_FAILED").get(order["id"])
            return row and row["version"]
        first = until("the compensation has failed", stuck)
        self.assertEqual(self.refunds(order), ["FAILED"])
        order = shop.order_becomes(order["id"], "CANCELLED")
        self.assertEqual(order["payment"]["status"], "CAPTURED")  # which is true: the shop has it
        shop.stock_becomes(sku, (2, 0, 2))

        self.assertIn(order["id"], self.open_checkouts("&quietFor=0"))
        self.assertNotIn(order["id"], self.open_checkouts("&quietFor=3600"))

        poked = self.poke(order["id"])
        self.assertEqual((poked.status, poked["asked"]), (200, ["PaymentReversalRequested"]), poked)
        until("it was refused again", lambda: (stuck() or 0) > first and self.refunds(order) == ["FAILED", "FAILED"])

    def test_a_wrong_amount_is_no_sale(self):
        shop = self.shop
        sku = shop.product(1000, stock=2)
        order = shop.order_becomes(shop.buy([(sku, 1)], "approve-less"), "CANCELLED")
        self.assertEqual(order["cancellation"]["reason"], "PAYMENT_DECLINED")
        payment = until("the money is back", lambda: (lambda p: p if p["status"] == "REFUNDED" else None)(self.payment(order)))
        self.assertEqual((payment["captured"]["amount"], payment["refunded"]["amount"]), (999, 999))
        until("the checkout is over", lambda: order["id"] not in self.open_checkouts())
        shop.stock_becomes(sku, (2, 0, 2))

    def test_an_open_checkout_can_be_poked_as_often_as_one_likes(self):
        shop = self.shop
        order_id = shop.buy([(shop.product(stock=2), 1)], "manual")
        until("the checkout awaits its payment", lambda: self.open_checkouts().get(order_id, {}).get("state") == "PAYING")
        for _ in range(3):
            self.assertEqual(self.poke(order_id)["asked"], ["PaymentAsked"])
        order = until("the payment is open", lambda: (lambda o: o.body if o.status == 200 and
                      o.body.get("payment", {}).get("status") == "PENDING" else None)(shop.order(order_id)))
        shop.call("POST", f"/api/payments/sandbox/{order['payment']['id']}/complete", {"outcome": "approve"}, shop.admin)
        shop.order_becomes(order_id, "CONFIRMED")
        until("the checkout is over", lambda: order_id not in self.open_checkouts())
        self.assertEqual(self.poke(order_id)["asked"], [])

    def test_poking_is_for_admins_and_of_what_there_is(self):
        self.assertEqual(self.poke("nobody").status, 404)
        self.assertEqual(self.poke("nobody", self.shop.token("customer")).status, 403)
        self.assertEqual(self.shop.request("saga", "POST", "/admin/checkouts/nobody/poke").status, 401)


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
