"""A history that never was: a small shop written event by event, for the checker's tests to break."""

from google.protobuf.json_format import ParseDict

import ids
from history import Command, Event, History, message_class

PARTITIONS = 4
POT, CUP = "POT", "CUP"


def usd(amount):
    return {"amount": amount, "currency": "USD"}


class Scribe:
    """Writes a history as Everfold's writers, clients and translators would, a client's command every 10 ms."""

    _now_ms = 1769860800000  # 2026-01-31T12:00Z

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
                                 ParseDict(fields, message_class(event_type)()),
                                 f"2026-01-31T12:00:00.{self._now_ms % 1000:03}Z",
                                 (context, partition, 1, self._commits[log])))
        self.history.events += written
        return written

    def sends(self, method, path, body, context, key, *events, status=200, sub="admin", answer=None, and_then=()):
        """A client's command, and what came of it."""
        ack = {"method": method, "path": path, "body": body, "sub": sub, "key": f"key-{len(self.acks)}", "attempts": 1,
               "unanswered": 0, "status": status, "answer": answer, "etag": None, "position": "",
               "t": self._now_ms, "ended": self._now_ms + 5}
        self._now_ms += 10
        written = self.commit(context, key, ids.http_command_id(ack), *events)
        steps = [written or self._known(context, key)]
        if and_then:
            order, fields = and_then
            command = ids.caused_command_id(written[-1].id, "everfold.orders.PlaceOrder.v1", order)
            steps.append(self.commit("orders", order, command, ("OrderPlaced", fields)))
        if status and status < 300:
            ack["etag"] = f'"{steps[-1][-1].version}"'
            last = [step[-1] for step in steps]
            ack["position"] = ",".join(f"{event.context}.{event.partition}:{event.offset + 1}" for event in last)
            ack["answer"] = {"version": steps[-1][-1].version, **(answer or {})}
        self.acks.append(ack)
        return steps[-1]

    def _known(self, context, key):
        return [event for event in self.history.events if (event.context, event.key) == (context, key)]

    def causes(self, cause, command_type, key, *events):
        """A translator's command, and what came of it."""
        context, partition = command_type.split(".")[1], ids.partition_of(key, PARTITIONS)
        command = ids.command_id_of(cause, command_type, key)
        self.history.commands.append(Command(context, partition, 0, key, command_type, command, cause.id))
        return self.commit(context, key, command, *events)


