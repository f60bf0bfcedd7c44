"""The rows of orders, stock, carts and payments as the schemas' comments describe them, folded from a log's records by code that
shares nothing with the views': what everfold-replay says an aggregate looked like is held against this.

Needs schema_classes.make_schema_classes() before it is imported."""

from datetime import datetime, timedelta, timezone

from schemas.carts.v1 import events_pb2 as carts
from schemas.catalog.v1 import events_pb2 as catalog
from schemas.checkout.v1 import events_pb2 as checkout
from schemas.inventory.v1 import events_pb2 as inventory
from schemas.orders.v1 import events_pb2 as orders
from schemas.payments.v1 import events_pb2 as payments

_MESSAGES = {"carts": carts, "catalog": catalog, "checkout": checkout, "inventory": inventory, "orders": orders,
             "payments": payments}


class Event:
    def __init__(self, record):
        headers = {name: value.decode() for name, value in record.headers()}
        _, self.context, self.type, _ = headers["ce_type"].split(".")  # everfold.orders.OrderPlaced.v1
        self.message = getattr(_MESSAGES[self.context], self.type).FromString(record.value())
        self.id = headers["ce_id"]
        self.aggregate = headers["ce_subject"]
        self.version = int(headers["ce_sequence"])
        self.time = headers["ce_time"]
        self.data = plain(self.message)


def plain(message):
    """As JSON has it: camelCase, what is unset and can tell so left out."""
    out = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            out[field.json_name] = dict(value)
        elif field.label == field.LABEL_REPEATED:
            out[field.json_name] = [plain(each) if field.message_type else each for each in value]
        elif field.message_type:
            if not message.HasField(field.name):
                continue
            is_time = field.message_type.full_name == "google.protobuf.Timestamp"
            out[field.json_name] = _time(value) if is_time else plain(value)
        elif field.containing_oneof and not message.HasField(field.name):
            continue
        elif field.enum_type:
            out[field.json_name] = field.enum_type.values_by_number[value].name
        else:
            out[field.json_name] = value
    return out


def _time(timestamp):
    at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=timestamp.seconds, milliseconds=timestamp.nanos // 1_000_000)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


# ---- one function a view: events of one aggregate, oldest first, to its row ----

def order_row(events):
    row = {"id": events[0].aggregate, "orderNumber": "", "cartId": "", "status": "UNSPECIFIED", "lines": []}
    for event in events:
        data = event.data
        row |= {"version": event.version, "updatedAt": event.time}
        payment = data.get("payment") if event.type in ("OrderPaymentUpdated", "OrderConfirmed") else None
        if payment:
            row["payment"] = {key: payment[key] for key in ("id", "status", "redirectUrl") if key in payment}
        if event.type == "OrderPlaced":
            copied = ("orderNumber", "customerId", "cartId", "lines", "subtotal", "discount", "shipping", "total")
            row |= {key: data[key] for key in copied if key in data}
            row |= {"status": "PENDING", "placedAt": event.time}
        elif event.type == "OrderStockReserved":
            row["status"] = "STOCK_RESERVED"
        elif event.type == "OrderConfirmed":
            row["status"] = "CONFIRMED"
        elif event.type == "OrderCancelled":
            row |= {"status": "CANCELLED", "cancellation": {"reason": data["reason"]}}
        elif event.type == "OrderRefunded":
            row["status"] = "REFUNDED" if data["full"] else "PARTIALLY_REFUNDED"
    return row


def stock_row(events):
    threshold = 0
    for event in events:
        if event.type == "LowStockThresholdSet":
            threshold = event.data["threshold"]
    last = events[-1]
    available = last.data["onHand"] - last.data["reserved"]
    return {"sku": last.aggregate, "onHand": last.data["onHand"], "reserved": last.data["reserved"], "available": available,
            "lowStockThreshold": threshold, "low": 0 < threshold >= available, "version": last.version}


def cart_row(events):
    row = {"id": events[0].aggregate, "createdAt": events[0].time}
    lines = {}  # in the order of their first adding
    for event in events:
        data = event.data
        if event.type == "CartCreated":
            row |= {"currency": data["currency"], "status": "OPEN"}
            row |= {"customerId": data["customerId"]} if "customerId" in data else {}
        elif event.type == "CartItemAdded":
            quantity = lines.get(data["sku"], {"quantity": 0})["quantity"] + data["quantity"]
            lines[data["sku"]] = {"sku": data["sku"], "name": data["name"], "quantity": quantity, "unitPrice": data["unitPrice"]}
        elif event.type == "CartItemQuantityChanged":
            lines[data["sku"]]["quantity"] = data["quantity"]
        elif event.type == "CartItemRemoved":
            del lines[data["sku"]]
        elif event.type == "CartCheckedOut":
            row |= {"status": "CHECKED_OUT", "orderId": data["orderId"]}
            row |= {"customerId": data["customerId"]} if "customerId" in data else {}
        row |= {"version": event.version, "updatedAt": event.time}
    for line in lines.values():
        line["lineTotal"] = {"amount": line["quantity"] * line["unitPrice"]["amount"], "currency": row["currency"]}
    row["lines"] = list(lines.values())
    row["subtotal"] = {"amount": sum(line["lineTotal"]["amount"] for line in lines.values()), "currency": row["currency"]}
    return row


_PAYMENT_STATUS = {"PaymentRequested": "REQUESTED", "PaymentPending": "PENDING", "PaymentCaptured": "CAPTURED",
                   "WrongAmountCaptured": "CAPTURED", "PaymentDeclined": "DECLINED", "PaymentVoided": "VOIDED"}


def payment_row(events):
    asked = events[0].data
    money = lambda amount: {"amount": amount, "currency": asked["amount"]["currency"]}
    row = {"id": events[0].aggregate, "status": "", "captured": money(0), "createdAt": events[0].time}
    row |= {key: asked[key] for key in ("orderId", "customerId", "provider", "method", "amount") if key in asked}
    refunded, refunds = 0, {}
    for event in events:
        data = event.data
        row |= {"version": event.version, "updatedAt": event.time}
        row["status"] = _PAYMENT_STATUS.get(event.type, row["status"])
        if event.type in ("PaymentCaptured", "WrongAmountCaptured", "PaymentDeclined", "PaymentVoided"):
            row.pop("redirectUrl", None)
            row.pop("declineReason", None)
        if event.type == "PaymentPending" and "redirectUrl" in data:
            row["redirectUrl"] = data["redirectUrl"]
        if event.type in ("PaymentCaptured", "WrongAmountCaptured"):
            row["captured"] = data["amount"]
        if event.type == "PaymentDeclined":
            row["declineReason"] = data["reason"]
        if event.type == "RefundRequested":
            refunds[data["refundId"]] = {"id": data["refundId"], "amount": data["amount"], "reason": data["reason"],
                                         "status": "REQUESTED"}
        if event.type == "PaymentRefunded":
            row["status"] = "REFUNDED" if data["full"] else "PARTIALLY_REFUNDED"
            refunded += data["amount"]["amount"]
        if event.type in ("PaymentRefunded", "RefundFailed") and data["refundId"] in refunds:
            refunds[data["refundId"]]["status"] = "DONE" if event.type == "PaymentRefunded" else "FAILED"
    return row | {"refunded": money(refunded), "refunds": list(refunds.values())}


ROWS = {"orders": ("orders", order_row), "inventory": ("stock", stock_row), "carts": ("carts", cart_row),
        "payments": ("payments", payment_row)}  # context → its view and how a row of it is folded
