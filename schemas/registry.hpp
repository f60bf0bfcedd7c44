// Every event type that may lie in an installation's logs, by context, and how this version reads it. Made from CMake's
// lists of contexts and processes: nothing to forget.
#pragma once

#include <google/protobuf/descriptor.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel/codec.hpp"
#include "kernel/upcast.hpp"

namespace everfold::schemas {

struct UpcastStep {
  std::string name;
  std::string from, to;  // "everfold.orders.OrderRefunded.v1", "….v2"
  std::optional<std::string> (*apply)(
      std::string_view bytes);  // that step alone; nothing: bytes that are no such message
};

struct ContextEvents {
  std::string context;
  std::vector<std::string> newest;                               // types that deciders, views and translators know
  std::vector<UpcastStep> upcasters;                             // each begins at another former type
  bool (*reads)(std::string_view type, std::string_view bytes);  // as they read it
};

// Contexts, then processes.
const std::vector<ContextEvents>& all_events();

// Where the golden bytes of a type lie: "orders/OrderPlaced.v1.golden", within tests/golden/.
inline std::string golden_file(std::string_view type) {
  const std::size_t context = type.find('.') + 1, name = type.find('.', context);
  return std::string(type.substr(context, name - context)) + "/" + std::string(type.substr(name + 1)) + ".golden";
}

namespace detail {

template <Upcaster U>
UpcastStep step_of() {
  return {std::string(U::name), type_of<UpcastFrom<U>>(), type_of<UpcastTo<U>>(), [](std::string_view bytes) {
            UpcastFrom<U> former;
            std::optional<std::string> now;
            if (former.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) now = bytes_of(U::upcast(former));
            return now;
          }};
}

template <class... Messages, Upcaster... Us>
ContextEvents events_of(std::string context, const std::variant<Messages...>*, Upcasters<Us...>) {
  using Event = std::variant<Messages...>;
  return {std::move(context),
          {type_of<Messages>()...},
          {step_of<Us>()...},
          [](std::string_view type, std::string_view bytes) { return decode<Event>(type, bytes).has_value(); }};
}

}  // namespace detail

template <class Event>
ContextEvents events_of(std::string context) {
  return detail::events_of(std::move(context), static_cast<const Event*>(nullptr), UpcastersOf<Event>());
}

}  // namespace everfold::schemas
