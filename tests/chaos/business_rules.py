"""What must hold of the shop as a whole: orders, their goods and their money agree, and nothing was left half done."""

from collections import Counter, defaultdict

from folds import fold
from history import History
from ids import order_id_of_cart, payment_id_of_order
from money_rules import check_payments
from stock_rules import check_stock
from verdicts import Verdicts

SOLD = ("CONFIRMED", "PARTIALLY_REFUNDED", "REFUNDED")
NO_MONEY = ("DECLINED", "VOIDED", "REFUNDED")


def check_shop(history: History, verdicts: Verdicts) -> None:
    shop = Shop(history)
    sold = check_stock(history, verdicts)
    check_payments(history, verdicts)
    check_orders(shop, sold, verdicts)
    check_sagas(shop, verdicts)


class Shop:
    """Orders, payments and checkouts, side by side."""

    def __init__(self, history: History):
        self.history = history
        self.orders = {key: fold("orders", key, events) for key, events in history.aggregates("orders")}
        self.payments = {key: fold("payments", key, events) for key, events in history.aggregates("payments")}
        self.checkouts = {key: phase(events) for key, events in history.aggregates("checkout")}


def phase(checkout_events: list) -> str:
    """How a checkout stands, by its last event that says so."""
    says = {"CheckoutStarted": "reserving", "PaymentAsked": "paying", "CheckoutCompleted": "completed",
            "CompensationStarted": "compensating", "PaymentReversalRequested": "compensating",
            "CompensationFailed": "compensation failed", "CheckoutCancelled": "cancelled"}
    return next((says[event.name] for event in reversed(checkout_events) if event.name in says), "absent")


# ---- orders ----

def check_orders(shop: Shop, sold: Counter, verdicts: Verdicts) -> None:
    totals = verdicts.rule("an order's total is the sum of its lines")
    from_cart = verdicts.rule("every checked out cart has its order, every order its cart, with the same lines")
    carts = {event.body.order_id: event for event in shop.history.events
             if event.name == "CartCheckedOut" and event.body is not None}
    kept = verdicts.rule("money: an order keeps what its status says: all, the rest, or nothing")
    goods = verdicts.rule("stock: an order has taken what it sold, and a cancelled one nothing")
    for order_id, order in shop.orders.items():
        cart = carts.pop(order_id, None)
        if not from_cart.check(_same_sale(cart, order_id, order), lambda: f"order {order_id}"):
            continue
        totals.check(_adds_up(order), lambda: f"order {order_id}: {order['total']} of {order['lines']}")
        money = shop.payments.get(payment_id_of_order(order_id))
        status = order["status"]
        kept.check(_keeps(order, money),
                   lambda: f"order {order_id} of {order['total']['amount']} is {status}; its payment {_told(money)}")
        wanted: dict[str, int] = defaultdict(int)
        for line in order["lines"]:
            wanted[line["sku"]] += line["quantity"] if status in SOLD else 0
        taken = {sku: sold[order_id, sku] for sku in wanted}
        goods.check(taken == dict(wanted), lambda: f"order {order_id} is {status} and took {taken} of {dict(wanted)}")
        for sku in wanted:
            sold.pop((order_id, sku), None)
    for order_id in carts:
        from_cart.check(False, lambda: f"{carts[order_id].where} has no order {order_id}")
    for (order_id, sku), quantity in sold.items():
        goods.check(quantity == 0, lambda: f"order {order_id} took {quantity} of {sku}, which it never ordered")


def _same_sale(cart, order_id: str, order: dict) -> bool:
    if cart is None or "lines" not in order:
        return False
    lines = [(line.sku, line.quantity, line.unit_price.amount) for line in cart.body.lines]
    return (cart.key == order["cartId"] and order_id == order_id_of_cart(cart.key)
            and lines == [(line["sku"], line["quantity"], line["unitPrice"]["amount"]) for line in order["lines"]])


def _adds_up(order: dict) -> bool:
    lines = order["lines"]
    subtotal = sum(line["unitPrice"]["amount"] * line["quantity"] for line in lines)
    return (all(line["lineTotal"]["amount"] == line["unitPrice"]["amount"] * line["quantity"] for line in lines)
            and subtotal == order["subtotal"]["amount"]
            and order["total"]["amount"] == subtotal - order["discount"]["amount"] + order["shipping"]["amount"])


def _keeps(order: dict, payment: dict | None) -> bool:
    captured, refunded = (payment["captured"]["amount"], payment["refunded"]["amount"]) if payment else (0, 0)
    total = order["total"]["amount"]
    return {"CONFIRMED": captured == total and refunded == 0,
            "PARTIALLY_REFUNDED": captured == total and 0 < refunded < total,
            "REFUNDED": captured == total == refunded,
            "CANCELLED": captured == refunded}.get(order["status"], False)


def _told(payment: dict | None) -> str:
    if payment is None:
        return "is none"
    captured, refunded = payment["captured"]["amount"], payment["refunded"]["amount"]
    return f"{payment['id']} is {payment['status']}: {captured} in, {refunded} back"


# ---- processes ----

def check_sagas(shop: Shop, verdicts: Verdicts) -> None:
    final = verdicts.rule("every checkout has ended: completed or cancelled")
    agree = verdicts.rule("order, checkout and payment tell the same end")
    for order_id, order in shop.orders.items():
        stands = shop.checkouts.get(order_id, "absent")
        final.check(stands in ("completed", "cancelled"), lambda: f"checkout {order_id} is {stands}")
        payment = shop.payments.get(payment_id_of_order(order_id))
        agree.check(_agree(order, stands, payment),
                    lambda: f"order {order_id} is {order['status']}, shows {order.get('payment')};"
                            f" its checkout is {stands}, its payment {_told(payment)}")
        verdicts.count(f"orders {order['status']}")
    for checkout_id in shop.checkouts.keys() - shop.orders.keys():
        agree.check(False, lambda: f"checkout {checkout_id} has no order")
    by_payment = {payment_id_of_order(order_id): order_id for order_id in shop.orders}
    for payment_id, payment in shop.payments.items():
        agree.check(by_payment.get(payment_id) == payment.get("orderId"), lambda: f"payment {payment_id} has no order")


def _agree(order: dict, stands: str, payment: dict | None) -> bool:
    shown = order.get("payment", {})
    if payment and (shown.get("id"), shown.get("status")) != (payment["id"], payment["status"]):
        return False
    if order["status"] in SOLD:
        return stands == "completed" and (payment is not None or order["total"]["amount"] == 0)
    no_money = payment is None or payment["status"] in NO_MONEY
    return order["status"] == "CANCELLED" and stands == "cancelled" and no_money
