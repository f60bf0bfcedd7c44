"""A sample shop and three purchases through the HTTP API: one confirmed, one declined, one out of stock; each with what
happened to it, as its events tell."""

import csv
import http.client
import json
import time
import uuid
from dataclasses import dataclass
from datetime import datetime

import tokens
from settings import ROOT, Settings
from terminal import Failure, say

_SHOP = ROOT / "deploy/demo/shop.csv"
_FINAL = ("CONFIRMED", "CANCELLED")
_PATIENCE_S = 20


@dataclass(frozen=True)
class Purchase:
    title: str
    customer: str
    method: str               # what the sandbox's payment page is told to do
    lines: dict[str, int]     # SKU → quantity
    ends: str
    moral: str


_PURCHASES = [
    Purchase("A purchase", "ada", "approve", {"DEMO-MUG": 2, "DEMO-TOWEL": 1}, "CONFIRMED",
             "The stock was reserved, the payment captured, the order confirmed and the goods taken off the shelf."),
    Purchase("A declined payment", "ben", "decline", {"DEMO-KETTLE": 1}, "CANCELLED",
             "The stock was reserved first; when the payment was declined, it was given back and the order cancelled."),
    Purchase("One of two lines is out of stock", "cleo", "approve", {"DEMO-NOTEBOOK": 1, "DEMO-LANTERN": 99},
             "CANCELLED",
             "There are not 99 lanterns: the reserved notebook was given back, and nobody was asked to pay."),
]


def run(settings: Settings) -> None:
    shop = Shop(settings)
    products = shop.open()
    say("\nThe shop\n")
    for product in products.values():
        price = money(product["price"])
        say(f"   {product['sku']:<14} {product['name']:<20} {price:>10}   {product['stock']:>3} on hand")
    for number, purchase in enumerate(_PURCHASES, 1):
        say(f"\n{number}  {purchase.title}\n")
        _show(shop, purchase, products)
    say(f"\nEverything above is also at {settings.url('gateway')}/api/… ; ./dev token --role admin gives you the key.")


