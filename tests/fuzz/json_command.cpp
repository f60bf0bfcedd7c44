// JSON to commands, and what becomes of them: each line of the input is "<Command> <JSON>", said to one aggregate of
// the command's context. Whatever JSON can say is either refused or survives being written; whatever is decided can be
// folded, shown and decided on again.
#include <google/protobuf/util/message_differencer.h>

#include <map>
#include <memory>
#include <vector>

#include "command-side/contexts.hpp"
#include "kernel/overloaded.hpp"
#include "platform/json/parse.hpp"
#include "platform/json/utf8.hpp"
#include "platform/json/write.hpp"
#include "projections/carts/carts.hpp"
#include "projections/catalog/products.hpp"
#include "projections/inventory/stock.hpp"
#include "projections/orders/orders.hpp"
#include "projections/payments/payments.hpp"
#include "runtime/writer/hosted_context.hpp"
#include "saga/checkout/decider.hpp"
#include "schemas/carts/v1/commands.pb.h"
#include "schemas/catalog/v1/commands.pb.h"
#include "schemas/inventory/v1/commands.pb.h"
#include "schemas/orders/v1/commands.pb.h"
#include "schemas/payments/v1/commands.pb.h"
#include "tests/fuzz/fuzz.hpp"

namespace everfold::fuzz {
namespace {

using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

constexpr std::size_t max_event_bytes = 900'000;

std::vector<const google::protobuf::Descriptor*> command_types() {
  std::vector<const google::protobuf::Descriptor*> types;
  for (const auto* file :
       {carts::v1::CreateCart::descriptor()->file(), catalog::v1::CreateProduct::descriptor()->file(),
        checkout::v1::StartCheckout::descriptor()->file(), inventory::v1::ReceiveStock::descriptor()->file(),
        orders::v1::PlaceOrder::descriptor()->file(), payments::v1::RequestPayment::descriptor()->file()})
    for (int i = 0; i < file->message_type_count(); ++i) types.push_back(file->message_type(i));
  return types;
}

std::unique_ptr<Message> message_named(std::string_view name) {
  static const auto types = command_types();
  for (const auto* type : types)
    if (type->name() == name)
      return std::unique_ptr<Message>(google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  return nullptr;
}

bool refuses_enums_only(const Rejection& rejection) {
  for (const auto& [field, message] : rejection.details)
    if (!message.starts_with("must be one of")) return false;
  return !rejection.details.empty();
}

// Refused with a reason, or the same when it is written and read again: an enum that was not given is written as
// unspecified, which nobody may say.
bool reads(std::string_view json, Message& message) {
  const auto fields = json::parse_into(json, message);
  if (!fields) {
    const bool malformed = fields.error().code == Code::malformed;
    check(malformed || fields.error().code == Code::validation_failed, "JSON is refused as something else");
    check(malformed || !fields.error().details.empty(), "a field is refused and not named");
    check(!fields.error().message.empty(), "JSON is refused without a reason");
    return false;
  }
  const auto written = json::to_json(message);
  check(json::is_utf8(written), "what is written is not UTF-8");
  const std::unique_ptr<Message> again(message.New());
  const auto read = json::parse_into(written, *again);
  check(read || refuses_enums_only(read.error()), "what is written cannot be read: " + written);
  check(!read || MessageDifferencer::Equals(message, *again), "what is written reads as something else: " + written);
  return true;
}

// One view's row of the aggregate.
template <class V>
class Shown {
 public:
  void fold(const Encoded& event, const EventMeta& meta) {
    const auto decoded = decode<typename V::Event>(event.type, event.bytes);
    check(decoded.has_value(), "a view does not know an event of its context");
    for (const auto& key : V::keys_of(*decoded, meta)) rows_[key] = V::fold(std::move(rows_[key]), *decoded, meta);
    for (const auto& [key, row] : rows_) {
      if (!row) continue;
      check(json::is_utf8(json::to_json(*row)), "a row is not UTF-8");
      if constexpr (Indexed<V>) V::index_keys_of(*row);
    }
  }

 private:
  std::map<std::string, std::optional<typename V::Row>> rows_;
};

// One aggregate: its state as the writer keeps it, and its history.
class Aggregate {
 public:
  explicit Aggregate(std::unique_ptr<HostedContext> context) : context_(std::move(context)), state_(context_->fresh()) {
    meta_.context = std::string(context_->name());
    meta_.aggregate_id = "a-1";
  }

  void take(const std::string& type, const std::string& bytes) {
    commands_.emplace_back(type, bytes);
    const auto decided = context_->decide(*state_, type, bytes, max_event_bytes);
    if (!decided) return check(!decided.error().message.empty(), "a command is refused without a reason");
    for (const auto& event : decided.value()) {
      history_.push_back(event);
      meta_.version++;
      meta_.time_ms += 1000;
      context_->timer_of(event.type, event.bytes);
      show(event);
    }
    if (context_->snapshot_version()) {
      const auto loaded = context_->load(context_->save(*state_));
      check(loaded != nullptr, "a snapshot cannot be loaded");
      state_ = context_->load(context_->save(*loaded));
    }
  }

  // A state folded from the history decides as the one that grew with it.
  void check_history() const {
    for (const auto& [type, bytes] : commands_) {
      const auto folded = context_->fresh();
      for (const auto& event : history_) context_->evolve(*folded, event.type, event.bytes);
      // Deciding evolves the state: the one that grew is used up by the first command that is not refused.
      const auto expected = context_->decide(*state_, type, bytes, max_event_bytes);
      const auto decided = context_->decide(*folded, type, bytes, max_event_bytes);
      check(expected.has_value() == decided.has_value(), "a fold of the history decides otherwise");
      if (!expected) continue;
      check(expected.value().size() == decided.value().size(), "a fold of the history decides otherwise");
      for (std::size_t i = 0; i < decided.value().size(); ++i)
        check(expected.value()[i].bytes == decided.value()[i].bytes, "a fold of the history decides otherwise");
      if (!expected.value().empty()) return;
    }
  }

 private:
  void show(const Encoded& event) {
    if (meta_.context == "catalog") products_.fold(event, meta_);
    if (meta_.context == "inventory") stock_.fold(event, meta_);
    if (meta_.context == "carts") carts_.fold(event, meta_);
    if (meta_.context == "orders") orders_.fold(event, meta_);
    if (meta_.context == "payments") payments_.fold(event, meta_);
  }

  const std::unique_ptr<HostedContext> context_;
  std::unique_ptr<HostedContext::State> state_;
  EventMeta meta_;
  std::vector<Encoded> history_;
  std::vector<std::pair<std::string, std::string>> commands_;
  Shown<catalog::Products> products_;
  Shown<inventory::Stock> stock_;
  Shown<carts::Carts> carts_;
  Shown<orders::Orders> orders_;
  Shown<payments::Payments> payments_;
};

}  // namespace

void try_input(std::string_view input) {
  std::map<std::string, Aggregate, std::less<>> aggregates;
  for (auto& context : command_contexts()) {
    std::string name(context->name());
    aggregates.try_emplace(std::move(name), std::move(context));
  }
  aggregates.try_emplace("checkout", host<checkout::Checkout>());
  while (!input.empty()) {
    auto line = take_until(input, '\n');
    const auto message = message_named(take_until(line, ' '));
    if (!message || !reads(line, *message)) continue;
    const auto type = type_name(message->GetDescriptor());  // everfold.orders.PlaceOrder.v1
    const auto context = type.substr(9, type.find('.', 9) - 9);
    aggregates.find(context)->second.take(type, bytes_of(*message));
  }
  for (const auto& [name, aggregate] : aggregates) aggregate.check_history();
}

}  // namespace everfold::fuzz
