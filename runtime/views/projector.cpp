#include "runtime/views/projector.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "kernel/ids.hpp"

namespace everfold {
namespace {

constexpr int damages_before_giving_up = 3;
constexpr int64_t last_retry_ms = 30'000;

}  // namespace

Projector::Projector(MakeView make_view, std::vector<LogId> logs, Ports ports, ProjectorSettings settings)
    : make_view_(std::move(make_view)),
      name_(make_view_()->name()),
      code_version_(make_view_()->version()),
      logs_(std::move(logs)),
      ports_(std::move(ports)),
      settings_(settings),
      generations_(name_, code_version_, ports_),
      next_offsets_(logs_.size()),
      last_event_ms_(logs_.size()) {}

Projector::~Projector() = default;

void Projector::run(const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    running_ = true;
  }
  struct End {
    Projector& projector;
    ~End() {
      projector.close();
      projector.end_wishes();
    }
  } end{*this};
  while (!stop.stop_requested()) {
    try {
      fold_until_damaged(stop);
    } catch (const ViewUnwritable& trouble) {
      close();
      wait_out(trouble.what(), stop);
    } catch (const std::system_error& trouble) {  // of a folder
      close();
      wait_out(trouble.what(), stop);
    }
  }
}

void Projector::fold_until_damaged(const std::stop_token& stop) {
  try {
    open();
    while (!stop.stop_requested()) {
      live_.store ? follow(stop) : wait_for_build(stop);
      if (build_is_due()) take_over(stop);
    }
  } catch (const ViewDamaged& damage) {
    heal(damage);
  }
}

bool Projector::rebuild(const std::stop_token& stop) {
  begin(generations_.start(order_of(RebuildOrder::Kind::rebuild, {})));
  begin_when_due(nullptr);
  while (!stop.stop_requested() && !build_is_due()) wait_for_build(stop);
  if (build_is_due()) take_over(stop);
  const bool switched = live_.store != nullptr;
  close();
  return switched;
}

void Projector::open() {
  paused_ = generations_.paused();
  auto opened = generations_.open();
  if (opened.live) live_ = std::move(*opened.live);
  if (!opened.build && !live_.store) opened.build = generations_.start(order_of(RebuildOrder::Kind::rebuild, {}));
  generation_ = live_.number;
  building_ = !live_.store;
  if (opened.build) begin(std::move(*opened.build));
}

void Projector::close() {
  if (build_) end_build(build_->status());
  ordered_.reset();
  awaited_.clear();
  folding_.reset();
  fold_view_.reset();
  live_ = {};
}

void Projector::end_build(BuildStatus last) {
  {
    const std::lock_guard lock(mutex_);
    built_events_ += last.events;
    build_status_ = nullptr;
    last_build_ = std::move(last);
  }
  changed_.notify_all();
  build_.reset();
}

void Projector::heal(const ViewDamaged& damage) {
  if (damages_ + 1 >= damages_before_giving_up)
    throw std::runtime_error("view " + name_ + " is damaged again and again, last: " + damage.what());
  std::optional<RebuildOrder> again;
  if (build_ && build_->number() == troubled_) again = build_->order();
  const int64_t number = troubled_;
  const bool making = build_ && build_->number() == number;
  close();
  if (making) {
    const std::lock_guard lock(mutex_);
    last_build_->phase = RebuildSteps::Phase::failed;
    last_build_->failure = damage.what();
  }
  generations_.set_aside(number, damage, again);
  ++damages_;
  if (again && again->kind == RebuildOrder::Kind::rebuild)
    generations_.start(*again);  // gone on with when it is opened again
}

// What was written is whole, and the rest is read again: opening anew is all the healing that a full disk needs once it
// has room.
void Projector::wait_out(const std::string& trouble, const std::stop_token& stop) {
  const int64_t pause_ms = std::min(last_retry_ms, settings_.retry_ms << std::min(troubles_++, 10));
  caught_up_ = false;
  ports_.warn("view " + name_ + " cannot be written: " + trouble +
              ". Is the disk full, or Kafka away? Queries answer what was folded until now; trying again in " +
              std::to_string(pause_ms) + " ms");
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, std::chrono::milliseconds(pause_ms), [] { return false; });
}

void Projector::begin(Build build) {
  BuildStatus status;
  status.generation = build.generation.number;
  status.order = build.order;
  ordered_ = std::move(build);
  const std::lock_guard lock(mutex_);
  last_build_ = std::move(status);
}

