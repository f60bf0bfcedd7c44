#include "runtime/views/view_generations.hpp"

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <utility>

#include "kernel/ids.hpp"
#include "schemas/operations/v1/events.pb.h"

namespace everfold {
namespace {

constexpr const char* left_note = "left";                // ms since 1970
constexpr const char* checkpoints_note = "checkpoints";  // a directory a line
constexpr std::size_t most_checkpoints = 100;
constexpr const char* paused_note = "paused";  // by whom
constexpr const char* about_note = "about";    // "<version of the code> <made at, ms since 1970>"

constexpr const char* this_program = "everfold-projector";  // the actor of what nobody asked for

}  // namespace

DoneBy done_by(const RebuildOrder& order, int64_t generation, const std::string& what, int64_t time_ms) {
  return {derive_id({order.id, what, std::to_string(generation)}), order.actor.empty() ? this_program : order.actor,
          time_ms, order.correlation_id};
}

ViewGenerations::Opened ViewGenerations::open() {
  ViewShelf& shelf = ports_.shelf;
  Opened opened;
  const int64_t live = shelf.live();
  highest_ = std::max(highest_, live);
  if (live > 0 && (opened.live = open(live))) shelf.set_note(live, order_note, "");
  auto numbers = shelf.generations();
  std::reverse(numbers.begin(), numbers.end());  // the latest order counts
  for (const int64_t number : numbers) {
    highest_ = std::max(highest_, number);
    const auto order = order_of(number);
    if (number == live || !order || order->stopped) continue;
    if (!opened.build)
      if (auto generation = open(number)) {
        opened.build = Build{std::move(*generation), *order};
        continue;
      }
    if (order_of(number)) {  // it was not damaged
      note_failed(number, *order, "another version of the view's code began it, or another was ordered since");
      shelf.remove(number);
    }
    if (!opened.build && order->kind == RebuildOrder::Kind::rebuild) opened.build = start(*order);
  }
  return opened;
}

// Nothing: another version of the code wrote it, or it was damaged and is set aside.
std::optional<Generation> ViewGenerations::open(int64_t number) {
  try {
    auto [store, code_version] = ports_.shelf.open(number);
    if (code_version == code_version_) return Generation{number, std::move(store)};
    ports_.say(name(number) + ": folded by version " + std::to_string(code_version) + " of its code, this is version " +
               std::to_string(code_version_) + ": it is not folded on");
  } catch (const ViewDamaged& damage) {
    set_aside(number, damage, number == ports_.shelf.live() ? std::nullopt : order_of(number));
  }
  return std::nullopt;
}

Build ViewGenerations::start(RebuildOrder order) {
  ViewShelf& shelf = ports_.shelf;
  for (const int64_t number : shelf.generations()) {
    const auto left = order_of(number);
    if (!left || !left->stopped) continue;
    auto generation = left->kind == RebuildOrder::Kind::rebuild ? open(number) : std::nullopt;
    if (!generation) {
      shelf.remove(number);
      continue;
    }
    ports_.say(name(number) + ": folding on where it was stopped");
    shelf.set_note(number, order_note, to_text(order));
    return {std::move(*generation), std::move(order)};
  }
  return create(std::move(order));
}

int64_t ViewGenerations::next_number(const RebuildOrder& order) {
  for (const int64_t number : ports_.shelf.generations()) highest_ = std::max(highest_, number);
  highest_ = std::max(highest_, ports_.shelf.live()) + 1;
  ports_.shelf.set_note(highest_, order_note, to_text(order));
  ports_.shelf.set_note(highest_, about_note, std::to_string(code_version_) + " " + std::to_string(ports_.wall_ms()));
  return highest_;
}

int64_t ViewGenerations::reserve(const RebuildOrder& order) {
  RebuildOrder later = order;
  later.stopped = true;
  return next_number(later);
}

Build ViewGenerations::take_in(int64_t number, RebuildOrder order) {
  auto [store, code_version] = ports_.shelf.open(number);
  if (code_version != code_version_)
    throw CheckpointRefused("version " + std::to_string(code_version) +
                            " of the view's code made it, this is version " + std::to_string(code_version_));
  ports_.shelf.set_note(number, order_note, to_text(order));
  ports_.say(name(number) + ": restored, and folded on from where it stands");
  return {{number, std::move(store)}, std::move(order)};
}

Build ViewGenerations::create(RebuildOrder order) {
  next_number(order);
  ports_.say("view " + view_ + ": folding generation " + std::to_string(highest_) + " from the beginning of the logs");
  return {{highest_, ports_.shelf.create(highest_, code_version_)}, std::move(order)};
}

std::optional<Build> ViewGenerations::take_up_former(RebuildOrder order) {
  const auto number = former();
  if (!number) return std::nullopt;
  auto generation = open(*number);
  if (!generation) return std::nullopt;
  ports_.shelf.set_note(*number, order_note, to_text(order));
  return Build{std::move(*generation), std::move(order)};
}

void ViewGenerations::switch_to(const Generation& generation) {
  ViewShelf& shelf = ports_.shelf;
  const int64_t before = shelf.live();
  for (const int64_t number : shelf.generations())
    if (number != generation.number && number != before && !order_of(number)) shelf.remove(number);
  if (before > 0 && before != generation.number) shelf.set_note(before, left_note, std::to_string(ports_.wall_ms()));
  shelf.set_live(generation.number);
  shelf.set_note(generation.number, order_note, "");
  ports_.say("view " + view_ + ": generation " + std::to_string(generation.number) + " is live");
}

void ViewGenerations::leave(int64_t number, RebuildOrder order) {
  order.stopped = true;
  // A former one is what it was, folded on a little.
  ports_.shelf.set_note(number, order_note, order.kind == RebuildOrder::Kind::rollback ? "" : to_text(order));
}

std::vector<int64_t> ViewGenerations::prune(int64_t building) {
  std::vector<int64_t> gone;
  const int64_t live = ports_.shelf.live();
  for (const int64_t number : ports_.shelf.generations()) {
    if (number == live || number == building) continue;
    ports_.shelf.remove(number);
    gone.push_back(number);
  }
  return gone;
}

void ViewGenerations::set_aside(int64_t number, const ViewDamaged& damage, const std::optional<RebuildOrder>& order) {
  if (order && !order->stopped) note_failed(number, *order, damage.what());
  ports_.warn(name(number) + " is damaged and set aside: " + damage.what());
  ports_.shelf.set_aside(number);
}

void ViewGenerations::note_failed(int64_t number, const RebuildOrder& order, const std::string& why) {
  operations::v1::RebuildFinished message;
  message.set_view(view_);
  message.set_generation(number);
  message.set_outcome(operations::v1::RebuildFinished::FAILED);
  message.set_failure(why);
  try {
    ports_.note(operation(message, done_by(order, number, "failed", ports_.wall_ms())));
  } catch (const std::runtime_error& error) {
    throw ViewUnwritable("it cannot be noted that generation " + std::to_string(number) + " failed: " + error.what());
  }
}

std::optional<int64_t> ViewGenerations::former() const {
  const int64_t live = ports_.shelf.live();
  std::optional<int64_t> latest;
  for (const int64_t number : ports_.shelf.generations())
    if (number != live && !order_of(number)) latest = number;
  return latest;
}

std::optional<int64_t> ViewGenerations::left_at_ms(int64_t number) const {
  std::istringstream text(ports_.shelf.note(number, left_note));
  int64_t at_ms = 0;
  return text >> at_ms ? std::optional(at_ms) : std::nullopt;
}

std::optional<std::vector<std::pair<LogId, LogPosition>>> ViewGenerations::former_positions(
    const std::vector<LogId>& logs) {
  const auto number = former();
  if (!number) return std::nullopt;
  const auto generation = open(*number);
  if (!generation) return std::nullopt;
  std::vector<std::pair<LogId, LogPosition>> positions;
  for (const LogId& log : logs) positions.emplace_back(log, generation->store->position(log));
  return positions;
}

std::vector<std::string> ViewGenerations::checkpoints() const {
  std::istringstream text(ports_.shelf.note(0, checkpoints_note));
  std::vector<std::string> directories;
  for (std::string line; std::getline(text, line);) directories.push_back(line);
  return directories;
}

void ViewGenerations::remember_checkpoint(const std::string& directory) {
  std::string text = directory + "\n";
  std::size_t kept = 1;
  for (const std::string& other : checkpoints())
    if (other != directory && kept++ < most_checkpoints && !ports_.shelf.about_checkpoint(other).empty())
      text += other + "\n";
  ports_.shelf.set_note(0, checkpoints_note, text);
}

std::vector<ViewGenerations::Listed> ViewGenerations::list() const {
  std::vector<Listed> listed;
  const int64_t live = ports_.shelf.live();
  for (const int64_t number : ports_.shelf.generations()) {
    Listed& one = listed.emplace_back();
    one.number = number;
    std::istringstream about(ports_.shelf.note(number, about_note));
    int version = 0;
    int64_t made_at_ms = 0;
    if (about >> version >> made_at_ms) {
      one.code_version = version;
      one.made_at_ms = made_at_ms;
    }
    if (number != live) one.order = order_of(number);
  }
  return listed;
}

bool ViewGenerations::paused() const { return !ports_.shelf.note(0, paused_note).empty(); }

void ViewGenerations::set_paused(bool paused, const std::string& by) {
  ports_.shelf.set_note(0, paused_note, paused ? "by " + by : "");
  ports_.say("view " + view_ + (paused ? " is paused" : " is folded on"));
}

std::optional<RebuildOrder> ViewGenerations::order_of(int64_t number) const {
  return everfold::order_of(ports_.shelf.note(number, order_note));
}

}  // namespace everfold
