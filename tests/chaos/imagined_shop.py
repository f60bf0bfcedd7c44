"""A history that never was: a small shop written event by event, for the checker's tests to break."""

from google.protobuf.json_format import ParseDict

import ids
from history import Command, Event, History, message_class

PARTITIONS = 4
POT, CUP = "POT", "CUP"


def usd(amount):
    return {"amount": amount, "currency": "USD"}


class Scribe:
    """Writes a history as Everfold's writers, clients and translators would."""

    def __init__(self):
        self.history = History(PARTITIONS)
        self.acks = []
        self._versions = {}
        self._commits = {}

    def commit(self, context, key, command, *events):
        """`events`: (name, fields). Returns what was written."""
        partition = ids.partition_of(key, PARTITIONS)
        log = f"{context}.{partition}"
        self._commits[log] = self._commits.get(log, 0) + 1
        written = []
        for place, (name, fields) in enumerate(events, 1):
            version = self._versions[context, key] = self._versions.get((context, key), 0) + 1
            offset = self.history.ends.get(log, 0)
            self.history.ends[log] = offset + 1
            event_type = f"everfold.{context}.{name}.v1"
            written.append(Event(context, partition, offset, key, event_type, f"{command}.{place}", version, command,
                                 ParseDict(fields, message_class(event_type)()), "2026-01-31T12:00:00.000Z",
                                 (context, partition, 1, self._commits[log])))
        self.history.events += written
        return written

    def sends(self, method, path, body, context, key, *events, status=200, sub="admin", answer=None, and_then=()):
        """A client's command, and what came of it."""
        number = len(self.acks)
        ack = {"method": method, "path": path, "body": body, "sub": sub, "key": f"key-{number}", "attempts": 1, "unanswered": 0,
               "status": status, "answer": answer, "etag": None, "position": ""}
        written = self.commit(context, key, ids.http_command_id(ack), *events)
        steps = [written or self._known(context, key)]
        if and_then:
            order, fields = and_then
            command = ids.caused_command_id(written[-1].id, "everfold.orders.PlaceOrder.v1", order)
            steps.append(self.commit("orders", order, command, ("OrderPlaced", fields)))
        if status and status < 300:
            ack["etag"] = f'"{steps[-1][-1].version}"'
            ack["position"] = ",".join(f"{step[-1].context}.{step[-1].partition}:{step[-1].offset + 1}" for step in steps)
            ack["answer"] = {"version": steps[-1][-1].version, **(answer or {})}
        self.acks.append(ack)
        return steps[-1]

    def _known(self, context, key):
        return [event for event in self.history.events if (event.context, event.key) == (context, key)]

    def causes(self, cause, command_type, key, *events):
        """A translator's command, and what came of it."""
        context = command_type.split(".")[1]
        command = ids.caused_command_id(cause.id, command_type, key)
        self.history.commands.append(Command(context, ids.partition_of(key, PARTITIONS), 0, key, command_type, command, cause.id))
        return self.commit(context, key, command, *events)


