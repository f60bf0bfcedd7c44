#include "runtime/views/view_build.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "runtime/views/bulk_fold.hpp"
#include "runtime/views/operations_log.hpp"
#include "schemas/operations/v1/events.pb.h"

namespace everfold {
namespace {

using Phase = RebuildSteps::Phase;

constexpr std::chrono::seconds tell_again_after{1};
constexpr int64_t rate_ms = 1'000;

// Building takes turns; this is one.
class Turn {
 public:
  Turn(BuildTurn& turn, const std::stop_token& stop) : turn_(turn), mine_(turn.wait(stop)) {}
  ~Turn() {
    if (mine_) turn_.pass();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool mine() const { return mine_; }

 private:
  BuildTurn& turn_;
  const bool mine_;
};

RebuildOrder without_comparing(RebuildOrder order) {
  order.verify = false;
  return order;
}

int64_t sum(const std::vector<int64_t>& offsets) { return std::accumulate(offsets.begin(), offsets.end(), int64_t{0}); }

}  // namespace

ViewBuild::ViewBuild(Build build, Beside beside, const MakeView& make_view, const std::vector<LogId>& logs,
                     const ViewPorts& ports, const ProjectorSettings& settings)
    : build_(std::move(build)),
      beside_(std::move(beside)),
      make_view_(make_view),
      logs_(logs),
      ports_(ports),
      settings_(settings),
      view_(make_view()->name()),
      started_ms_(ports.now_ms()),
      rated_ms_(started_ms_),
      steps_(beside_.snapshot ? build_.order : without_comparing(build_.order)) {
  for (std::size_t i = 0; i < logs_.size(); ++i) {
    all_logs_.push_back(i);
    status_.next_offsets.push_back(build_.generation.store->position(logs_[i]).offset);
  }
  first_offsets_ = sum(status_.next_offsets);
  status_.generation = number();
  status_.order = build_.order;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ViewBuild::~ViewBuild() = default;

BuildStatus ViewBuild::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool ViewBuild::ask_switch() {
  const std::lock_guard lock(mutex_);
  const bool ready = steps_.ask_switch();
  changed_.notify_all();
  return ready;
}

bool ViewBuild::waits_for_a_word() const {
  const std::lock_guard lock(mutex_);
  return steps_.phase() == Phase::ready && !steps_.may_switch();
}

bool ViewBuild::due() const {
  const std::lock_guard lock(mutex_);
  return told_ || ended_;
}

void ViewBuild::finish(std::vector<int64_t> at_least) {
  const std::lock_guard lock(mutex_);
  finish_at_ = std::move(at_least);
  if (folding_) folding_->source().wake();
}

std::optional<ViewBuild::Made> ViewBuild::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [this] { return ended_; })) return std::nullopt;
  if (trouble_) std::rethrow_exception(trouble_);
  if (!folding_) throw std::runtime_error("a generation in the making ended before it was made");
  return Made{std::move(build_.generation), std::move(view_of_rest_), std::move(folding_)};
}

