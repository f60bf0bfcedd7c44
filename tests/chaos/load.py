"""What the shop's clients do: a thread a client, each with its own choices, drawn from the run's seed."""

import random
import threading
import time
from dataclasses import dataclass, field

from client import Answer, Client, Journals

CLIENTS = 12
_PAUSE_S = (0.05, 0.45)  # between two commands of one client: tens of commands a second in all
_PRODUCTS = 16
_SCARCE = 4              # of them; the stock of these is often short


@dataclass
class Product:
    id: str
    sku: str
    scarce: bool = False


@dataclass
class Order:
    """An order as its client knows it."""
    id: str
    method: str
    sub: str    # its customer; "" for a guest
    token: str  # a guest's
    payment: str = ""
    looks: int = 0


@dataclass
class Shop:
    products: list[Product] = field(default_factory=list)


class Shopper:
    """One client's life. Its choices depend on its seed and on the answers that it gets."""

    def __init__(self, client: Client, shop: Shop, closing: threading.Event):
        self.client = client
        self.closing = closing
        self.shop = shop
        self.rng = client.rng
        self.seller = f"seller-{client.number}"
        self.own_products = []
        self.orders = []

    def live(self) -> None:
        actions = {self.buy: 40, self.finish_payment: 16, self.cancel: 6, self.refund: 10, self.receive: 12,
                   self.adjust: 6, self.change_price: 5, self.add_product: 3, self.set_threshold: 2}
        while not self.closing.is_set():
            self.rng.choices(list(actions), list(actions.values()))[0]()
            self.rest()

    def rest(self) -> None:
        self.closing.wait(self.rng.uniform(*_PAUSE_S))

    # ---- the shopper ----

    def buy(self) -> None:
        sub = "" if self.rng.random() < 0.4 else f"user-{self.client.number}-{self.rng.randrange(3)}"
        role = "user" if sub else ""
        created = self.client.command("POST", "/api/carts", {"currency": "USD"}, role, sub)
        if not done(created):
            return
        cart = f"/api/carts/{created.body['id']}"
        self.fill(cart, role, sub)
        if self.rng.random() < 0.05:
            return  # left behind
        method = self.rng.choices(("approve", "decline", "manual"), (55, 15, 30))[0]
        payment = {"payment": {"provider": "sandbox", "method": method}}
        placed = self.client.command("POST", f"{cart}/checkout", payment, role, sub)
        self.expect_known(placed, cart)
        if done(placed):
            order = Order(placed.body["orderId"], method, sub, placed.body.get("orderToken", ""))
            self.orders.append(order)
            self.maybe_read(placed, f"/api/orders/{order.id}", role, sub, order.token)

    def fill(self, cart: str, role: str, sub: str) -> None:
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            product = self.a_product()
            body = {"sku": product.sku, "quantity": self.rng.randint(1, 4)}
            added = self.client.command("POST", f"{cart}/items", body, role, sub)
            self.expect_known(added, cart)
            if done(added) and self.rng.random() < 0.15:
                quantity = self.rng.randrange(4)
                self.client.command("PATCH", f"{cart}/items/{product.sku}", {"quantity": quantity}, role, sub)
            elif done(added) and self.rng.random() < 0.05:
                self.client.command("DELETE", f"{cart}/items/{product.sku}", None, role, sub)
            elif done(added):
                self.maybe_read(added, cart, role, sub)
            self.rest()

    def finish_payment(self) -> None:
        """Completes a manual payment. A third of them are left to time out."""
        waiting = [order for order in self.orders[-30:] if order.method == "manual" and order.looks < 3]
        if not waiting:
            return self.buy()
        order = self.rng.choice(waiting)
        order.looks += 1
        outcome = self.rng.choices(("approve", "decline", "leave"), (50, 20, 30))[0]
        if outcome == "leave" or not self.find_payment(order):
            return
        completed = self.client.command("POST", f"/api/payments/sandbox/{order.payment}/complete", {"outcome": outcome},
                                        "user" if order.sub else "", order.sub, order.token)
        self.expect_known(completed, order.payment)
        if done(completed):
            order.looks = 3
            self.maybe_read(completed, f"/api/payments/{order.payment}", "seller", self.seller)

    def cancel(self) -> None:
        if not self.orders:
            return self.buy()
        order = self.orders[-1] if self.rng.random() < 0.5 else self.rng.choice(self.orders)
        cancelled = self.client.command("POST", f"/api/orders/{order.id}/cancel", {"reason": "changed my mind"},
                                        "user" if order.sub else "", order.sub, order.token)
        self.expect_known(cancelled, order.id)
        self.maybe_read(cancelled, f"/api/orders/{order.id}", "seller", self.seller)

    # ---- the seller ----

    def refund(self) -> None:
        paid = [order for order in self.orders if order.method != "decline"]
        if not paid:
            return self.buy()
        order = self.rng.choice(paid)
        body = {"reason": "scratched"}
        if self.rng.random() < 0.7:
            body["amount"] = {"amount": self.rng.randint(1, 4000), "currency": "USD"}
        if not self.find_payment(order):
            return
        refunded = self.client.command("POST", f"/api/payments/{order.payment}/refunds", body, "seller", self.seller)
        self.expect_known(refunded, order.payment)
        self.maybe_read(refunded, f"/api/payments/{order.payment}", "seller", self.seller)

    def receive(self) -> None:
        product = self.a_product()
        body = {"quantity": self.rng.randint(1, 6) if product.scarce else self.rng.randint(5, 60)}
        self.about_stock(product, "POST", "receipts", body)

    def adjust(self) -> None:
        body = {"delta": self.rng.choice((-30, -7, -1, 3)), "reason": "counted"}
        self.about_stock(self.a_product(), "POST", "adjustments", body)

    def set_threshold(self) -> None:
        self.about_stock(self.a_product(), "PUT", "threshold", {"lowStock": self.rng.randrange(10)})

    def about_stock(self, product: Product, method: str, what: str, body: dict) -> None:
        answer = self.client.command(method, f"/api/inventory/{product.sku}/{what}", body, "seller", self.seller)
        self.expect_known(answer, product.sku)
        self.maybe_read(answer, f"/api/inventory/{product.sku}", "seller", self.seller)

    def change_price(self) -> None:
        product = self.a_product()
        body = {"price": {"amount": self.rng.randint(100, 5000), "currency": "USD"}}
        changed = self.client.command("PATCH", f"/api/products/{product.id}", body, "seller", self.seller)
        self.expect_known(changed, product.id)
        self.maybe_read(changed, f"/api/products/{product.id}", "seller", self.seller)

    def add_product(self) -> None:
        sku = f"OWN-{self.client.number}-{len(self.own_products)}"
        product = create_product(self.client, sku, self.rng.randint(100, 5000), self.rng.randint(5, 40), self.seller)
        if product:
            self.own_products.append(product)

    # ---- what they share ----

    def a_product(self) -> Product:
        return self.rng.choice(self.shop.products + self.own_products)

    def find_payment(self, order: Order) -> bool:
        if not order.payment:
            row = self.client.read(f"/api/orders/{order.id}", "seller", self.seller)
            order.payment = (row or {}).get("payment", {}).get("id", "")
        return bool(order.payment)

    def maybe_read(self, answer: Answer | None, path: str, role: str, sub: str = "", order_token: str = "") -> None:
        if done(answer) and self.rng.random() < 0.3:
            at_least = answer.version if not path.startswith("/api/orders/") else 1
            self.client.read(path, role, sub, answer.position, at_least, order_token)

    def expect_known(self, answer: Answer | None, what: str) -> None:
        """What was acknowledged, or seen in a view, is there."""
        if answer and answer.status == 404:
            self.client.violation("404 for what is there", what=what, answer=answer.body)