class Shopping(Scribe):
    """Goods for two, one order sold and partly refunded, one declined, one command refused, one unknown."""

    def __init__(self):
        super().__init__()
        self.stock_up()
        self.sold = self.buy("user-1", 3, reserved=3)
        self.declined = self.buy("user-2", 2, reserved=5)
        self.pay(self.sold)
        self.decline(self.declined)
        self.refund(self.sold, 300)
        self.history.terms["inventory.0"] = [1, 2]
        self.history.index()

    def stock_up(self):
        pot = {"sku": POT, "details": {"name": "Pot", "price": usd(1000), "status": "active"}}
        self.sends("POST", "/api/products", {"sku": POT, "name": "Pot"}, "catalog", ids.product_id(POT),
                   ("ProductCreated", pot), status=201)
        stock = f"/api/inventory/{POT}"
        self.sends("POST", f"{stock}/receipts", {"quantity": 5}, "inventory", POT,
                   ("StockReceived", {"quantity": 5, "onHand": 5}),
                   answer={"sku": POT, "onHand": 5, "reserved": 0, "available": 5})
        threshold = ("LowStockThresholdSet", {"threshold": 2, "onHand": 5})
        self.sends("PUT", f"{stock}/threshold", {"lowStock": 2}, "inventory", POT, threshold)
        self.sends("PUT", f"{stock}/threshold", {"lowStock": 2}, "inventory", POT)  # nothing to do
        self.sends("POST", f"{stock}/adjustments", {"delta": -9, "reason": "x"}, "inventory", POT, status=409,
                   answer={"error": "InsufficientStock", "message": "Only 5 of the 5 on hand are not reserved"})
        self.sends("POST", f"/api/inventory/{CUP}/receipts", {"quantity": 1}, "inventory", CUP,
                   ("StockReceived", {"quantity": 1, "onHand": 1}), status=None)

    def buy(self, sub, quantity, reserved):
        """A cart, its checkout, and the process up to where the payment was asked for. `reserved`: of POT, then."""
        request = {"method": "POST", "path": "/api/carts", "sub": sub, "key": f"key-{len(self.acks)}"}
        cart = ids.derive_id("cart", ids.http_command_id(request))
        order, total = ids.order_id_of_cart(cart), usd(1000 * quantity)
        item = {"sku": POT, "name": "Pot", "unitPrice": usd(1000), "quantity": quantity}
        sale = {"lines": [{**item, "lineTotal": total}], "subtotal": total}
        placed = {**sale, "cartId": cart, "total": total, "discount": usd(0), "shipping": usd(0)}

        self.sends("POST", "/api/carts", {}, "carts", cart, ("CartCreated", {"currency": "USD"}), sub=sub, status=201)
        self.sends("POST", f"/api/carts/{cart}/items", {"sku": POT}, "carts", cart, ("CartItemAdded", item), sub=sub)
        order_placed, = self.sends("POST", f"/api/carts/{cart}/checkout", {}, "carts", cart,
                                   ("CartCheckedOut", {**sale, "orderId": order}), sub=sub, status=201,
                                   answer={"orderId": order}, and_then=(order, placed))

        payment, stock = ids.payment_id_of_order(order), [{"sku": POT, "quantity": quantity}]
        *_, requested = self.causes(order_placed, "everfold.checkout.StartCheckout.v1", order,
                                    ("CheckoutStarted", {"lines": stock, "total": total}),
                                    ("TimeoutScheduled", {"at": "2026-01-31T12:15:00Z"}),
                                    ("StockRequested", {"lines": stock}))
        reservation = {"orderId": order, "quantity": quantity, "onHand": 5, "reserved": reserved}
        held, = self.causes(requested, "everfold.inventory.ReserveStock.v1", POT, ("StockReserved", reservation))
        _, asked = self.causes(held, "everfold.checkout.RecordStockSecured.v1", order, ("StockSecured", {"sku": POT}),
                               ("PaymentAsked", {"paymentId": payment, "amount": total}))
        self.causes(asked, "everfold.orders.MarkStockReserved.v1", order, ("OrderStockReserved", {}))
        charge, = self.causes(asked, "everfold.payments.RequestPayment.v1", payment,
                              ("PaymentRequested", {"orderId": order, "amount": total, "provider": "sandbox"}))
        return {"order": order, "payment": payment, "charge": charge, "total": total, "stock": stock}

    def show_payment(self, cause, sale, status, *more):
        shown = {"payment": {"id": sale["payment"], "status": status, "paymentVersion": cause.version}}
        self.causes(cause, "everfold.orders.RecordPayment.v1", sale["order"], ("OrderPaymentUpdated", shown), *more)

    def pay(self, sale):
        order = sale["order"]
        captured, = self.causes(sale["charge"], "everfold.payments.RecordCapture.v1", sale["payment"],
                                ("PaymentCaptured", {"orderId": order, "amount": sale["total"]}))
        self.show_payment(captured, sale, "CAPTURED")
        _, sell, confirm, _ = self.causes(captured, "everfold.checkout.RecordPaymentOutcome.v1", order,
                                          ("PaymentSecured", {}), ("StockCommitRequested", {"lines": sale["stock"]}),
                                          ("OrderConfirmationRequested", {}), ("CheckoutCompleted", {}))
        self.causes(sell, "everfold.inventory.CommitStock.v1", POT,
                    ("StockCommitted", {"orderId": order, "quantity": 3, "onHand": 2, "reserved": 2}))
        self.causes(confirm, "everfold.orders.ConfirmOrder.v1", order, ("OrderConfirmed", {}))

    def decline(self, sale):
        order = sale["order"]
        declined, = self.causes(sale["charge"], "everfold.payments.RecordDecline.v1", sale["payment"],
                                ("PaymentDeclined", {"orderId": order}))
        self.show_payment(declined, sale, "DECLINED")
        _, _, release, cancel, _ = self.causes(declined, "everfold.checkout.RecordPaymentOutcome.v1", order,
                                               ("PaymentFailed", {}), ("CompensationStarted", {}),
                                               ("StockReleaseRequested", {"lines": sale["stock"]}),
                                               ("OrderCancellationRequested", {}), ("CheckoutCancelled", {}))
        self.causes(release, "everfold.inventory.ReleaseStock.v1", POT,
                    ("StockReleased", {"orderId": order, "quantity": 2, "onHand": 2, "reserved": 0}))
        self.causes(cancel, "everfold.orders.CancelOrder.v1", order, ("OrderCancelled", {"reason": "PAYMENT_DECLINED"}))

    def refund(self, sale, amount):
        wanted = {"orderId": sale["order"], "refundId": "r1", "amount": usd(amount)}
        asked, = self.sends("POST", f"/api/payments/{sale['payment']}/refunds", {"reason": "scratched"}, "payments",
                            sale["payment"], ("RefundRequested", wanted), status=201)
        back, = self.causes(asked, "everfold.payments.RecordRefund.v1", sale["payment"], ("PaymentRefunded", wanted))
        self.show_payment(back, sale, "PARTIALLY_REFUNDED", ("OrderRefunded", {}))

    # ---- for those who break it ----

    def event(self, name, place=0):
        return [event for event in self.history.events if event.name == name][place]

    def ack(self, path_end, place=0):
        return [ack for ack in self.acks if ack["path"].endswith(path_end)][place]

    def without(self, *events):
        """As if they had never been written: what follows of their aggregates closes up; only the sense breaks."""
        gone = {id(event) for event in events}
        self.history.events = [event for event in self.history.events if id(event) not in gone]
        for event in events:
            later = [other for other in self.history.events if (other.context, other.key) == (event.context, event.key)]
            for version, other in enumerate(later, 1):
                other.version = version
