"""What must hold of the money, payment by payment and in all."""

from history import Event, History
from verdicts import Verdicts


def check_payments(history: History, verdicts: Verdicts) -> None:
    purses = []
    for payment_id, events in history.aggregates("payments"):
        purse = Purse(payment_id, verdicts)
        for event in events:
            if event.body is not None:
                purse.see(event)
        purse.at_the_end()
        purses.append(purse)
    captured, refunded = sum(purse.captured for purse in purses), sum(purse.refunded for purse in purses)
    kept = sum(purse.kept for purse in purses)
    balance = verdicts.rule("money: in = kept + refunded")
    balance.check(captured == kept + refunded, lambda: f"{captured} ≠ {kept} + {refunded}")
    for what, amount in (("in", captured), ("kept", kept), ("refunded", refunded)):
        verdicts.count(f"money {what}", amount)


class Purse:
    """One payment: what was asked for, came in and went back."""

    def __init__(self, payment_id: str, verdicts: Verdicts):
        self._id = payment_id
        self._asked = self.captured = self.refunded = 0
        self._open: dict[str, int] = {}  # refunds that wait for the provider
        self._once = verdicts.rule("money: captured once, and what was asked for")
        self._never_more = verdicts.rule("money: never more refunded, or on its way back, than was captured")
        self._answered = verdicts.rule("money: every refund has its answer, for its amount")

    @property
    def kept(self) -> int:
        """As the shop would count it: what it may still give back."""
        return max(self.captured - self.refunded - sum(self._open.values()), 0)

    def see(self, event: Event) -> None:
        name, body = event.name, event.body
        if name == "PaymentRequested":
            self._asked = body.amount.amount
        elif name == "PaymentCaptured":
            self._once.check((self.captured, body.amount.amount) == (0, self._asked),
                             lambda: f"{event.where}: {body.amount.amount} of {self._asked}, after {self.captured}")
            self.captured += body.amount.amount
        elif name == "WrongAmountCaptured":
            self._once.check(self.captured == 0 and body.amount.amount != self._asked,
                             lambda: f"{event.where}: {body.amount.amount} of {self._asked}, after {self.captured}")
            self.captured += body.amount.amount
        elif name == "RefundRequested":
            self._open[body.refund_id] = body.amount.amount
        elif name in ("PaymentRefunded", "RefundFailed"):
            wanted = self._open.pop(body.refund_id, None)
            self._answered.check(wanted == body.amount.amount,
                                 lambda: f"{event.where}: {body.amount.amount}, asked for with {wanted}")
            self.refunded += body.amount.amount if name == "PaymentRefunded" else 0
        self._never_more.check(self.refunded + sum(self._open.values()) <= self.captured,
                               lambda: f"{event.where}: {self.refunded} and {self._open} of {self.captured}")

    def at_the_end(self) -> None:
        self._answered.check(not self._open, lambda: f"payment {self._id} still waits for {self._open}")
