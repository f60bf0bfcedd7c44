"""The views once more, in Python: an aggregate's events to the row that the query API should show, in its JSON. What is
independent of the projector's code is the point, so nothing here is made from it: stock is summed up from what came and
went, not taken from the levels that the events carry."""


def fold(context: str, key: str, events: list, until_version: int | None = None) -> dict | None:
    """The row after the events up to a version (default: all); None when there is none."""
    row = None
    for event in events:
        if until_version is not None and event.version > until_version:
            break
        if row is None:
            row = _NEW[context](key, event)
        row["version"] = event.version
        if context != "inventory":
            row["updatedAt"] = event.time
        apply = _FOLDS[context].get(event.name)
        if apply and event.body is not None:
            apply(row, event.body)
    return row


def money(message) -> dict:
    return {"amount": message.amount, "currency": message.currency}


def _set(row: dict, name: str, message, field: str) -> None:
    """An `optional` field: left out when it is unset."""
    if message.HasField(field):
        row[name] = getattr(message, field)
    else:
        row.pop(name, None)


def _name(message, field: str) -> str:
    return message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[getattr(message, field)].name


# ---- stock ----

def _new_stock(key, _event):
    return {"sku": key, "onHand": 0, "reserved": 0, "available": 0, "lowStockThreshold": 0, "low": False}


def _moves(on_hand=0, reserved=0):
    """Of how many pieces a quantity counts, in each level."""
    def apply(row, body):
        quantity = body.delta if hasattr(body, "delta") else body.quantity
        row["onHand"] += on_hand * quantity
        row["reserved"] += reserved * quantity
        _levels(row)
    return apply


def _threshold(row, body):
    row["lowStockThreshold"] = body.threshold
    _levels(row)


def _levels(row):
    row["available"] = row["onHand"] - row["reserved"]
    row["low"] = 0 < row["lowStockThreshold"] and row["available"] <= row["lowStockThreshold"]


_STOCK = {"StockReceived": _moves(on_hand=1), "StockAdjusted": _moves(on_hand=1), "LowStockThresholdSet": _threshold,
          "StockReserved": _moves(reserved=1), "StockReleased": _moves(reserved=-1),
          "StockCommitted": _moves(on_hand=-1, reserved=-1), "StockReturned": _moves(on_hand=1)}


# ---- products ----

def _details(row, body):
    details = body.details
    row |= {"sku": body.sku, "name": details.name, "price": money(details.price), "status": _name(details, "status"),
            "attributes": dict(details.attributes)}
    for name in ("description", "category", "brand"):
        _set(row, name, details, name)


_PRODUCTS = {"ProductCreated": _details, "ProductUpdated": _details,
             "ProductArchived": lambda row, _: row.update(status="archived")}


# ---- carts ----

def _cart_line(line) -> dict:
    return {"sku": line.sku, "name": line.name, "quantity": line.quantity, "unitPrice": money(line.unit_price),
            "lineTotal": money(line.line_total)}


def _cart_created(row, body):
    row |= {"status": "OPEN", "currency": body.currency, "lines": []}
    _set(row, "customerId", body, "customer_id")
    _add_up(row)


def _item_added(row, body):
    line = next((line for line in row["lines"] if line["sku"] == body.sku), None)
    if line is None:
        row["lines"].append(line := {"sku": body.sku, "quantity": 0})
    line |= {"name": body.name, "unitPrice": money(body.unit_price), "quantity": line["quantity"] + body.quantity}
    _add_up(row)


def _quantity_changed(row, body):
    for line in row["lines"]:
        if line["sku"] == body.sku:
            line["quantity"] = body.quantity
    _add_up(row)


def _item_removed(row, body):
    row["lines"] = [line for line in row["lines"] if line["sku"] != body.sku]
    _add_up(row)


def _add_up(row):
    for line in row["lines"]:
        line["lineTotal"] = {"amount": line["unitPrice"]["amount"] * line["quantity"], "currency": row["currency"]}
    row["subtotal"] = {"amount": sum(line["lineTotal"]["amount"] for line in row["lines"]), "currency": row["currency"]}


