#include "saga/translators/translation.hpp"

#include "kernel/check.hpp"
#include "kernel/ids.hpp"

namespace everfold {
namespace {

// "everfold.orders.PlaceOrder.v1" belongs to "orders".
std::string context_of(std::string_view type) {
  const std::size_t begin = type.find('.') + 1;
  const std::size_t end = type.find('.', begin);
  check(begin > 0 && end != type.npos, "a command's type does not name its context");
  return std::string(type.substr(begin, end - begin));
}

// A command is the same command in its next version: what a former release has sent is not done again by a later one.
std::string first_version(std::string_view type) { return std::string(type.substr(0, type.rfind('.'))) + ".v1"; }

}  // namespace

// An event causes at most one command of a type to an aggregate, so these three make the command's id.
CommandMeta Translation::meta_of(std::string_view type, std::string aggregate_id) const {
  CommandMeta meta;
  meta.id = derive_id({cause_.id, first_version(type), aggregate_id});
  meta.context = context_of(type);
  meta.aggregate_id = std::move(aggregate_id);
  meta.time_ms = cause_.time_ms;
  meta.correlation_id = cause_.correlation_id;
  meta.causation_id = cause_.id;
  meta.traceparent = cause_.traceparent;
  meta.actor = std::string(actor_);
  return meta;
}

std::string Translation::id_of_once(const Command& command) const {
  return derive_id({cause_.context, cause_.aggregate_id, first_version(command.type), command.meta.aggregate_id});
}

Rejection unreadable(const EventMeta& event) {
  return reject(Code::internal, "event " + event.id + " of type " + event.type +
                                    " cannot be read; was it written by a later version of Everfold?");
}

}  // namespace everfold
