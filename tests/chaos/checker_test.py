"""Each rule of the checker names its violation: a whole history passes, and each planted violation is found by its
rule. Without Kafka, without a program."""

import copy
import json
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
from schema_classes import make_schema_classes  # noqa: E402

make_schema_classes()

import ids  # noqa: E402
from checker import check_history  # noqa: E402
from history import Command, message_class  # noqa: E402
from imagined_shop import CUP, PARTITIONS, POT, Shopping, usd  # noqa: E402
from repeat_rules import check_nothing_new, check_repeats  # noqa: E402
from verdicts import Verdicts  # noqa: E402
from view_rules import compare_rows, compare_totals, expected_rows  # noqa: E402

WHOLE = Shopping()
LATE = "commands refused while an earlier attempt was on its way, which was done later"
RESERVED = {"orderId": "o", "quantity": 1, "onHand": 1, "reserved": 1}


def checked(shopping):
    verdicts = Verdicts()
    shopping.history.index()
    check_history(shopping.history, shopping.acks, verdicts)
    return verdicts


PLANTED = set()


def violation(rule):
    """Marks a test: it plants a violation in a shopping, which `rule` must name."""
    PLANTED.add(rule)

    def decorate(plant):
        def test(self):
            shopping = copy.deepcopy(WHOLE)
            plant(self, shopping)
            verdicts = checked(shopping)
            self.assertIn(rule, [broken.name for broken in verdicts.broken], verdicts.as_text())
            self.assertTrue(all(broken.examples for broken in verdicts.broken))
        return test
    return decorate


class Whole(unittest.TestCase):
    def test_a_whole_history_passes(self):
        verdicts = checked(copy.deepcopy(WHOLE))
        self.assertEqual([rule.name for rule in verdicts.broken], [], verdicts.as_text())
        self.assertEqual([rule.name for rule in verdicts if not rule.checked], [])
        self.assertEqual(verdicts.counts["takeovers"], 1)
        self.assertEqual(verdicts.counts["money kept"], 2700)
        self.assertEqual(verdicts.counts["commands without an answer: done"], 1)

    def test_every_rule_has_its_violation_here(self):
        self.assertEqual({rule.name for rule in checked(copy.deepcopy(WHOLE))} - PLANTED, set())

    def test_the_report_counts_and_gives_the_first_examples(self):
        shopping = copy.deepcopy(WHOLE)
        for event in shopping.history.events[:9]:
            event.body = None
        rule = checked(shopping).as_json()["rules"][0]
        self.assertEqual(rule["rule"], "every event can be read by its schema")
        self.assertEqual((rule["broken"], rule["checked"]), (9, len(shopping.history.events)))
        self.assertEqual(len(rule["examples"]), 5)