class Shopping(Scribe):
    """Stock for both, one order sold and partly refunded, one declined, one command refused, one unknown."""

    def __init__(self):
        super().__init__()
        self.sends("POST", "/api/products", {"sku": POT, "name": "Pot"}, "catalog", ids.product_id(POT),
                   ("ProductCreated", {"sku": POT, "details": {"name": "Pot", "price": usd(1000), "status": "active"}}), status=201)
        self.sends("POST", f"/api/inventory/{POT}/receipts", {"quantity": 5}, "inventory", POT,
                   ("StockReceived", {"quantity": 5, "onHand": 5}), answer={"sku": POT, "onHand": 5, "reserved": 0, "available": 5})
        threshold = {"lowStock": 2}
        self.sends("PUT", f"/api/inventory/{POT}/threshold", threshold, "inventory", POT, ("LowStockThresholdSet", {"threshold": 2, "onHand": 5}))
        self.sends("PUT", f"/api/inventory/{POT}/threshold", threshold, "inventory", POT)  # nothing to do
        self.sends("POST", f"/api/inventory/{POT}/adjustments", {"delta": -9, "reason": "x"}, "inventory", POT, status=409)
        self.sends("POST", f"/api/inventory/{CUP}/receipts", {"quantity": 1}, "inventory", CUP,
                   ("StockReceived", {"quantity": 1, "onHand": 1}), status=None)
        self.sold = self.buy("user-1", 3)
        self.declined = self.buy("user-2", 2)
        self.pay(self.sold)
        self.decline(self.declined)
        payment = ids.payment_id_of_order(self.sold["order"])
        asked, = self.sends("POST", f"/api/payments/{payment}/refunds", {"reason": "scratched"}, "payments", payment,
                            ("RefundRequested", {"orderId": self.sold["order"], "refundId": "r1", "amount": usd(300)}), status=201)
        back, = self.causes(asked, "everfold.payments.RecordRefund.v1", payment,
                            ("PaymentRefunded", {"orderId": self.sold["order"], "refundId": "r1", "amount": usd(300)}))
        self.causes(back, "everfold.orders.RecordPayment.v1", self.sold["order"],
                    self.shown(self.sold, "PARTIALLY_REFUNDED", 4), ("OrderRefunded", {}))
        self.history.terms["inventory.0"] = [1, 2]
        self.history.index()

    def buy(self, sub, quantity):
        cart = ids.derive_id("cart", ids.http_command_id({"method": "POST", "path": "/api/carts", "sub": sub, "key": f"key-{len(self.acks)}"}))
        order = ids.order_id_of_cart(cart)
        self.sends("POST", "/api/carts", {"currency": "USD"}, "carts", cart, ("CartCreated", {"currency": "USD"}), sub=sub, status=201)
        item = {"sku": POT, "name": "Pot", "unitPrice": usd(1000), "quantity": quantity}
        self.sends("POST", f"/api/carts/{cart}/items", {"sku": POT, "quantity": quantity}, "carts", cart, ("CartItemAdded", item), sub=sub)
        lines, total = [{**item, "lineTotal": usd(1000 * quantity)}], usd(1000 * quantity)
        placed, = self.sends("POST", f"/api/carts/{cart}/checkout", {}, "carts", cart,
                             ("CartCheckedOut", {"orderId": order, "currency": "USD", "lines": lines, "subtotal": total}), sub=sub, status=201,
                             answer={"orderId": order}, and_then=(order, {"cartId": cart, "lines": lines, "subtotal": total, "total": total,
                                                                          "discount": usd(0), "shipping": usd(0)}))
        on_hand, reserved = (5, quantity) if sub == "user-1" else (5, 3 + quantity)
        stock = [{"sku": POT, "quantity": quantity}]
        started = self.causes(placed, "everfold.checkout.StartCheckout.v1", order, ("CheckoutStarted", {"lines": stock, "total": total}),
                              ("TimeoutScheduled", {"at": "2026-01-31T12:15:00Z"}), ("StockRequested", {"lines": stock}))
        held, = self.causes(started[-1], "everfold.inventory.ReserveStock.v1", POT,
                            ("StockReserved", {"orderId": order, "quantity": quantity, "onHand": on_hand, "reserved": reserved}))
        secured = self.causes(held, "everfold.checkout.RecordStockSecured.v1", order, ("StockSecured", {"sku": POT}),
                              ("PaymentAsked", {"paymentId": ids.payment_id_of_order(order), "amount": total}))
        asked, = self.causes(secured[-1], "everfold.payments.RequestPayment.v1", ids.payment_id_of_order(order),
                             ("PaymentRequested", {"orderId": order, "amount": total, "provider": "sandbox", "method": "approve"}))
        self.causes(secured[-1], "everfold.orders.MarkStockReserved.v1", order, ("OrderStockReserved", {}))
        return {"order": order, "payment": ids.payment_id_of_order(order), "asked": asked, "quantity": quantity, "total": total}

    def shown(self, sale, status, version):
        return "OrderPaymentUpdated", {"payment": {"id": sale["payment"], "status": status, "paymentVersion": version}}

    def pay(self, sale):
        order = sale["order"]
        captured, = self.causes(sale["asked"], "everfold.payments.RecordCapture.v1", sale["payment"],
                                ("PaymentCaptured", {"orderId": order, "amount": sale["total"]}))
        self.causes(captured, "everfold.orders.RecordPayment.v1", order, self.shown(sale, "CAPTURED", 2))
        stock = [{"sku": POT, "quantity": sale["quantity"]}]
        done = self.causes(captured, "everfold.checkout.RecordPaymentOutcome.v1", order, ("PaymentSecured", {}),
                           ("StockCommitRequested", {"lines": stock}), ("OrderConfirmationRequested", {}), ("CheckoutCompleted", {}))
        self.causes(done[1], "everfold.inventory.CommitStock.v1", POT,
                    ("StockCommitted", {"orderId": order, "quantity": 3, "onHand": 2, "reserved": 2}))
        self.causes(done[2], "everfold.orders.ConfirmOrder.v1", order, ("OrderConfirmed", {}))

    def decline(self, sale):
        order = sale["order"]
        declined, = self.causes(sale["asked"], "everfold.payments.RecordDecline.v1", sale["payment"], ("PaymentDeclined", {"orderId": order}))
        self.causes(declined, "everfold.orders.RecordPayment.v1", order, self.shown(sale, "DECLINED", 2))
        stock = [{"sku": POT, "quantity": sale["quantity"]}]
        undone = self.causes(declined, "everfold.checkout.RecordPaymentOutcome.v1", order, ("PaymentFailed", {}), ("CompensationStarted", {}),
                             ("StockReleaseRequested", {"lines": stock}), ("OrderCancellationRequested", {}), ("CheckoutCancelled", {}))
        self.causes(undone[2], "everfold.inventory.ReleaseStock.v1", POT,
                    ("StockReleased", {"orderId": order, "quantity": 2, "onHand": 2, "reserved": 0}))
        self.causes(undone[3], "everfold.orders.CancelOrder.v1", order, ("OrderCancelled", {"reason": "PAYMENT_DECLINED"}))

    # ---- for those who break it ----

    def event(self, name, place=0):
        return [event for event in self.history.events if event.name == name][place]

    def ack(self, path_end, place=0):
        return [ack for ack in self.acks if ack["path"].endswith(path_end)][place]

    def without(self, *events):
        """As if they had never been written; what follows of the aggregate closes up, so that only the meaning is broken."""
        gone = {id(event) for event in events}
        self.history.events = [event for event in self.history.events if id(event) not in gone]
        for event in events:
            later = [other for other in self.history.events if (other.context, other.key) == (event.context, event.key)]
            for version, other in enumerate(later, 1):
                other.version = version
