#include "runtime/views/rebuild.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "kernel/check.hpp"

namespace everfold {
namespace {

constexpr std::array<std::pair<RebuildOrder::Kind, std::string_view>, 3> kinds{
    {{RebuildOrder::Kind::rebuild, "rebuild"},
     {RebuildOrder::Kind::rollback, "rollback"},
     {RebuildOrder::Kind::restore, "restore"}}};

// One line each.
std::string line(std::string_view name, std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return std::string(name) + " " + text + "\n";
}

std::string yes_or_no(bool yes) { return yes ? "yes" : "no"; }

bool read(RebuildOrder& order, std::string_view name, std::string_view value) {
  if (name == "verify")
    order.verify = value == "yes";
  else if (name == "switch-by-itself")
    order.switch_by_itself = value == "yes";
  else if (name == "stopped")
    order.stopped = value == "yes";
  else if (name == "id")
    order.id = value;
  else if (name == "actor")
    order.actor = value;
  else if (name == "correlation-id")
    order.correlation_id = value;
  else if (name == "directory")
    order.directory = value;
  else
    return false;
  return true;
}

}  // namespace

std::string_view to_string(RebuildOrder::Kind kind) {
  return std::find_if(kinds.begin(), kinds.end(), [&](const auto& named) { return named.first == kind; })->second;
}

std::string to_text(const RebuildOrder& order) {
  return line("kind", std::string(to_string(order.kind))) + line("verify", yes_or_no(order.verify)) +
         line("switch-by-itself", yes_or_no(order.switch_by_itself)) + line("stopped", yes_or_no(order.stopped)) +
         line("id", order.id) + line("actor", order.actor) + line("correlation-id", order.correlation_id) +
         line("directory", order.directory);
}

std::optional<RebuildOrder> order_of(std::string_view text) {
  RebuildOrder order;
  bool known = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n'), space = text.find(' ');
    if (end == text.npos || space > end) return std::nullopt;
    const std::string_view name = text.substr(0, space), value = text.substr(space + 1, end - space - 1);
    text.remove_prefix(end + 1);
    if (name != "kind") {
      if (!read(order, name, value)) return std::nullopt;
      continue;
    }
    const auto kind =
        std::find_if(kinds.begin(), kinds.end(), [&](const auto& named) { return named.second == value; });
    if (kind == kinds.end()) return std::nullopt;
    order.kind = kind->first;
    known = true;
  }
  return known ? std::optional(order) : std::nullopt;
}

void RebuildSteps::reached() {
  check(phase_ == Phase::folding || phase_ == Phase::catching_up, "a rebuild reached what it did not fold to");
  if (phase_ == Phase::folding)
    phase_ = order_.verify ? Phase::verifying : Phase::catching_up;
  else
    phase_ = Phase::ready;
}

void RebuildSteps::compared(bool same) {
  check(phase_ == Phase::verifying, "a rebuild was compared out of turn");
  same_ = same;
  phase_ = Phase::catching_up;
}

bool RebuildSteps::ask_switch() {
  if (phase_ != Phase::ready) return false;
  asked_ = true;
  return true;
}

std::string_view to_string(RebuildSteps::Phase phase) {
  switch (phase) {
    case RebuildSteps::Phase::folding:
      return "folding";
    case RebuildSteps::Phase::verifying:
      return "verifying";
    case RebuildSteps::Phase::catching_up:
      return "catching_up";
    case RebuildSteps::Phase::ready:
      return "ready";
    case RebuildSteps::Phase::switched:
      return "switched";
    case RebuildSteps::Phase::stopped:
      return "stopped";
    case RebuildSteps::Phase::failed:
      return "failed";
  }
  return "";
}

}  // namespace everfold
