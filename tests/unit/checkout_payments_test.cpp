// A checkout and its payment together, with the real deciders and translators: every order in which their messages, the
// payer, the provider, the shopper who cancels, the timeout and a member of staff who refunds can come.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "command-side/payments/decider.hpp"
#include "saga/checkout/decider.hpp"
#include "saga/translators/checkout_to_payments.hpp"
#include "saga/translators/payments_to_checkout.hpp"
#include "tests/given.hpp"

namespace everfold {
namespace {

using checkout::Checkout;
using payments::Payments;
using testing::make;
using Phase = Checkout::Phase;

const std::string price = "{ amount: 100 currency: 'USD' }";

struct World {
  Checkout::State checkout{};
  Payments::State payment{};
  std::map<std::string, int64_t> versions{};  // of the two logs
  std::deque<Command> to_checkout{}, to_payment{}, from_provider{};
  std::deque<payments::Event> to_provider{};
  bool payer_decides = false;  // on the provider's page
  bool may_cancel = true, may_expire = true;
  int staff_refunds = 2;

  template <class D>
  void tell(typename D::State& state, const typename D::Command& command, const std::string& aggregate_id) {
    const auto decided = D::decide(state, command);
    ASSERT_TRUE(decided.has_value()) << decided.error().message;
    for (const auto& event : decided.value()) {
      state = D::evolve(std::move(state), event);
      StoredEvent stored;
      Encoded encoded = encode(event);
      stored.meta.version = ++versions[aggregate_id];
      stored.meta.id = aggregate_id + std::to_string(stored.meta.version);
      stored.meta.type = std::move(encoded.type);
      stored.meta.aggregate_id = aggregate_id;
      stored.bytes = std::move(encoded.bytes);
      translate_on(event, stored);
    }
  }
  static void append(std::deque<Command>& queue, const Decided<Commands>& commands) {
    queue.insert(queue.end(), commands.value().begin(), commands.value().end());
  }
  void translate_on(const checkout::Event&, const StoredEvent& stored) {
    append(to_payment, checkout_to_payments::react(stored));
  }
  void translate_on(const payments::Event& event, const StoredEvent& stored) {
    append(to_checkout, payments_to_checkout::react(stored));
    if (std::holds_alternative<payments::v1::PaymentRequested>(event) ||
        std::holds_alternative<payments::v1::PaymentVoided>(event) ||
        std::holds_alternative<payments::v1::RefundRequested>(event))
      to_provider.push_back(event);
  }

  void tell_checkout(const Checkout::Command& command) { tell<Checkout>(checkout, command, "order"); }
  void tell_payment(const Payments::Command& command) { tell<Payments>(payment, command, "payment"); }
  void tell_checkout(const Command& command) { tell_checkout(*decode<Checkout::Command>(command.type, command.bytes)); }
  void tell_payment(const Command& command) { tell_payment(*decode<Payments::Command>(command.type, command.bytes)); }

  template <class Message>
  void provider_says(const std::string& text) {
    Encoded encoded = encode_message(make<Message>(text));
    from_provider.push_back({{}, std::move(encoded.type), std::move(encoded.bytes)});
  }

  int64_t held() const { return payment.captured - payment.refunded; }

  // Two worlds with one key have one future.
  std::string key() const {
    std::string key;
    const auto add = [&key](const auto&... parts) {
      ((key += std::to_string(static_cast<int64_t>(parts)) + " "), ...);
    };
    add(checkout.phase, checkout.money, checkout.payment_version, payment.status, payment.captured, payment.refunding,
        payment.refunded, payment.reversal, payer_decides, may_cancel, may_expire, staff_refunds);
    std::map<std::string, std::string> refunds;
    for (const auto& [id, refund] : payment.refunds)
      refunds[id] = std::to_string(refund.amount) + (refund.reversal ? "R" : "S") +
                    std::to_string(static_cast<int>(refund.status));
    for (const auto& [id, refund] : refunds) key += id + refund + " ";
    key += payment.reversal_refund_id + checkout.reason;
    for (const auto& [log, version] : versions) add(version);
    for (const auto* queue : {&to_checkout, &to_payment, &from_provider})
      for (const Command& command : (key += "|", *queue)) key += command.type + command.bytes;
    for (const payments::Event& event : to_provider) key += encode(event).type + encode(event).bytes;
    return key;
  }
};

class Together : public ::testing::Test {
 protected:
  template <class Change>
  void go_on(const World& world, const Change& change) {
    World next = world;
    change(next);
    explore(next);
  }

  void explore(const World& world) {
    if (HasFailure() || !seen_.insert(world.key()).second) return;
    bool at_rest = deliver(world);
    at_rest = !provider_answers(world) && at_rest;
    if (world.payer_decides) {  // or never does
      go_on(world, [](World& next) {
        next.payer_decides = false;
        next.provider_says<payments::v1::RecordCapture>("provider_reference: 'late'");
      });
    }
    const Phase phase = world.checkout.phase;
    if (phase == Phase::paying && world.may_expire) {
      at_rest = false;
      go_on(world, [](World& next) {
        next.may_expire = false;
        next.tell_checkout(checkout::v1::Expire{});
      });
    }
    if (world.may_cancel) {
      go_on(world, [](World& next) {
        next.may_cancel = false;
        next.tell_checkout(make<checkout::v1::RecordOrderCancelled>("reason: 'shopper'"));
      });
    }
    for (const int64_t amount : {int64_t{30}, world.payment.left()})
      if (world.staff_refunds > 0 && amount > 0 && amount <= world.payment.left())
        go_on(world, [amount](World& next) {
          const std::string id = "staff" + std::to_string(next.staff_refunds--);
          next.tell_payment(make<payments::v1::RequestRefund>("reason: 'nice' refund_id: '" + id +
                                                              "' amount { amount: " + std::to_string(amount) +
                                                              " currency: 'USD' }"));
        });
    if (at_rest) expect_all_is_well(world);
  }