class Shop:
    """The HTTP API, for callers who insist: 503 is tried again, with the same Idempotency-Key."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.secret = settings.secret()
        self.admin = tokens.token(self.secret, "admin", "demo-admin")
        self.position = None  # of our latest command: no read may be older

    def open(self) -> dict[str, dict]:
        """Creates the products that are missing and brings each one's stock to what the sample says."""
        with _SHOP.open(newline="") as file:
            rows = list(csv.DictReader(file))
        products = {}
        for row in rows:
            sku = row["sku"]
            product = {"sku": sku, "name": row["name"], "category": row["category"], "status": "active",
                       "price": {"amount": int(row["price"]), "currency": row["currency"]}}
            self.ask("POST", "/api/products", self.admin, product, also=(409,))  # 409: there from an earlier demo
            self._restock(sku, int(row["stock"]))
            products[sku] = {**product, "stock": self.stock(sku)["onHand"]}
        return products

    def stock(self, sku: str) -> dict:
        status, body = self.ask("GET", f"/api/inventory/{sku}", self.admin, also=(404,))
        return body if status == 200 else {"onHand": 0, "reserved": 0, "available": 0}

    def buy(self, token: str, purchase: Purchase) -> dict:
        _, created = self.ask("POST", "/api/carts", token, {"currency": "USD"})
        cart = f"/api/carts/{created['id']}"
        for sku, quantity in purchase.lines.items():
            item = {"sku": sku, "quantity": quantity}
            # Carts learn of a new product from its event, which may take a moment.
            until(lambda: self.ask("POST", f"{cart}/items", token, item, also=(409,)),
                  lambda answer: answer[0] != 409, f"{sku} in a cart")
        payment = {"provider": "sandbox", "method": purchase.method}
        _, placed = self.ask("POST", f"{cart}/checkout", token, {"payment": payment})
        return placed

    def ask(self, method: str, path: str, token: str, body: dict | None = None,
            also: tuple[int, ...] = ()) -> tuple[int, dict]:
        """Status and body; other refusals than those of `also` end the demo."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        elif self.position:
            headers["Everfold-Position"] = self.position
        status, answer = until(lambda: self._ask_once(method, path, body, headers),
                               lambda answer: answer[0] != 503, f"{method} {path}")
        if status >= 300 and status not in also:
            program = "query" if method == "GET" else "command"
            raise Failure(f"{method} {path} answers {status}: {json.dumps(answer)}",
                          self.settings.logs / f"everfold-{program}.log")
        return status, answer

    def _ask_once(self, method: str, path: str, body: dict | None, headers: dict) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.settings.ports["gateway"], timeout=_PATIENCE_S)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            content = response.read()
        except OSError as error:
            raise Failure(f"{method} {path}: {error}", self.settings.logs / "gateway.log") from None
        finally:
            connection.close()
        if method != "GET" and response.status < 300:
            self.position = response.headers["Everfold-Position"]
        return response.status, json.loads(content) if content else {}

    def _restock(self, sku: str, wanted: int) -> None:
        difference = wanted - self.stock(sku)["onHand"]
        if difference > 0:
            self.ask("POST", f"/api/inventory/{sku}/receipts", self.admin,
                     {"quantity": difference, "reference": "demo"})
        elif difference < 0:
            self.ask("POST", f"/api/inventory/{sku}/adjustments", self.admin,
                     {"delta": difference, "reason": "demo: back to the start"})


def _show(shop: Shop, purchase: Purchase, products: dict[str, dict]) -> None:
    token = tokens.token(shop.secret, "user", f"demo-{purchase.customer}")
    before = {sku: shop.stock(sku) for sku in purchase.lines}
    bought = ", ".join(f"{quantity} × {products[sku]['name']}" for sku, quantity in purchase.lines.items())
    say(f"   {purchase.customer.capitalize()} checks out {bought}.")

    began = time.monotonic()
    placed = shop.buy(token, purchase)
    path = f"/api/orders/{placed['orderId']}"
    order = until(lambda: shop.ask("GET", path, token)[1],
                  lambda order: order["status"] in _FINAL, f"{path} to be decided")
    took_ms = (time.monotonic() - began) * 1000
    if order["status"] != purchase.ends:
        raise Failure(f"{path} is {order['status']} and should be {purchase.ends}",
                      shop.settings.logs / "everfold-saga.log")
    after = {sku: _settled_stock(shop, purchase, sku, before[sku]) for sku in purchase.lines}

    reason = f", {order['cancellation']['reason']}" if order.get("cancellation") else ""
    payment = f"; payment {order['payment']['status']}" if order.get("payment") else "; no payment was asked for"
    say(f"   Order {order['orderNumber']} over {money(order['total'])}: {placed['status']} → {order['status']}{reason}"
        f"{payment} ({took_ms:.0f} ms from the empty cart on)\n")
    _show_history(shop.ask("GET", f"{path}/history", token)[1])
    say("")
    for sku in purchase.lines:
        say(f"   stock of {sku:<15} before: {_stock(before[sku])}    after: {_stock(after[sku])}")
    say(f"\n   {purchase.moral}")


def _settled_stock(shop: Shop, purchase: Purchase, sku: str, before: dict) -> dict:
    """Only what was sold is gone, and nothing is reserved any more; the view of the stock may be a moment behind."""
    sold = purchase.lines[sku] if purchase.ends == "CONFIRMED" else 0
    return until(lambda: shop.stock(sku),
                 lambda stock: (stock["onHand"], stock["reserved"]) == (before["onHand"] - sold, before["reserved"]),
                 f"the stock of {sku} to settle")


def _show_history(history: dict) -> None:
    events = history["items"]
    first = _time(events[0]["at"])
    for event in events:
        after_ms = (_time(event["at"]) - first).total_seconds() * 1000
        name, data = short_type(event["type"]), short_data(event["data"])
        say(f"   {after_ms:>5.0f} ms  {event['sequence']:>2}  {name:<28} {data}")


def _stock(stock: dict) -> str:
    return f"{stock['onHand']:>3} on hand, {stock['reserved']} reserved"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def short_type(event_type: str) -> str:
    """everfold.orders.OrderPlaced.v1 → OrderPlaced"""
    return event_type.removeprefix("everfold.").rsplit(".v", 1)[0].rpartition(".")[2]


def short_data(data: dict) -> str:
    """What fits on the line: the plain values."""
    text = ", ".join(f"{name} {value}" for name, value in data.items() if type(value) in (str, int) and value != "")
    return text if len(text) <= 70 else text[:69] + "…"


def money(value: dict) -> str:
    return f"{value['amount'] / 100:,.2f} {value['currency']}"  # the sample shop's currency has cents


def until(ask, satisfied, what: str):
    """Asks until the answer satisfies; every wait has an end."""
    deadline = time.monotonic() + _PATIENCE_S
    while not satisfied(answer := ask()):
        if time.monotonic() > deadline:
            raise Failure(f"Waited {_PATIENCE_S} s in vain for {what}; the last answer: {json.dumps(answer)[:300]}")
        time.sleep(0.02)
    return answer