class Ids(unittest.TestCase):
    def test_as_our_programs_make_them(self):
        # From README.md's session, and from Kafka's own tests of murmur2.
        self.assertEqual(ids.product_id("POT"), "a301891ef44fc92c4c45bf6b13f00d60")
        self.assertEqual(ids.order_id_of_cart("1400928c3163d86ddd0adc55f165e110"), "baf42fc24d7af21213de60d492802f4f")
        for key, hashed in (("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)):
            self.assertEqual(ids.partition_of(key, 1 << 31), hashed & 0x7FFFFFFF)


class Log(unittest.TestCase):
    @violation("every event can be read by its schema")
    def test_unreadable(self, shopping):
        shopping.event("OrderPlaced").body = None

    @violation("every event and command lies in its aggregate's partition")
    def test_wrong_partition(self, shopping):
        shopping.event("OrderConfirmed").partition += 1

    @violation("no two accepted events have the same id")
    def test_an_event_twice(self, shopping):
        shopping.history.events.append(shopping.event("StockReceived"))

    @violation("an aggregate's versions are 1, 2, 3 … in the log's order")
    def test_a_lost_event(self, shopping):
        shopping.history.events.remove(shopping.event("LowStockThresholdSet"))

    @violation("an aggregate's versions are 1, 2, 3 … in the log's order")
    def test_versions_out_of_order(self, shopping):
        first, second = shopping.event("StockReceived"), shopping.event("LowStockThresholdSet")
        first.version, second.version = second.version, first.version

    @violation("a command's events are one commit, whole and in order")
    def test_half_a_commit(self, shopping):
        shopping.without(shopping.event("CheckoutCompleted"))
        shopping.without(shopping.event("PaymentSecured"))

    @violation("a command's events are one commit, whole and in order")
    def test_a_command_done_twice(self, shopping):
        twice = copy.deepcopy(shopping.event("LowStockThresholdSet"))
        twice.id, twice.version, twice.commit = twice.causation + ".2", 99, ("inventory", 0, 2, 9)
        shopping.history.events.append(twice)

    @violation("a commit is the events of one command to one aggregate")
    def test_a_mixed_commit(self, shopping):
        shopping.event("LowStockThresholdSet").commit = shopping.event("StockReceived").commit

    @violation("every command in a command topic is caused by an accepted event, and named after it")
    def test_a_command_caused_by_a_void_event(self, shopping):
        confirm = "everfold.orders.ConfirmOrder.v1"
        shopping.history.commands.append(Command("orders", ids.partition_of("o", PARTITIONS), 7, "o", confirm,
                                                 ids.caused_command_id("void.1", confirm, "o"), "void.1"))

    @violation("every event's command was sent by somebody")
    def test_an_event_out_of_nothing(self, shopping):
        shopping.commit("inventory", CUP, "nobody", ("StockReceived", {"quantity": 1, "onHand": 2}))


    @violation("nothing stays parked: what could not be handled for a while was handled later")
    def test_a_key_that_is_parked_for_ever(self, shopping):
        shopping.history.parked = {("saga", "parked:orders:7"): False, ("saga", "parked:orders:8"): True}


class Answers(unittest.TestCase):
    @violation("the history makes sense")
    def test_a_command_that_the_checker_does_not_know(self, shopping):
        shopping.ack("/receipts")["path"] = "/api/unknown"

    @violation("acknowledged: the events are in the history, once")
    def test_acknowledged_and_lost(self, shopping):
        shopping.acks.append({**shopping.ack("/receipts"), "key": "another"})

    @violation("acknowledged: the events are in the history, once")
    def test_acknowledged_checkout_without_its_order(self, shopping):
        shopping.without(shopping.event("OrderPlaced"))

    @violation("acknowledged: the events are in the history, once")
    def test_nothing_to_do_but_there_was(self, shopping):
        shopping.ack("/threshold", 1)["body"] = {"lowStock": 3}

    @violation("acknowledged: the ETag is the aggregate's version after it")
    def test_wrong_etag(self, shopping):
        shopping.ack("/receipts")["etag"] = '"2"'

    @violation("acknowledged: Everfold-Position is right behind its events")
    def test_wrong_position(self, shopping):
        ack = shopping.ack("/items")
        log, offset = ack["position"].split(":")
        ack["position"] = f"{log}:{int(offset) - 1}"

    @violation("acknowledged: the answer tells what came of it")
    def test_wrong_levels(self, shopping):
        shopping.ack("/receipts")["answer"]["onHand"] = 6

    @violation("refused: no event")
    def test_refused_and_done(self, shopping):
        shopping.ack("/receipts")["status"] = 409

    @violation("refused: for a reason that was true while the client waited")
    def test_refused_for_a_reason_that_was_not_so(self, shopping):
        shopping.ack("/adjustments")["body"]["delta"] = -5

    @violation("refused: for a reason that was true while the client waited")
    def test_not_found_though_its_making_had_been_acknowledged(self, shopping):
        shopping.ack("/adjustments")["answer"]["error"] = "NotFound"

    def test_not_found_while_it_was_being_made(self):
        shopping = copy.deepcopy(WHOLE)
        refused = shopping.ack("/adjustments")
        refused["answer"]["error"] = "NotFound"
        refused["t"] = shopping.ack("/receipts")["t"]
        self.assertEqual(checked(shopping).broken, [])

    def test_refused_while_an_attempt_was_on_its_way_is_told_apart(self):
        shopping = copy.deepcopy(WHOLE)
        shopping.ack("/receipts", 1).update(status=409, attempts=2, unanswered=1, answer={"error": "AmountOutOfRange"})
        verdicts = checked(shopping)
        self.assertEqual(verdicts.broken, [])
        self.assertEqual(verdicts.counts[LATE], 1)


class Repeats(unittest.TestCase):
    def test_another_answer_to_the_same_key(self):
        shopping = copy.deepcopy(WHOLE)
        answers = {ack["key"]: ack for ack in shopping.acks}

        class Node(BaseHTTPRequestHandler):
            """Answers everything as it was answered before, but for one."""
            def do_POST(self):
                first = answers[self.headers["Idempotency-Key"]]
                self.send_response(first["status"])
                self.send_header("ETag", '"99"' if first is lie else first["etag"])
                self.send_header("Everfold-Position", first["position"])
                self.end_headers()
                self.wfile.write(json.dumps(first["answer"]).encode())
            do_PUT = do_POST

            def log_message(self, *_):
                pass

        with HTTPServer(("127.0.0.1", 0), Node) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                for lie, broken in ((None, 0), (shopping.ack("/receipts"), 1)):
                    verdicts = Verdicts()
                    url = f"http://127.0.0.1:{server.server_port}"
                    check_repeats(shopping.history, shopping.acks, [url], lambda subject: "token of " + subject, verdicts)
                    rule, = verdicts
                    self.assertEqual((rule.broken, rule.checked), (broken, 10), rule.examples)
            finally:
                server.shutdown()
                thread.join()

    def test_an_event_more_after_commands_were_sent_again(self):
        more = copy.deepcopy(WHOLE)
        verdicts = Verdicts()
        check_nothing_new(WHOLE.history, more.history, verdicts)
        self.assertEqual(verdicts.broken, [])
        more.commit("inventory", CUP, "again", ("StockReceived", {"quantity": 1, "onHand": 2}))
        check_nothing_new(WHOLE.history, more.history, verdicts)
        self.assertEqual([rule.name for rule in verdicts.broken], ["repeated: nothing is done again"])


class Goods(unittest.TestCase):
    @violation("stock: 0 ≤ reserved ≤ on hand after every event")
    def test_negative(self, shopping):
        shopping.commit("inventory", CUP, "c", ("StockAdjusted", {"delta": -2, "onHand": -1}))

    @violation("stock: the levels that an event carries are the sum of the log up to it")
    def test_levels(self, shopping):
        shopping.event("StockCommitted").body.on_hand += 1

    @violation("stock: reserved when there was enough, refused when there was not")
    def test_refused_for_nothing(self, shopping):
        rejected = {"orderId": "o", "quantity": 1, "onHand": 1}
        shopping.commit("inventory", CUP, "c", ("StockReservationRejected", rejected))

    @violation("stock: what is released, sold or returned is what was reserved or sold")
    def test_sold_twice(self, shopping):
        sold = {"orderId": shopping.sold["order"], "quantity": 3, "onHand": -1}
        shopping.commit("inventory", POT, "c", ("StockCommitted", sold))

    @violation("stock: what is released, sold or returned is what was reserved or sold")
    def test_returned_and_never_sold(self, shopping):
        shopping.commit("inventory", CUP, "c", ("StockReturned", {"orderId": "o", "quantity": 1, "onHand": 2}))

    @violation("stock: no reservation is left open")
    def test_reserved_for_ever(self, shopping):
        shopping.commit("inventory", CUP, "c", ("StockReserved", RESERVED))

    @violation("stock: an order has taken what it sold, and a cancelled one nothing")
    def test_sold_to_a_cancelled_order(self, shopping):
        release = shopping.event("StockReleased")
        release.type = "everfold.inventory.StockCommitted.v1"

    @violation("stock: an order has taken what it sold, and a cancelled one nothing")
    def test_sold_to_nobody(self, shopping):
        sold = {"orderId": "o", "quantity": 1}
        shopping.commit("inventory", CUP, "c", ("StockReserved", RESERVED), ("StockCommitted", sold))


class Money(unittest.TestCase):
    @violation("money: captured once, and what was asked for")
    def test_captured_twice(self, shopping):
        shopping.commit("payments", shopping.sold["payment"], "c", ("PaymentCaptured", {"amount": usd(3000)}))

    @violation("money: never more refunded, or on its way back, than was captured")
    def test_refunded_too_much(self, shopping):
        refund = {"refundId": "r2", "amount": usd(2701)}
        payment = shopping.sold["payment"]
        shopping.commit("payments", payment, "c", ("RefundRequested", refund), ("RefundFailed", refund))

    @violation("money: every refund has its answer, for its amount")
    def test_a_refund_without_an_answer(self, shopping):
        refund = {"refundId": "r2", "amount": usd(1)}
        shopping.commit("payments", shopping.sold["payment"], "c", ("RefundRequested", refund))

    @violation("money: every refund has its answer, for its amount")
    def test_another_amount_than_asked_for(self, shopping):
        shopping.event("PaymentRefunded").body.amount.amount = 299

    @violation("money: in = kept + refunded")
    def test_more_out_than_in(self, shopping):
        shopping.event("PaymentRefunded").body.amount.amount = 3001

    @violation("money: an order keeps what its status says: all, the rest, or nothing")
    def test_a_cancelled_order_that_keeps_money(self, shopping):
        payment = shopping.event("PaymentDeclined")
        payment.type = "everfold.payments.PaymentCaptured.v1"
        payment.body = message_class(payment.type)(amount=usd(2000))

    @violation("money: an order keeps what its status says: all, the rest, or nothing")
    def test_confirmed_and_never_paid(self, shopping):
        shopping.without(*(shopping.event(name) for name in ("PaymentCaptured", "RefundRequested", "PaymentRefunded")))


class Orders(unittest.TestCase):
    @violation("an order's total is the sum of its lines")
    def test_a_wrong_total(self, shopping):
        shopping.event("OrderPlaced").body.total.amount += 1

    @violation("every checked out cart has its order, every order its cart, with the same lines")
    def test_an_order_with_other_lines(self, shopping):
        shopping.event("OrderPlaced").body.lines[0].quantity += 1

    @violation("every checked out cart has its order, every order its cart, with the same lines")
    def test_a_cart_without_its_order(self, shopping):
        order = shopping.declined["order"]
        shopping.without(*shopping.history.by_aggregate["orders", order])

    @violation("every checkout has ended: completed or cancelled")
    def test_a_checkout_in_the_middle(self, shopping):
        shopping.without(shopping.event("CheckoutCancelled"))

    @violation("every checkout has ended: completed or cancelled")
    def test_no_checkout(self, shopping):
        shopping.history.events = [event for event in shopping.history.events if event.context != "checkout"]

    @violation("order, checkout and payment tell the same end")
    def test_the_order_does_not_know_that_it_was_cancelled(self, shopping):
        shopping.without(shopping.event("OrderCancelled"))

    @violation("order, checkout and payment tell the same end")
    def test_the_order_shows_an_old_payment(self, shopping):
        shopping.without(shopping.event("OrderPaymentUpdated", -1))


class Views(unittest.TestCase):
    def setUp(self):
        self.rows = expected_rows(WHOLE.history)
        self.shown = copy.deepcopy(self.rows)
        self.order = f"/api/orders/{WHOLE.sold['order']}"

    def broken(self):
        verdicts = Verdicts()
        compare_rows("http://query", self.rows, self.shown, verdicts)
        return [rule.name for rule in verdicts.broken]

    def test_equal(self):
        self.shown[self.order]["newField"] = 1  # the view's own
        self.assertEqual(self.broken(), [])

    def test_a_row_that_is_missing_old_or_wrong(self):
        for path in (self.order, f"/api/inventory/{POT}", f"/api/products/{ids.product_id(POT)}",
                     f"/api/payments/{WHOLE.sold['payment']}", f"/api/carts/{WHOLE.event('CartCheckedOut').key}"):
            whole = self.shown[path]
            for wrong in ("404 not found", {**whole, "version": whole["version"] - 1}, {**whole, "redirectUrl": "x"}):
                with self.subTest(path=path, wrong=wrong):
                    self.shown[path] = wrong
                    self.assertEqual(len(self.broken()), 1)
            self.shown[path] = whole

    def test_a_row_too_many(self):
        verdicts = Verdicts()
        totals = {"/api/orders": 2, "/api/payments": 2, "/api/inventory": 2}
        compare_totals("http://query", self.rows, totals, verdicts)
        self.assertEqual(verdicts.broken, [])
        compare_totals("http://query", self.rows, {**totals, "/api/payments": 3}, verdicts)
        self.assertEqual([rule.name for rule in verdicts.broken], ["views: lists have no row too many"])

    def test_the_folds(self):
        self.assertEqual(self.rows[self.order]["status"], "PARTIALLY_REFUNDED")
        stock = self.rows[f"/api/inventory/{POT}"]
        self.assertEqual((stock["onHand"], stock["reserved"], stock["low"], stock["version"]), (2, 0, True, 6))
        payment = self.rows[f"/api/payments/{WHOLE.sold['payment']}"]
        self.assertEqual((payment["captured"], payment["refunded"]), (usd(3000), usd(300)))
        self.assertEqual(payment["refunds"][0]["status"], "DONE")


if __name__ == "__main__":
    unittest.main()
