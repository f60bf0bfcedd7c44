// The payment of one order: asked of a provider, captured or not, and given back in parts or whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "kernel/decider.hpp"
#include "schemas/payments/events.hpp"
#include "schemas/payments/v1/commands.pb.h"

namespace everfold::payments {

struct Payments {
  static constexpr std::string_view context = "payments";

  enum class Status { none, requested, pending, captured, declined, voided };
  enum class RefundStatus { requested, done, failed };
  enum class Reversal { none, asked, failed };  // failed: asked, refused, and nothing is under way

  struct Refund {
    int64_t amount = 0;
    RefundStatus status = RefundStatus::requested;
    bool reversal = false;  // the reversal's own
    bool operator==(const Refund&) const = default;
  };
  struct State {
    Status status = Status::none;  // captured stays captured, however much of it goes back
    std::string order_id;
    std::string currency;  // of the captured money, should it ever be another than was asked for
    std::string provider;
    std::string method;
    std::string provider_reference;  // of what waits for the payer, then of the capture
    int64_t amount = 0;              // asked for; all amounts in `currency`
    int64_t captured = 0;
    int64_t refunding = 0;  // asked of the provider, not answered yet
    int64_t refunded = 0;   // done
    std::unordered_map<std::string, Refund> refunds;
    Reversal reversal = Reversal::none;
    std::string reversal_refund_id;
    std::string reversal_reason;

    int64_t left() const { return captured - refunding - refunded; }
    bool operator==(const State&) const = default;
  };
  using Command = std::variant<v1::RequestPayment, v1::RecordPending, v1::RecordCapture, v1::RecordDecline,
                               v1::CompleteSandboxPayment, v1::RequestRefund, v1::RecordRefund, v1::RecordRefundFailure,
                               v1::ReversePayment>;
  using Event = payments::Event;

  static Decided<std::vector<Event>> decide(const State& state, const Command& command);
  static State evolve(State state, const Event& event);
};
static_assert(Decider<Payments>);

}  // namespace everfold::payments
