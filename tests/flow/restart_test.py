"""Every program may die at any moment and lose its local directory: nothing is lost, nothing is done twice, and the same answers come
back, to the byte."""

import http.client
import shutil
import threading
import unittest
import uuid

from shop import PROGRAMS, Shop, binaries_from_arguments, until

BINARIES = None


class Restarts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Shop(BINARIES)
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()

    def answers(self, paths):
        """What the query API says, as bytes."""
        return {path: self.shop.call("GET", path, token=self.shop.admin).raw for path in paths}

    def test_each_program_killed_in_the_middle_of_purchases(self):
        shop = self.shop
        for victim in PROGRAMS:
            with self.subTest(victim=victim):
                sku = shop.product(700, 100)
                bought, failures = [], []

                def purchase():
                    try:
                        cart = shop.cart([(sku, 2)])
                        bought.append(shop.patiently("POST", f"/api/carts/{cart}/checkout",
                                                     {"payment": {"provider": "sandbox", "method": "approve"}})["orderId"])
                    except Exception as e:  # told by the main thread
                        failures.append(repr(e))

                threads = [threading.Thread(target=purchase) for _ in range(10)]
                for thread in threads[:5]:
                    thread.start()
                shop.kill(victim)
                for thread in threads[5:]:
                    thread.start()
                shop.start(victim)
                for thread in threads:
                    thread.join()
                self.assertEqual(failures, [])
                self.assertEqual(len(set(bought)), 10)
                for order_id in bought:
                    self.assertEqual(shop.order_becomes(order_id, "CONFIRMED", "CANCELLED", seconds=60)["status"], "CONFIRMED")
                shop.stock_becomes(sku, (80, 0, 80))

    def test_local_state_deleted_comes_back_the_same(self):
        shop = self.shop
        sku, other = shop.product(300, 10), shop.product(900, 10)
        confirmed = shop.order_becomes(shop.buy([(sku, 1), (other, 2)], token=shop.token("user", "u-1")), "CONFIRMED")
        declined = shop.order_becomes(shop.buy([(sku, 1)], "decline"), "CANCELLED")
        shop.stock_becomes(sku, (9, 0, 9))
        cart = shop.cart([(sku, 3)])
        until("the cart", lambda: shop.call("GET", f"/api/carts/{cart}").body.get("lines"))
        until("the payment's end", lambda: shop.call("GET", f"/api/payments/{declined['payment']['id']}",
                                                    token=shop.admin)["status"] == "DECLINED")
        paths = [f"/api/orders/{confirmed['id']}", f"/api/orders/{declined['id']}", f"/api/orders/{confirmed['id']}/history",
                 f"/api/orders?customerId=u-1", "/api/orders?pageSize=100", f"/api/inventory/{sku}", f"/api/inventory/{sku}/log",
                 "/api/products?pageSize=100", f"/api/carts/{cart}", f"/api/payments/{confirmed['payment']['id']}"]
        before = self.answers(paths)
        for program in PROGRAMS:
            with self.subTest(program=program):
                shop.stop(program)
                shutil.rmtree(shop.state(program), ignore_errors=True)
                if program == "projector":
                    shop.stop("query")
                    shutil.rmtree(shop.home / "views")
                shop.start(program)
                if program == "projector":
                    shop.start("query")
                self.assertEqual(self.answers(paths), before)
        # And the writer decides on the same state as before.
        self.assertEqual(shop.call("POST", f"/api/inventory/{sku}/adjustments", {"delta": -10, "reason": "x"}, shop.admin).status, 409)

    def test_a_key_is_known_after_the_command_side_lost_its_index(self):
        shop = self.shop
        sku, key = shop.product(stock=0), uuid.uuid4().hex
        first = shop.call("POST", f"/api/inventory/{sku}/receipts", {"quantity": 4}, shop.admin, key)
        shop.kill("command")
        shutil.rmtree(shop.state("command"))
        shop.start("command")
        again = shop.call("POST", f"/api/inventory/{sku}/receipts", {"quantity": 4}, shop.admin, key)
        self.assertEqual((again.status, again.raw, again.headers["etag"]), (first.status, first.raw, first.headers["etag"]))
        other = shop.call("POST", f"/api/inventory/{sku}/receipts", {"quantity": 5}, shop.admin, key)
        self.assertEqual(other.status, 422)
        shop.stock_becomes(sku, (4, 0, 4))

    def test_sigterm_answers_what_was_accepted(self):
        shop = self.shop
        sku, done, broken = shop.product(stock=0), [], []

        def receive():
            for _ in range(50):
                try:
                    done.append(shop.call("POST", f"/api/inventory/{sku}/receipts", {"quantity": 1}, shop.admin).status)
                except (OSError, http.client.HTTPException) as e:
                    broken.append(repr(e))
                    return
        threads = [threading.Thread(target=receive) for _ in range(4)]
        for thread in threads:
            thread.start()
        until("some answers", lambda: len(done) > 20)
        shop.stop("command")
        for thread in threads:
            thread.join()
        shop.start("command")
        accepted = done.count(200)
        on_hand = until("the stock", lambda: shop.stock(sku))[0]
        # A request that met the closed door was refused or cut off before it was taken: none was taken without an answer.
        self.assertEqual(on_hand, accepted, f"{len(broken)} connections were refused")


if __name__ == "__main__":
    BINARIES = binaries_from_arguments()
    unittest.main()