  // False: something was on its way.
  bool deliver(const World& world) {
    const auto first_of = [&](std::deque<Command> World::*queue, auto tell) {
      if ((world.*queue).empty()) return true;
      go_on(world, [&](World& next) {
        const Command command = (next.*queue).front();
        (next.*queue).pop_front();
        tell(next, command);
      });
      return false;
    };
    const auto checkout = [](World& next, const Command& command) { next.tell_checkout(command); };
    const auto payment = [](World& next, const Command& command) { next.tell_payment(command); };
    const bool quiet = first_of(&World::to_checkout, checkout);
    const bool quieter = first_of(&World::to_payment, payment);
    return first_of(&World::from_provider, payment) && quiet && quieter;
  }

  bool provider_answers(const World& world) {
    if (world.to_provider.empty()) return false;
    const payments::Event asked = world.to_provider.front();
    const auto answer = [&](const auto& change) {
      go_on(world, [&](World& next) {
        next.to_provider.pop_front();
        change(next);
      });
    };
    if (std::holds_alternative<payments::v1::PaymentRequested>(asked)) {
      const std::string reference = "provider_reference: 'x' ";
      answer([&](World& next) { next.provider_says<payments::v1::RecordCapture>(reference + "amount " + price); });
      answer([&](World& next) {
        next.provider_says<payments::v1::RecordCapture>(reference + "amount { amount: 99 currency: 'USD' }");
      });
      answer([](World& next) { next.provider_says<payments::v1::RecordDecline>("reason: 'no cover'"); });
      answer([&](World& next) {
        next.payer_decides = true;
        next.provider_says<payments::v1::RecordPending>(reference);
      });
    } else if (const auto* refund = std::get_if<payments::v1::RefundRequested>(&asked)) {
      const std::string id = "refund_id: '" + refund->refund_id() + "' ";
      answer([&](World& next) { next.provider_says<payments::v1::RecordRefund>(id + "provider_reference: 'b'"); });
      answer([&](World& next) { next.provider_says<payments::v1::RecordRefundFailure>(id + "reason: 'closed'"); });
    } else {
      answer([](World&) {});
    }
    return true;
  }

  void expect_all_is_well(const World& world) {
    const Phase phase = world.checkout.phase;
    ++ends_[phase];
    ASSERT_TRUE(phase == Phase::completed || phase == Phase::cancelled || phase == Phase::compensation_failed)
        << "no final state: " << static_cast<int>(phase) << "\n"
        << world.key();
    if (phase == Phase::completed) return;
    // Cancelled, but the payer has not got everything back: that has a name.
    ASSERT_EQ(phase == Phase::compensation_failed, world.held() > 0) << world.key();
    if (phase == Phase::compensation_failed) expect_a_poke_helps(world);
  }

  // When the provider has come to its senses.
  static void expect_a_poke_helps(World world) {
    world.tell_checkout(checkout::v1::Poke{});
    while (!world.to_payment.empty() || !world.to_provider.empty() || !world.from_provider.empty() ||
           !world.to_checkout.empty()) {
      for (const Command& command : std::exchange(world.to_payment, {})) world.tell_payment(command);
      for (const payments::Event& asked : std::exchange(world.to_provider, {}))
        if (const auto* refund = std::get_if<payments::v1::RefundRequested>(&asked))
          world.provider_says<payments::v1::RecordRefund>("refund_id: '" + refund->refund_id() + "'");
      for (const Command& command : std::exchange(world.from_provider, {})) world.tell_payment(command);
      for (const Command& command : std::exchange(world.to_checkout, {})) world.tell_checkout(command);
    }
    ASSERT_EQ(world.checkout.phase, Phase::cancelled) << world.key();
    ASSERT_EQ(world.held(), 0) << world.key();
  }

  std::set<std::string> seen_;
  std::map<Phase, int> ends_;
};

TEST_F(Together, EveryCheckoutEndsAndNoMoneyIsForgotten) {
  World world;
  world.tell_checkout(make<checkout::v1::StartCheckout>("lines { sku: 'a' quantity: 1 } total " + price +
                                                        "provider: 'sandbox' method: 'manual' payment_id: 'payment' "
                                                        "expires_at { seconds: 1 }"));
  world.tell_checkout(make<checkout::v1::RecordStockSecured>("sku: 'a'"));
  explore(world);
  EXPECT_GT(seen_.size(), 5'000u);  // every order was tried, not one
  for (const Phase phase : {Phase::completed, Phase::cancelled, Phase::compensation_failed})
    EXPECT_GT(ends_[phase], 30) << static_cast<int>(phase);
}

}  // namespace
}  // namespace everfold
