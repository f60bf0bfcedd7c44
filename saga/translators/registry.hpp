// All translators by name, and the consumer groups that act on events: what everfold-saga runs, everfold-replay
// compares with what was sent (`saga --dry-run`), and whose positions a copy carries over (`copy`).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "saga/translators/translation.hpp"

namespace everfold {

struct NamedTranslator {
  std::string_view name;    // "orders_to_checkout", as its files
  std::string_view source;  // the context whose events it reads
  std::function<Decided<Commands>(const StoredEvent&)> react;
};

// `payment_timeout_ms`: how long a checkout may take; part of the commands that start one.
std::vector<NamedTranslator> all_translators(int64_t payment_timeout_ms);

inline constexpr std::string_view translators_group = "translators";
inline constexpr std::string_view payment_gateway_group = "payment-gateway";

// Consumer groups whose position in a log says: what every event before it causes has been sent.
struct ReactingGroup {
  std::string name;  // without the installation's prefix
  std::vector<std::string> contexts;
};
std::vector<ReactingGroup> reacting_groups();

}  // namespace everfold