def done(answer: Answer | None) -> bool:
    return answer is not None and answer.status < 300


def create_product(client: Client, sku: str, price: int, stock: int, seller: str) -> Product | None:
    body = {"sku": sku, "name": f"Thing {sku}", "status": "active", "price": {"amount": price, "currency": "USD"}}
    created = client.command("POST", "/api/products", body, "seller", seller)
    if not done(created):
        return None
    client.command("POST", f"/api/inventory/{sku}/receipts", {"quantity": stock}, "seller", seller)
    return Product(created.body["id"], sku)


class Load:
    def __init__(self, seed: int, secret: str, commands: list[str], queries: list[str], journals: Journals):
        self._closing = threading.Event()
        self._stop = threading.Event()
        self._failures = []
        shop = Shop()
        *clients, self._opener = [
            Client(n, random.Random(f"{seed} client {n}"), secret, commands, queries, journals, self._stop)
            for n in range(CLIENTS + 1)]
        self._shop = shop
        self._threads = [threading.Thread(target=self._live, args=(Shopper(client, shop, self._closing),), daemon=True)
                         for client in clients]

    def open_shop(self) -> None:
        """The products that everybody buys, before anything is harmed."""
        for n in range(_PRODUCTS):
            scarce = n < _SCARCE
            product = create_product(self._opener, f"SKU-{n}", 100 * (n + 1) + 99, 3 if scarce else 200, "opener")
            if not product:
                raise RuntimeError("the shop could not be opened")
            product.scarce = scarce
            self._shop.products.append(product)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, patience_s: float) -> None:
        """No new commands. What has no answer after `patience_s` has none: its outcome is unknown."""
        self._closing.set()
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        if self._failures:
            raise RuntimeError(f"a client failed: {self._failures[0]}") from self._failures[0]

    def _live(self, shopper: Shopper) -> None:
        try:
            shopper.live()
        except Exception as error:  # told by the main thread, in stop()
            self._failures.append(error)
