// What operators ask of a Projector: checkpoints, and rows folded anew.
#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "runtime/views/projector.hpp"
#include "runtime/views/projector_ask.hpp"
#include "schemas/operations/v1/events.pb.h"

namespace everfold {
namespace {

constexpr int64_t hold_ms = 5'000;  // at most, to fold a row up to where the view stands

template <class Positions>
void set_positions(const Positions& positions, auto& message) {
  for (const auto& [log, position] : positions) {
    auto& one = *message.add_positions();
    one.set_context(log.context);
    one.set_shard(log.shard);
    one.set_offset(position.offset);
  }
}

// What a checkpoint is of; when it was made and where it stands follows.
std::string about_checkpoint(const std::string& view, int code_version) {
  return "view " + view + " version " + std::to_string(code_version) + "\n";
}

using Positions = std::vector<std::pair<LogId, LogPosition>>;

std::string about_moment(int64_t at_ms, const Positions& positions) {
  std::string text = "made " + std::to_string(at_ms) + "\n";
  for (const auto& [log, position] : positions)
    text += log.context + " " + std::to_string(log.shard) + " " + std::to_string(position.offset) + "\n";
  return text;
}

struct Moment {
  int64_t at_ms = 0;
  std::map<LogId, int64_t> offsets;

  bool no_later_than(const Projector::Start& start) const {
    return (!start.at_ms || at_ms <= *start.at_ms) && std::ranges::all_of(offsets, [&](const auto& stands) {
             const auto limit = start.offsets.find(stands.first);
             return limit == start.offsets.end() || stands.second <= limit->second;
           });
  }
};

std::optional<Moment> moment_of(const std::string& about) {
  std::istringstream text(about);
  std::string word;
  for (int i = 0; i < 4; ++i) text >> word;  // view, version
  Moment moment;
  if (!(text >> word >> moment.at_ms)) return std::nullopt;
  LogId log;
  for (int64_t offset = 0; text >> log.context >> log.shard >> offset;) moment.offsets[log] = offset;
  return moment;
}

}  // namespace

Decided<int64_t> Projector::checkpoint(const std::string& directory, const By& by) {
  return ask<int64_t>([&, this]() -> Decided<int64_t> {
    if (auto no = not_expected(by)) return *no;
    if (!live_.store)
      return reject(Code::conflict, "View " + name_ + " has no generation to be copied yet: it is being folded.");
    operations::v1::CheckpointMade message;
    message.set_view(name_);
    message.set_generation(live_.number);
    message.set_directory(directory);
    const Positions positions = positions_of(*live_.store);
    set_positions(positions, message);
    try {
      live_.store->checkpoint(directory,
                              about_checkpoint(name_, code_version_) + about_moment(ports_.wall_ms(), positions));
      generations_.remember_checkpoint(directory);
    } catch (const CheckpointRefused& refused) {
      return reject(Code::conflict, refused.what());
    }
    if (auto no = tell(message, by)) return *no;
    return live_.number;
  });
}

// The newest that is early enough; of a checkpoint and a former one as old the former, which need not be copied.
Decided<int64_t> Projector::order_rebuild_from(const Start& start, bool verify, bool switch_by_itself, const By& by) {
  std::optional<int64_t> best_ms;
  std::string directory;
  for (const std::string& made : generations_.checkpoints()) {
    const std::string about = ports_.shelf.about_checkpoint(made);
    if (!about.starts_with(about_checkpoint(name_, code_version_))) continue;
    const auto moment = moment_of(about);
    if (!moment || !moment->no_later_than(start) || (best_ms && moment->at_ms <= *best_ms)) continue;
    best_ms = moment->at_ms;
    directory = made;
  }
  const auto from_former = ask<int64_t>([&, this]() -> Decided<int64_t> {
    if (auto no = not_expected(by)) return *no;
    if (auto no = something_under_way()) return *no;
    const auto positions = generations_.former_positions(logs_);
    const auto number = generations_.former();
    const auto left_at_ms = number ? generations_.left_at_ms(*number) : std::nullopt;
    if (!positions || !left_at_ms || (best_ms && *best_ms > *left_at_ms)) return 0;
    Moment moment{*left_at_ms, {}};
    for (const auto& [log, position] : *positions) moment.offsets[log] = position.offset;
    if (!moment.no_later_than(start)) return 0;
    RebuildOrder order = order_of(RebuildOrder::Kind::rollback, by);
    order.verify = verify;
    order.switch_by_itself = switch_by_itself;
    auto former = generations_.take_up_former(std::move(order));
    if (!former) return 0;
    begin(std::move(*former));
    return *number;
  });
  if (!from_former || from_former.value() > 0) return from_former;
  if (directory.empty())
    return reject(Code::conflict,
                  "View " + name_ +
                      " has neither a former generation nor a checkpoint, made here by this version of its "
                      "code, that is no later than that, and a fold cannot begin in the middle of history: "
                      "rebuild it from earliest.");
  return restore(directory, by, verify, switch_by_itself);
}

Decided<int64_t> Projector::restore(const std::string& directory, const By& by, bool verify, bool switch_by_itself) {
  const std::string about = ports_.shelf.about_checkpoint(directory);
  if (about.empty())
    return reject(Code::conflict, directory + " is no finished checkpoint of a view: POST …/checkpoint makes one.");
  if (!about.starts_with(about_checkpoint(name_, code_version_)))
    return reject(Code::conflict, directory + " is a checkpoint of another view or of another version of its code (" +
                                      about.substr(0, about.find("\nmade")) + "); this is view " + name_ +
                                      ", version " + std::to_string(code_version_) + ". Rebuild the view instead.");
  RebuildOrder order;
  const auto number = ask<int64_t>([&, this]() -> Decided<int64_t> {
    if (auto no = not_expected(by)) return *no;
    if (auto no = something_under_way()) return *no;
    order = order_of(RebuildOrder::Kind::restore, by);
    order.directory = directory;
    order.verify = verify;
    order.switch_by_itself = switch_by_itself;
    return reserved_ = generations_.reserve(order);
  });
  if (!number) return number;
  std::optional<Rejection> refused;
  try {
    ports_.shelf.adopt(directory, number.value());  // may take long: the view is folded on meanwhile
  } catch (const std::runtime_error& trouble) {
    refused = reject(Code::conflict, trouble.what());
  }
  const auto taken = ask<int64_t>([&, this]() -> Decided<int64_t> {
    if (!refused) refused = take_in(number.value(), order, by);
    if (refused) generations_.remove(number.value());
    reserved_ = 0;
    if (refused) return *refused;
    return number.value();
  });
  if (!taken) reserved_ = 0;  // what was copied is left, and removed before the next
  return taken;
}

std::optional<Rejection> Projector::take_in(int64_t number, RebuildOrder order, const By& by) {
  try {
    Build build = generations_.take_in(number, std::move(order));
    const auto positions = positions_of(*build.generation.store);
    if (const auto no = ports_.refusal(positions)) return reject(Code::conflict, *no);
    operations::v1::CheckpointRestored message;
    message.set_view(name_);
    message.set_generation(number);
    message.set_directory(build.order.directory);
    set_positions(positions, message);
    if (auto no = tell(message, by)) return no;
    begin(std::move(build));
    return std::nullopt;
  } catch (const ViewDamaged& damage) {
    return reject(Code::conflict, std::string("the checkpoint is damaged: ") + damage.what());
  } catch (const CheckpointRefused& refused) {
    return reject(Code::conflict, refused.what());
  }
}

Decided<Projector::RebuiltRow> Projector::rebuild_row(const std::string& key, const By& by) {
  auto owner = owner_of_row(*make_view_(), key, logs_);
  if (!owner)
    return reject_field("key", "is no key of view " + name_ +
                                   ": an aggregate's id, or <context>/<aggregate id> in a view over every context");
  const auto log = static_cast<std::size_t>(std::ranges::find(logs_, owner->log) - logs_.begin());
  RowFold fold(make_view_(), std::move(*owner), ports_.make_source(true));
  // Most of it while the view is folded on.
  fold.fold_to(next_offsets_[log], [this] { return running_.load(); });
  return ask<RebuiltRow>([&, this]() -> Decided<RebuiltRow> {
    if (auto no = not_expected(by)) return *no;
    if (!live_.store) return reject(Code::conflict, "View " + name_ + " is being folded anew as a whole.");
    const int64_t until_ms = ports_.now_ms() + hold_ms;
    if (!fold.fold_to(live_.store->position(fold.owner().log).offset, [&] { return ports_.now_ms() < until_ms; }))
      return reject(Code::unavailable,
                    "The log " + to_string(fold.owner().log) + " was not read in time. Nothing was done; try again.");
    if (fold.unreadable())
      return reject(Code::conflict, "This version cannot read " + *fold.unreadable() +
                                        ": start the version that can, which folds the view anew.");
    const ViewBatch correction = fold.correction(*live_.store);
    RebuiltRow row{!correction.rows.empty() || !correction.index_puts.empty() || !correction.index_deletes.empty(),
                   fold.rows(*live_.store)};
    if (row.rows.empty() || (row.rows.size() == 1 && !row.rows[0].stored && !row.rows[0].rebuilt && !row.changed))
      return reject(Code::not_found, "View " + name_ + " has no row " + key + ", and its logs give none.");
    operations::v1::RowRebuilt message;
    message.set_view(name_);
    message.set_generation(live_.number);
    message.set_row(key);
    message.set_changed(row.changed);
    if (auto no = tell(message, by)) return *no;
    if (row.changed) live_.store->write(correction);
    refolds_ = refolds_ || row.changed;
    return row;
  });
}

}  // namespace everfold