// What is to be compared with the live one begins when that is as far in every log.
void Projector::begin_when_due(const ViewFold* live) {
  if (!ordered_) return;
  ViewBuild::Beside beside{live_.number, nullptr};
  if (ordered_->order.verify && live) {
    for (std::size_t i = 0; i < logs_.size(); ++i)
      if (live_.store->position(logs_[i]).offset < ordered_->generation.store->position(logs_[i]).offset) return;
    beside.snapshot = live_.store->snapshot();
  }
  build_ = std::make_unique<ViewBuild>(std::move(*ordered_), std::move(beside), make_view_, logs_, ports_, settings_);
  ordered_.reset();
  const std::lock_guard lock(mutex_);
  build_status_ = [build = build_.get()] { return build->status(); };
}

void Projector::follow(const std::stop_token& stop) {
  troubled_ = live_.number;
  if (!folding_) start_folding(stop);
  while (!stop.stop_requested() && !build_is_due() && !refolds_) {
    if (paused_) {
      rest(stop);
    } else {
      events_ += static_cast<int64_t>(folding_->step());
      show(folding_->fold());
    }
    if (!awaited_.empty() && folding_->fold().reached(awaited_)) {
      folding_->write();
      awaited_.clear();
      caught_up_ = true;
      damages_ = troubles_ = 0;
    }
    look_after();
    begin_when_due(&folding_->fold());
    if (wished()) {
      folding_->write();
      do_wishes();
    }
  }
  folding_->write();
  if (std::exchange(refolds_, false)) folding_.reset();
}

void Projector::start_folding(const std::stop_token& stop) {
  require_same_logs(positions_of(*live_.store), ports_, stop);
  fold_view_ = make_view_();
  folding_ =
      std::make_unique<ViewFolding>(*fold_view_, *live_.store, logs_, ports_.make_source(false), ports_, settings_);
  show(folding_->fold());
  awaited_ = learn_ends(folding_->source(), logs_, ports_, stop);
}

// There is nothing to fold on meanwhile.
void Projector::wait_for_build(const std::stop_token& stop) {
  begin_when_due(nullptr);
  generation_ = build_ ? build_->number() : 0;
  rest(stop);
  look_after();
  do_wishes();
}

void Projector::rest(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, std::chrono::milliseconds(settings_.poll_ms), [this] { return !wishes_.empty(); });
}

// The live one stands still, the new one comes as far, and is shown: no reader sees less than it has seen.
void Projector::take_over(const std::stop_token& stop) {
  troubled_ = build_->number();
  std::vector<int64_t> at_least;
  if (live_.store)
    for (const LogId& log : logs_) at_least.push_back(live_.store->position(log).offset);
  build_->finish(std::move(at_least));
  auto made = build_->take(stop);
  if (!made) return;
  generations_.switch_to(made->generation);
  BuildStatus last = build_->status();
  last.phase = RebuildSteps::Phase::switched;
  folding_ = std::move(made->folding);  // and goes on where it is; the old one goes before its view and its store
  fold_view_ = std::move(made->view);
  live_ = std::move(made->generation);
  show(folding_->fold());
  generation_ = live_.number;
  building_ = false;
  awaited_.clear();
  caught_up_ = true;
  damages_ = troubles_ = 0;
  end_build(std::move(last));
}

std::vector<std::pair<LogId, LogPosition>> Projector::positions_of(const ViewStore& store) const {
  std::vector<std::pair<LogId, LogPosition>> positions;
  for (const LogId& log : logs_) positions.emplace_back(log, store.position(log));
  return positions;
}

void Projector::look_after() {
  const int64_t now = ports_.now_ms();
  const int64_t passed_ms = now - looked_ms_;
  if (passed_ms < settings_.look_ms) return;
  const int64_t events = status().events;
  events_per_s_ = static_cast<double>(events - looked_events_) * 1000 / static_cast<double>(passed_ms);
  looked_ms_ = now;
  looked_events_ = events;
  for (const int64_t number : {live_.store ? live_.number : 0, build_ ? build_->number() : 0}) {
    if (number == 0) continue;
    troubled_ = number;
    if (const std::string damage = generations_.damage_of(number); !damage.empty()) throw ViewDamaged(damage);
  }
  troubled_ = live_.number;
}

void Projector::show(const ViewFold& fold) {
  for (std::size_t i = 0; i < logs_.size(); ++i) {
    next_offsets_[i] = fold.next_offset(i);
    if (fold.last_event_ms(i) > 0) last_event_ms_[i] = fold.last_event_ms(i);
  }
  parked_ = static_cast<int64_t>(fold.parked());
}

Projector::Status Projector::status() const {
  Status status{generation_, building_, paused_, caught_up_, events_, events_per_s_, parked_,
                {next_offsets_.begin(), next_offsets_.end()}, {last_event_ms_.begin(), last_event_ms_.end()}, {}};
  const std::lock_guard lock(mutex_);
  status.events += built_events_;
  status.build = last_build_;
  if (!build_status_) return status;
  status.build = build_status_();
  status.events += status.build->events;
  if (status.building && !status.build->next_offsets.empty()) status.next_offsets = status.build->next_offsets;
  return status;
}

}  // namespace everfold