void ViewBuild::run(const std::stop_token& stop) {
  std::exception_ptr trouble;
  try {
    work(stop);
  } catch (const std::exception&) {
    trouble = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  trouble_ = trouble;
  ended_ = true;
  changed_.notify_all();
}

void ViewBuild::work(const std::stop_token& stop) {
  tell_started(stop);
  std::vector<std::pair<LogId, LogPosition>> positions;
  for (const LogId& log : logs_) positions.emplace_back(log, build_.generation.store->position(log));
  require_same_logs(positions, ports_, stop);
  auto source = ports_.make_source(false);
  {
    const Turn turn(ports_.turn, stop);
    if (!turn.mine() || !fold_most(*source, stop)) return;
  }
  view_of_rest_ = make_view_();
  auto rest = std::make_unique<ViewFolding>(*view_of_rest_, *build_.generation.store, logs_, std::move(source), ports_,
                                            settings_);
  if (!fold_to(*rest, learn_ends(rest->source(), logs_, ports_, stop), stop)) return;
  {
    const std::lock_guard lock(mutex_);
    folding_ = std::move(rest);
  }
  reached();
  tell_finished(stop);
  keep_up(*folding_, stop);
}

// To where the live one stood and compared with it, or to what is the logs' end now.
bool ViewBuild::fold_most(LogSource& source, const std::stop_token& stop) {
  std::vector<int64_t> offsets;
  if (beside_.snapshot)
    for (const LogId& log : logs_) offsets.push_back(beside_.snapshot->position(log).offset);
  else
    offsets = learn_ends(source, logs_, ports_, stop);
  if (stop.stop_requested()) return false;
  set_total(offsets);
  const BulkFold bulk{make_view_,
                      *build_.generation.store,
                      logs_,
                      ports_,
                      settings_,
                      [this](std::size_t events, const ViewFold& fold, const std::vector<std::size_t>& logs) {
                        show(events, fold, logs);
                      }};
  if (!fold_in_bulk(bulk, offsets, stop)) return false;
  reached();
  return !beside_.snapshot || compare_with_live(stop);
}

void ViewBuild::reached() {
  const std::lock_guard lock(mutex_);
  steps_.reached();
  status_.phase = steps_.phase();
}

bool ViewBuild::fold_to(ViewFolding& folding, const std::vector<int64_t>& offsets, const std::stop_token& stop) {
  if (stop.stop_requested()) return false;  // the offsets are not all known then
  set_total(offsets);
  while (!stop.stop_requested() && !folding.fold().reached(offsets)) show(folding.step(), folding.fold(), all_logs_);
  folding.write();
  return !stop.stop_requested();
}

void ViewBuild::set_total(const std::vector<int64_t>& offsets) {
  const std::lock_guard lock(mutex_);
  status_.total = std::max<int64_t>(sum(offsets) - first_offsets_, 0);
}

void ViewBuild::show(std::size_t events, const ViewFold& fold, const std::vector<std::size_t>& logs) {
  const int64_t now_ms = ports_.now_ms();
  const std::lock_guard lock(mutex_);
  status_.events += static_cast<int64_t>(events);
  if (steps_.phase() != Phase::ready) status_.duration_ms = now_ms - started_ms_;
  for (std::size_t i = 0; i < logs.size(); ++i) status_.next_offsets[logs[i]] = fold.next_offset(i);
  status_.records = sum(status_.next_offsets) - first_offsets_;
  if (now_ms - rated_ms_ < rate_ms) return;
  status_.events_per_s =
      static_cast<double>(status_.events - rated_events_) * 1'000 / static_cast<double>(now_ms - rated_ms_);
  rated_ms_ = now_ms;
  rated_events_ = status_.events;
}

bool ViewBuild::compare_with_live(const std::stop_token& stop) {
  auto result = compare(*beside_.snapshot, *build_.generation.store->snapshot(), [&](int64_t rows) {
    const std::lock_guard lock(mutex_);
    status_.compared = rows;
    return !stop.stop_requested();
  });
  beside_.snapshot.reset();
  if (!result) return false;
  const std::lock_guard lock(mutex_);
  steps_.compared(result->same());
  status_.phase = steps_.phase();
  status_.compared = result->rows.compared;
  status_.comparison = std::make_shared<const Comparison>(std::move(*result));
  return true;
}

void ViewBuild::keep_up(ViewFolding& folding, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    show(folding.step(), folding.fold(), all_logs_);
    bool tell = false;
    {
      const std::lock_guard lock(mutex_);
      if (finish_at_ && (finish_at_->empty() || folding.fold().reached(*finish_at_))) break;
      tell = !told_ && steps_.may_switch();
    }
    if (tell) tell_switched(stop);
  }
  folding.write();
}

void ViewBuild::tell_started(const std::stop_token& stop) {
  if (build_.order.kind != RebuildOrder::Kind::rebuild) return;
  using operations::v1::RebuildStarted;
  RebuildStarted message;
  message.set_view(view_);
  message.set_generation(number());
  message.set_live(beside_.live);
  message.set_verify(build_.order.verify);
  message.set_switch_(build_.order.switch_by_itself ? RebuildStarted::AUTO : RebuildStarted::MANUAL);
  tell(message, "started", stop);
}

void ViewBuild::tell_finished(const std::stop_token& stop) {
  if (build_.order.kind != RebuildOrder::Kind::rebuild) return;
  const BuildStatus now = status();
  operations::v1::RebuildFinished message;
  message.set_view(view_);
  message.set_generation(number());
  message.set_outcome(now.comparison && !now.comparison->same() ? operations::v1::RebuildFinished::DIFFERENT
                                                                : operations::v1::RebuildFinished::READY);
  message.set_events(now.events);
  message.set_duration_ms(now.duration_ms);
  if (now.comparison) {
    message.mutable_comparison()->set_rows(now.comparison->rows.compared);
    message.mutable_comparison()->set_added(now.comparison->rows.added);
    message.mutable_comparison()->set_lost(now.comparison->rows.lost);
    message.mutable_comparison()->set_changed(now.comparison->rows.changed);
  }
  tell(message, "finished", stop);
}

// Before it is done, so that no switch is without its event.
void ViewBuild::tell_switched(const std::stop_token& stop) {
  const auto fill = [&](auto message) {
    message.set_view(view_);
    message.set_from(beside_.live);
    message.set_to(number());
    tell(message, "switched", stop);
  };
  build_.order.kind == RebuildOrder::Kind::rollback ? fill(operations::v1::GenerationRolledBack())
                                                    : fill(operations::v1::GenerationSwitched());
  const std::lock_guard lock(mutex_);
  told_ = true;
}

template <class Message>
void ViewBuild::tell(const Message& message, const std::string& what, const std::stop_token& stop) {
  const StoredEvent event = operation(message, done_by(build_.order, number(), what, ports_.wall_ms()));
  for (bool told = false; !told && !stop.stop_requested();) {
    try {
      ports_.note(event);
      told = true;
    } catch (const std::runtime_error& error) {  // Kafka is away: that is waited for
      ports_.warn(error.what());
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, tell_again_after, [] { return false; });
    }
  }
}

}  // namespace everfold
