// A translator of "orders" and "carts" and what it works on.
#pragma once

#include "kernel/ids.hpp"
#include "runtime/translator.hpp"
#include "tests/unit/group_fakes.hpp"

namespace everfold {

inline const LogId orders0{"orders", 0}, orders1{"orders", 1}, carts0{"carts", 0};

class Runner : public ::testing::Test {
 protected:
  using Strings = std::vector<std::string>;

  Runner() { restart(); }

  // A new program: nothing of the old one is left but what Kafka has.
  void restart() {
    translator_.reset();
    parts_ = std::make_unique<ParkingParts>(group_, topic_, now_ms_, parking_options_);
    source_ = std::make_unique<FakeSource>(group_);
    translator_ = std::make_unique<Translator>(
        *source_, sender_, parts_->parking,
        Translator::Reactions{{"orders", {[this](const StoredEvent& event) { return react(event); }}},
                              {"carts", {[this](const StoredEvent& event) { return react(event); }, shadow}}},
        [this](const LogId& log, const Rejection& why, int64_t retry_in_ms) {
          errors_.push_back(to_string(log) + ": " + why.message);
          delays_.push_back(retry_in_ms);
        },
        Translator::Clock{[this] { return now_ms_; }, [this] { return now_ms_ + ParkingParts::wall_offset_ms; }}, options_);
    for (const LogId& log : {orders0, orders1, carts0}) source_->assign(log);
  }
  void step(int64_t after_ms = 0) {
    now_ms_ += after_ms;
    translator_->step();
  }
  // Until nothing more happens by itself at this time.
  void settle(int64_t after_ms = 0) {
    now_ms_ += after_ms;
    for (int i = 0; i < 20; ++i) translator_->step();
  }

  static Command command(const StoredEvent& cause, const std::string& purpose) {
    Command out;
    out.meta.id = derive_id({cause.meta.id, purpose});
    out.meta.aggregate_id = purpose + " " + cause.meta.id;
    return out;
  }
  Translator::Reacted react(const StoredEvent& event) {
    reacted_.push_back(event.meta.id);
    if (event.meta.id == stop_at_) stop_.request_stop();
    if (refused_.contains(event.meta.id)) return {reject(code_, "not now")};
    if (event.meta.id == later_) return Translator::Later{30};
    return {std::vector<Command>{command(event, "do")}};
  }
  static Decided<std::vector<Command>> shadow(const StoredEvent& event) {
    return std::vector<Command>{command(event, "shadow")};
  }

  void term(const LogId& log, int64_t term) { group_.logs[log].push_back(term_record(log, term, "me", "", "n", 0)); }
  // One commit of these events; "3.1" is its term and number. `parts`: how many of the events make it into the log.
  void commit(const LogId& log, int64_t term, int64_t number, const std::vector<std::string>& ids, std::size_t parts = 99,
              const std::string& aggregate = "x") {
    for (std::size_t i = 0; i < std::min(ids.size(), parts); ++i) {
      StoredEvent event;
      event.meta.id = ids[i];
      event.meta.type = "everfold.test.Happened.v1";
      event.meta.context = log.context;
      event.meta.aggregate_id = aggregate;
      group_.logs[log].push_back(
          event_record(event, {term, number, static_cast<int>(i) + 1, static_cast<int>(ids.size())}));
    }
  }
  // One commit a log: the first of its first term.
  void one_each() {
    for (const auto& [log, id] : {std::pair(orders0, "a"), std::pair(orders1, "b")}) {
      term(log, 1);
      commit(log, 1, 1, {id});
    }
  }

  Strings sent() const {
    Strings all;
    for (const CommandMeta& meta : sender_.sent) all.push_back(meta.aggregate_id);
    return all;
  }
  std::string position(const LogId& log) {
    const auto& [offset, note] = group_.positions[log];
    return std::to_string(offset) + " " + note;
  }

  Group group_;
  FakeSender sender_;
  std::shared_ptr<MemoryLogs> topic_ = std::make_shared<MemoryLogs>();
  int64_t now_ms_ = 1'000'000;
  std::string later_, stop_at_;
  std::set<std::string> refused_;
  std::stop_source stop_;
  Code code_ = Code::unavailable;
  Strings reacted_, errors_;
  std::vector<int64_t> delays_;
  Translator::Options options_;
  Parking::Options parking_options_;
  std::unique_ptr<ParkingParts> parts_;
  std::unique_ptr<FakeSource> source_;
  std::unique_ptr<Translator> translator_;
};

}  // namespace everfold