def _checked_out(row, body):
    row |= {"status": "CHECKED_OUT", "orderId": body.order_id, "lines": [_cart_line(line) for line in body.lines],
            "subtotal": money(body.subtotal)}
    if body.HasField("customer_id"):
        row["customerId"] = body.customer_id


_CARTS = {"CartCreated": _cart_created, "CartItemAdded": _item_added, "CartItemQuantityChanged": _quantity_changed,
          "CartItemRemoved": _item_removed, "CartCheckedOut": _checked_out}


# ---- orders ----

def _placed(row, body):
    row |= {"orderNumber": body.order_number, "cartId": body.cart_id, "status": "PENDING",
            "lines": [_cart_line(line) for line in body.lines], "subtotal": money(body.subtotal),
            "discount": money(body.discount), "shipping": money(body.shipping), "total": money(body.total)}
    _set(row, "customerId", body, "customer_id")


def _payment(row, body):
    if body.HasField("payment"):
        row["payment"] = {"id": body.payment.id, "status": _name(body.payment, "status")}
        _set(row["payment"], "redirectUrl", body.payment, "redirect_url")


def _confirmed(row, body):
    row["status"] = "CONFIRMED"
    _payment(row, body)


_ORDERS = {"OrderPlaced": _placed, "OrderStockReserved": lambda row, _: row.update(status="STOCK_RESERVED"),
           "OrderPaymentUpdated": _payment, "OrderConfirmed": _confirmed,
           "OrderCancelled": lambda row, body: row.update(status="CANCELLED", cancellation={"reason": body.reason}),
           "OrderRefunded": lambda row, body: row.update(status="REFUNDED" if body.full else "PARTIALLY_REFUNDED")}


# ---- payments ----

def _requested(row, body):
    none = {"amount": 0, "currency": body.amount.currency}
    row |= {"orderId": body.order_id, "provider": body.provider, "method": body.method, "status": "REQUESTED",
            "amount": money(body.amount), "captured": dict(none), "refunded": dict(none), "refunds": []}
    _set(row, "customerId", body, "customer_id")


def _pending(row, body):
    row["status"] = "PENDING"
    if body.HasField("redirect_url"):
        row["redirectUrl"] = body.redirect_url


def _settled(status):
    def apply(row, _body):
        row["status"] = status
        row.pop("redirectUrl", None)
        row.pop("declineReason", None)
    return apply


def _captured(row, body):
    _settled("CAPTURED")(row, body)
    row["captured"] = money(body.amount)


def _wrongly_captured(row, body):
    _captured(row, body)
    row["refunded"]["currency"] = body.amount.currency


def _declined(row, body):
    _settled("DECLINED")(row, body)
    row["declineReason"] = body.reason


def _refund_requested(row, body):
    refund = {"id": body.refund_id, "amount": money(body.amount), "reason": body.reason, "status": "REQUESTED"}
    row["refunds"].append(refund)


def _refund_becomes(row, refund_id, status):
    for refund in row["refunds"]:
        if refund["id"] == refund_id:
            refund["status"] = status
            return


def _refunded(row, body):
    row["refunded"]["amount"] += body.amount.amount
    row["status"] = "REFUNDED" if row["refunded"]["amount"] == row["captured"]["amount"] else "PARTIALLY_REFUNDED"
    _refund_becomes(row, body.refund_id, "DONE")


_PAYMENTS = {"PaymentRequested": _requested, "PaymentPending": _pending, "PaymentCaptured": _captured,
             "WrongAmountCaptured": _wrongly_captured,
             "PaymentDeclined": _declined, "PaymentVoided": _settled("VOIDED"), "RefundRequested": _refund_requested,
             "PaymentRefunded": _refunded,
             "RefundFailed": lambda row, body: _refund_becomes(row, body.refund_id, "FAILED")}


def _new(key, event):
    return {"id": key, "createdAt": event.time}


_NEW = {"inventory": _new_stock, "catalog": _new, "carts": _new, "payments": _new,
        "orders": lambda key, event: {"id": key, "placedAt": event.time}}
_FOLDS = {"inventory": _STOCK, "catalog": _PRODUCTS, "carts": _CARTS, "orders": _ORDERS, "payments": _PAYMENTS}
CONTEXTS = tuple(_FOLDS)
