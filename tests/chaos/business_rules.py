"""What must hold of the shop: its goods, its money, and that nothing was left half done."""

from collections import Counter, defaultdict

from folds import fold
from history import History
from ids import order_id_of_cart, payment_id_of_order
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
            "CompensationStarted": "compensating", "CheckoutCancelled": "cancelled"}
    return next((says[event.name] for event in reversed(checkout_events) if event.name in says), "absent")


# ---- goods ----

def check_stock(history: History, verdicts: Verdicts) -> Counter:
    """How many pieces each (order, SKU) took away for good."""
    positive = verdicts.rule("stock: 0 ≤ reserved ≤ on hand after every event")
    sums = verdicts.rule("stock: the levels that an event carries are the sum of the log up to it")
    truthful = verdicts.rule("stock: a reservation was refused only when there was not enough, and made only when there was")
    matching = verdicts.rule("stock: what is released, sold or returned is what was reserved or sold")
    closed = verdicts.rule("stock: no reservation is left open")
    sold: Counter = Counter()
    for sku, events in history.aggregates("inventory"):
        on_hand = reserved = 0
        open_for: dict[str, int] = {}
        for event in events:
            body, name = event.body, event.name
            if body is None:
                continue
            if name == "StockReceived":
                on_hand += body.quantity
            elif name == "StockAdjusted":
                on_hand += body.delta
            elif name == "StockReserved":
                truthful.check(body.quantity <= on_hand - reserved, lambda: f"{event.where}: {on_hand - reserved} were available")
                matching.check(body.order_id not in open_for, lambda: f"{event.where}: order {body.order_id} has one already")
                reserved += body.quantity
                open_for[body.order_id] = body.quantity
            elif name == "StockReservationRejected":
                truthful.check(body.quantity > on_hand - reserved, lambda: f"{event.where}: {on_hand - reserved} were available")
            elif name in ("StockReleased", "StockCommitted"):
                held = open_for.pop(body.order_id, 0)
                matching.check(held == body.quantity, lambda: f"{event.where}: order {body.order_id} had {held} reserved, not {body.quantity}")
                reserved -= body.quantity
                if name == "StockCommitted":
                    on_hand -= body.quantity
                    sold[body.order_id, sku] += body.quantity
            elif name == "StockReturned":
                taken = sold[body.order_id, sku]
                matching.check(taken == body.quantity, lambda: f"{event.where}: order {body.order_id} had bought {taken}, not {body.quantity}")
                on_hand += body.quantity
                sold[body.order_id, sku] -= body.quantity
            positive.check(0 <= reserved <= on_hand, lambda: f"{event.where}: {on_hand} on hand, {reserved} reserved")
            sums.check((body.on_hand, body.reserved) == (on_hand, reserved),
                       lambda: f"{event.where} says {body.on_hand} and {body.reserved}, the sum is {on_hand} and {reserved}")
        closed.check(not open_for, lambda: f"{sku}: {open_for}")
    return sold


# ---- money ----

