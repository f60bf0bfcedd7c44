#include "runtime/projector.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>

namespace everfold {
namespace {

constexpr int end_offset_timeout_ms = 5'000;
constexpr int damages_before_giving_up = 3;
constexpr int64_t last_retry_ms = 30'000;

}  // namespace

bool BuildTurn::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!free_.wait(lock, stop, [&] { return !taken_; })) return false;
  taken_ = true;
  return true;
}

void BuildTurn::pass() {
  const std::lock_guard lock(mutex_);
  taken_ = false;
  free_.notify_one();
}

Projector::Projector(View& view, std::vector<LogId> logs, Ports ports, ProjectorSettings settings)
    : view_(view),
      logs_(std::move(logs)),
      ports_(std::move(ports)),
      settings_(settings),
      generations_(ports_.shelf, std::string(view.name()), view.version(), ports_.say, ports_.warn),
      next_offsets_(logs_.size()) {}

void Projector::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Generation generation;
    try {
      generation = generations_.open();
      if (generation.building && !build(generation, stop)) return;
      follow(generation, stop);
    } catch (const ViewDamaged& damage) {
      if (++damages_ >= damages_before_giving_up)
        throw std::runtime_error("view " + std::string(view_.name()) +
                                 " is damaged again and again, last: " + damage.what());
      generation.store.reset();
      generations_.set_aside(generation.number, damage);
    } catch (const ViewUnwritable& trouble) {
      generation.store.reset();
      wait_out(trouble.what(), stop);
    } catch (const std::system_error& trouble) {  // of a folder
      generation.store.reset();
      wait_out(trouble.what(), stop);
    }
  }
}

// What was written is whole, and the rest is read again: opening anew is all the healing that a full disk needs once it has room.
void Projector::wait_out(const std::string& trouble, const std::stop_token& stop) {
  const int64_t pause_ms = std::min(last_retry_ms, settings_.retry_ms << std::min(troubles_++, 10));
  caught_up_ = false;
  ports_.warn("view " + std::string(view_.name()) + " cannot be written: " + trouble +
              ". Is the disk full? Queries answer what was folded until now; trying again in " + std::to_string(pause_ms) + " ms");
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any stopped;
  stopped.wait_for(lock, stop, std::chrono::milliseconds(pause_ms), [] { return false; });
}

bool Projector::rebuild(const std::stop_token& stop) {
  Generation generation = generations_.start();
  return build(generation, stop);
}

bool Projector::build(Generation& generation, const std::stop_token& stop) {
  if (!ports_.turn.wait(stop)) return false;
  struct Pass {
    BuildTurn& turn;
    ~Pass() { turn.pass(); }
  } pass{ports_.turn};
  if (!follow(generation, stop)) return false;
  generations_.switch_to(generation);
  building_ = false;
  return true;
}

// A building generation: until it has reached the logs' end of now; true then. A live one: until asked to stop.
bool Projector::follow(const Generation& generation, const std::stop_token& stop) {
  require_same_logs(*generation.store, stop);
  const auto source = ports_.make_source(generation.building);
  ViewFold fold(view_, *generation.store, logs_);
  generation_ = generation.number;
  building_ = generation.building;
  show(fold);
  const std::vector<int64_t> ends = learn_ends(*source, stop);
  source->assign(fold.positions());
  bool reached = false;
  while (!stop.stop_requested()) {
    step(*source, fold);
    if (!reached && fold.reached(ends)) {
      fold.write();
      reached = true;
      if (generation.building) return true;
      caught_up_ = true;
      damages_ = troubles_ = 0;
    }
    look_after(generation);
  }
  fold.write();
  return false;
}

void Projector::step(LogSource& source, ViewFold& fold) {
  const bool waiting = fold.unwritten_records() > 0;
  const std::size_t records = source.poll(waiting ? 0 : settings_.poll_ms,
                                          [&](std::size_t log, const RecordView& record) { fold.take(log, record); });
  if (!waiting) batch_started_ms_ = ports_.now_ms();
  if (records > 0) {
    events_ += static_cast<int64_t>(fold.fold());
    show(fold);
    for (const std::string& why : fold.newly_parked()) ports_.warn(why);
  }
  if (records == 0 || fold.unwritten_records() >= settings_.batch_records ||
      ports_.now_ms() - batch_started_ms_ >= settings_.batch_ms)
    fold.write();
}

void Projector::require_same_logs(const ViewStore& store, const std::stop_token& stop) {
  std::vector<std::pair<LogId, LogPosition>> positions;
  for (const LogId& log : logs_) positions.emplace_back(log, store.position(log));
  for (bool known = false; !known && !stop.stop_requested();) {
    std::optional<std::string> refusal;
    try {
      refusal = ports_.refusal(positions);
      known = true;
    } catch (const std::runtime_error& error) {  // Kafka is away: that is waited for
      ports_.warn(error.what());
    }
    if (refusal) throw std::runtime_error(*refusal);
  }
}

// Kafka may be away at the start: that is waited for, and said.
std::vector<int64_t> Projector::learn_ends(LogSource& source, const std::stop_token& stop) {
  std::vector<int64_t> ends(logs_.size(), 0);
  for (std::size_t i = 0; i < logs_.size() && !stop.stop_requested();) {
    try {
      ends[i] = source.end_offset(logs_[i], end_offset_timeout_ms);
      ++i;
    } catch (const std::runtime_error& error) {
      ports_.warn(error.what());
    }
  }
  return ends;
}

void Projector::look_after(const Generation& generation) {
  const int64_t now = ports_.now_ms();
  const int64_t passed_ms = now - looked_ms_;
  if (passed_ms < settings_.look_ms) return;
  const int64_t events = events_;
  events_per_s_ = static_cast<double>(events - looked_events_) * 1000 / static_cast<double>(passed_ms);
  looked_ms_ = now;
  looked_events_ = events;
  if (const std::string damage = generations_.damage_of(generation); !damage.empty()) throw ViewDamaged(damage);
}

void Projector::show(const ViewFold& fold) {
  for (std::size_t i = 0; i < logs_.size(); ++i) next_offsets_[i] = fold.next_offset(i);
  parked_ = static_cast<int64_t>(fold.parked());
}

Projector::Status Projector::status() const {
  return {generation_, building_, caught_up_, events_, events_per_s_, parked_, {next_offsets_.begin(), next_offsets_.end()}};
}

}  // namespace everfold