def check_payments(history: History, verdicts: Verdicts) -> None:
    once = verdicts.rule("money: captured once, and what was asked for")
    never_more = verdicts.rule("money: never more refunded, or on its way back, than was captured")
    answered = verdicts.rule("money: every refund has its answer, for its amount")
    captured_in_all = kept_in_all = refunded_in_all = 0
    for key, events in history.aggregates("payments"):
        asked = captured = refunded = 0
        open_refunds: dict[str, int] = {}
        for event in events:
            body, name = event.body, event.name
            if body is None:
                continue
            if name == "PaymentRequested":
                asked = body.amount.amount
            elif name == "PaymentCaptured":
                once.check(captured == 0 and body.amount.amount == asked,
                           lambda: f"{event.where}: {body.amount.amount} of {asked}, after {captured}")
                captured += body.amount.amount
            elif name == "RefundRequested":
                open_refunds[body.refund_id] = body.amount.amount
            elif name in ("PaymentRefunded", "RefundFailed"):
                wanted = open_refunds.pop(body.refund_id, None)
                answered.check(wanted == body.amount.amount,
                               lambda: f"{event.where}: refund {body.refund_id} of {body.amount.amount} was asked for with {wanted}")
                refunded += body.amount.amount if name == "PaymentRefunded" else 0
            never_more.check(refunded + sum(open_refunds.values()) <= captured,
                             lambda: f"{event.where}: {refunded} + {open_refunds} of {captured}")
        answered.check(not open_refunds, lambda: f"payment {key} still waits for {open_refunds}")
        captured_in_all, refunded_in_all = captured_in_all + captured, refunded_in_all + refunded
        kept_in_all += captured - refunded
    verdicts.rule("money: in = kept + refunded").check(
        captured_in_all == kept_in_all + refunded_in_all, lambda: f"{captured_in_all} != {kept_in_all} + {refunded_in_all}")
    for what, amount in (("in", captured_in_all), ("kept", kept_in_all), ("refunded", refunded_in_all)):
        verdicts.count(f"money {what}", amount)


# ---- orders ----

def check_orders(shop: Shop, sold: Counter, verdicts: Verdicts) -> None:
    totals = verdicts.rule("an order's total is the sum of its lines")
    from_cart = verdicts.rule("every checked out cart has its order, every order its cart, with the same lines")
    carts = {event.body.order_id: event for event in shop.history.events if event.name == "CartCheckedOut" and event.body}
    kept = verdicts.rule("money: an order keeps what its status says: all, the rest, or nothing")
    goods = verdicts.rule("stock: an order has taken what it sold, and a cancelled one nothing")
    for order_id, order in shop.orders.items():
        cart = carts.pop(order_id, None)
        if not from_cart.check(cart is not None and "lines" in order and _same_sale(cart, order_id, order), lambda: f"order {order_id}"):
            continue
        totals.check(_adds_up(order), lambda: f"order {order_id}: {order['total']} of {order['lines']}")
        money = shop.payments.get(payment_id_of_order(order_id))
        kept.check(_keeps(order, money), lambda: f"order {order_id} is {order['status']}, {order['total']['amount']} in all; its payment {_told(money)}")
        wanted: dict[str, int] = defaultdict(int)
        for line in order["lines"]:
            wanted[line["sku"]] += line["quantity"] if order["status"] in SOLD else 0
        taken = {sku: sold[order_id, sku] for sku in wanted}
        goods.check(taken == dict(wanted), lambda: f"order {order_id} is {order['status']} and took {taken} of {dict(wanted)}")
        for sku in wanted:
            sold.pop((order_id, sku), None)
    for order_id in carts:
        from_cart.check(False, lambda: f"{carts[order_id].where} has no order {order_id}")
    for (order_id, sku), quantity in sold.items():
        goods.check(quantity == 0, lambda: f"order {order_id} took {quantity} of {sku}, which it never ordered")


def _same_sale(cart, order_id: str, order: dict) -> bool:
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
    return f"{payment['id']} is {payment['status']}: {payment['captured']['amount']} in, {payment['refunded']['amount']} back"


# ---- processes ----

def check_sagas(shop: Shop, verdicts: Verdicts) -> None:
    final = verdicts.rule("every checkout has ended: completed or cancelled")
    agree = verdicts.rule("order, checkout and payment tell the same end")
    for order_id, order in shop.orders.items():
        stands = shop.checkouts.get(order_id, "absent")
        final.check(stands in ("completed", "cancelled"), lambda: f"checkout {order_id} is {stands}")
        agree.check(_agree(order, stands, shop.payments.get(payment_id_of_order(order_id))),
                    lambda: f"order {order_id} is {order['status']}, paid: {order.get('payment')}, its checkout {stands},"
                            f" its payment {_told(shop.payments.get(payment_id_of_order(order_id)))}")
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
    return order["status"] == "CANCELLED" and stands == "cancelled" and (payment is None or payment["status"] in NO_MONEY)
