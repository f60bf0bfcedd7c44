#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "kernel/ids.hpp"
#include "runtime/translator.hpp"

namespace everfold {
namespace {

// ---- small fakes of the ports

// A Kafka consumer group of one member, over logs in memory. What the group remembers outlives the member.
struct Group {
  struct Position {
    int64_t offset = 0;
    std::string note;
  };
  std::map<LogId, std::vector<OutgoingRecord>> logs;
  std::map<LogId, Position> positions;
};

class FakeSource : public GroupSource {
 public:
  explicit FakeSource(Group& group) : group_(group) {}

  void assign(const LogId& log) { to_assign_.push_back(log); }
  void revoke(const LogId& log) { to_revoke_.push_back(log); }

  std::size_t poll(int timeout_ms, const Listener& listener) override {
    timeouts.push_back(timeout_ms);
    for (const LogId& log : to_revoke_) next_.erase(log);
    if (!to_revoke_.empty()) listener.revoked(std::exchange(to_revoke_, {}));
    std::vector<Assigned> assigned;
    for (const LogId& log : std::exchange(to_assign_, {})) {
      const auto& [offset, note] = group_.positions[log];
      assigned.push_back({log, offset, note});
      next_[log] = offset;
    }
    if (!assigned.empty()) listener.assigned(assigned);
    std::size_t records = 0;
    for (auto& [log, next] : next_)
      for (const auto& all = group_.logs[log]; next < static_cast<int64_t>(all.size()); ++records)
        hand_over(listener, log, next++, all);
    return records;
  }
  void keep_membership(const Listener& listener) override {
    ++kept;
    for (const LogId& log : to_revoke_) next_.erase(log);
    if (!to_revoke_.empty()) listener.revoked(std::exchange(to_revoke_, {}));
  }
  void commit(const LogId& log, int64_t offset, const std::string& note) override {
    ++commits;
    ASSERT_GE(offset, group_.positions[log].offset) << "a position went backwards";
    group_.positions[log] = {offset, note};
  }
  void wake() override {}

  std::vector<int> timeouts;
  int commits = 0;
  int kept = 0;  // memberships, without reading

 private:
  static void hand_over(const Listener& listener, const LogId& log, int64_t offset,
                        const std::vector<OutgoingRecord>& records) {
    const OutgoingRecord& record = records[static_cast<std::size_t>(offset)];
    const std::vector<HeaderView> headers(record.headers.begin(), record.headers.end());
    listener.record(log, RecordView{offset, record.key, record.value, headers});
  }

  Group& group_;
  std::map<LogId, int64_t> next_;
  std::vector<LogId> to_assign_, to_revoke_;
};

class FakeSender : public CommandSender {
 public:
  bool send(const std::vector<Command>& commands, int) override {
    ++batches;
    std::size_t accepted = commands.size();
    if (failures > 0) --failures, accepted = std::min(accepted, arrive_anyway);
    for (std::size_t i = 0; i < accepted; ++i) sent.push_back(commands[i].meta);
    return accepted == commands.size();
  }

  std::vector<CommandMeta> sent;
  int batches = 0;
  int failures = 0;               // sends to fail
  std::size_t arrive_anyway = 0;  // commands of a failed send that Kafka has nevertheless
};

// ---- a translator of "orders" and "carts" and what it works on

const LogId orders0{"orders", 0}, orders1{"orders", 1}, carts0{"carts", 0};

class Runner : public ::testing::Test {
 protected:
  Runner() { restart(); }

  // A new program: nothing of the old one is left but what the group remembers.
  void restart() {
    source_ = std::make_unique<FakeSource>(group_);
    translator_ = std::make_unique<Translator>(
        *source_, sender_,
        Translator::Reactions{{"orders", {[this](const StoredEvent& event) { return react(event); }}},
                              {"carts", {[this](const StoredEvent& event) { return react(event); }, shadow}}},
        [this](const LogId& log, const Rejection& why, int64_t retry_in_ms) {
          errors_.push_back(to_string(log) + ": " + why.message);
          delays_.push_back(retry_in_ms);
        },
        Translator::Clock{[this] { return now_ms_; }, [this] { return now_ms_ + 1'700'000'000'000; }, [this](int64_t ms) { slept_ms_ += ms, now_ms_ += ms; }},
        options_);
    for (const LogId& log : {orders0, orders1, carts0}) source_->assign(log);
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
    if (event.meta.id == held_up_) return {reject(held_up_code_, "not now")};
    if (event.meta.id == later_) return Translator::Later{30};
    return {std::vector<Command>{command(event, "do")}};
  }
  static Decided<std::vector<Command>> shadow(const StoredEvent& event) {
    return std::vector<Command>{command(event, "shadow")};
  }

  void term(const LogId& log, int64_t term) { group_.logs[log].push_back(term_record(log, term, "me", "", "n", 0)); }
  // One commit of these events; "3.1" is its term and number. `parts`: how many of the events make it into the log.
  void commit(const LogId& log, int64_t term, int64_t number, const std::vector<std::string>& ids,
              std::size_t parts = 99) {
    for (std::size_t i = 0; i < std::min(ids.size(), parts); ++i) {
      StoredEvent event;
      event.meta.id = ids[i];
      event.meta.type = "everfold.test.Happened.v1";
      event.meta.context = log.context;
      event.meta.aggregate_id = "x";
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

  std::vector<std::string> sent() const {
    std::vector<std::string> all;
    for (const CommandMeta& meta : sender_.sent) all.push_back(meta.aggregate_id);
    return all;
  }
  std::string position(const LogId& log) {
    const auto& [offset, note] = group_.positions[log];
    return std::to_string(offset) + " " + note;
  }

  Group group_;
  FakeSender sender_;
  int64_t now_ms_ = 1'000'000;
  int64_t slept_ms_ = 0;
  std::string held_up_, later_, stop_at_;
  std::stop_source stop_;
  Code held_up_code_ = Code::unavailable;
  std::vector<std::string> reacted_, errors_;
  std::vector<int64_t> delays_;
  Translator::Options options_;
  std::unique_ptr<FakeSource> source_;
  std::unique_ptr<Translator> translator_;
};

using Strings = std::vector<std::string>;

TEST_F(Runner, SendsWhatACommitCausesAndThenMovesOn) {
  term(orders0, 1);
  commit(orders0, 1, 1, {"a1", "a2"});
  commit(orders0, 1, 2, {"b"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a1", "do a2", "do b"}));
  EXPECT_EQ(sender_.batches, 1);
  EXPECT_EQ(position(orders0), "4 1.3");
  EXPECT_EQ(translator_->counters().events_read, 3u);
  EXPECT_EQ(translator_->counters().commands_sent, 3u);
  EXPECT_EQ(translator_->counters().retries, 0u);
}

TEST_F(Runner, EveryReactionOfAContextIsAskedInOrder) {
  term(carts0, 1);
  commit(carts0, 1, 1, {"a", "b"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "shadow a", "do b", "shadow b"}));
}

TEST_F(Runner, AContextThatNobodyListensToOnlyMovesOn) {
  source_->assign({"payments", 0});
  term({"payments", 0}, 1);
  commit({"payments", 0}, 1, 1, {"a"});
  translator_->step();
  EXPECT_EQ(sender_.batches, 0);
  EXPECT_EQ(position({"payments", 0}), "2 1.2");
}

TEST_F(Runner, VoidRecordsCauseNothingButAreNotReadAgain) {
  term(orders0, 2);
  commit(orders0, 1, 1, {"fenced"});
  commit(orders0, 2, 1, {"a"});
  commit(orders0, 2, 1, {"duplicate"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a"}));
  EXPECT_EQ(position(orders0), "4 2.2");
  commit(orders0, 2, 3, {"behind a gap"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a"}));
  EXPECT_EQ(position(orders0), "5 2.0");
  restart();
  commit(orders0, 2, 2, {"still behind it"});
  term(orders0, 3);
  commit(orders0, 3, 1, {"b"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do b"}));
  EXPECT_EQ(position(orders0), "8 3.2");
}

TEST_F(Runner, HalfACommitIsReadAgainAfterARestart) {
  term(orders0, 1);
  commit(orders0, 1, 1, {"a1", "a2"}, 1);
  translator_->step();
  EXPECT_EQ(position(orders0), "1 1.1");
  EXPECT_TRUE(sent().empty());
  restart();
  group_.logs[orders0].pop_back();
  commit(orders0, 1, 1, {"a1", "a2"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a1", "do a2"}));
}

TEST_F(Runner, GoesOnFromTheNoteAfterARestart) {
  one_each();
  translator_->step();
  restart();
  commit(orders0, 1, 2, {"c"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do b", "do c"}));
  EXPECT_EQ(position(orders0), "3 1.3");
}

TEST_F(Runner, NothingMovesBeforeTheAcknowledgement) {
  one_each();
  sender_.failures = 1;
  sender_.arrive_anyway = 1;
  translator_->step();
  EXPECT_EQ(source_->commits, 0);
  EXPECT_EQ(translator_->counters().commands_sent, 0u);
  EXPECT_EQ(translator_->counters().retries, 2u);
  EXPECT_EQ(errors_.size(), 2u);
  now_ms_ += options_.backoff_first_ms;
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do a", "do b"}));
  EXPECT_EQ(sender_.sent[0].id, sender_.sent[1].id);
  EXPECT_EQ(position(orders0), "2 1.2");
  EXPECT_EQ(position(orders1), "2 1.2");
  EXPECT_EQ(reacted_, (Strings{"a", "b"})) << "what has been decided need not be asked again";
}

TEST_F(Runner, ARestartInTheMiddleRepeatsWithEqualIds) {
  one_each();
  commit(orders0, 1, 2, {"c"});
  sender_.failures = 1;
  sender_.arrive_anyway = 2;
  translator_->step();
  restart();
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do c", "do a", "do c", "do b"}));
  std::set<std::string> ids;
  for (const CommandMeta& meta : sender_.sent) ids.insert(meta.id);
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(Runner, AHeldUpEventHoldsUpItsPartitionAndNoOther) {
  one_each();
  commit(orders0, 1, 2, {"c1", "c2", "c3"});
  commit(orders0, 1, 3, {"d"});
  held_up_ = "c2";
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do b"}));
  EXPECT_EQ(position(orders0), "2 1.2") << "what came before it is done";
  commit(orders1, 1, 2, {"e"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do b", "do e"}));
  held_up_.clear();
  now_ms_ += options_.backoff_first_ms;
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do b", "do e", "do c1", "do c2", "do c3", "do d"}));
  EXPECT_EQ(std::ranges::count(reacted_, "c1"), 1) << "what the commit caused before it is kept";
  EXPECT_EQ(position(orders0), "6 1.4");
}

TEST_F(Runner, WhatCannotBeReadIsReportedEachTimeAndNeverSkipped) {
  one_each();
  held_up_ = "a";
  held_up_code_ = Code::internal;
  for (int i = 0; i < 3; ++i, now_ms_ += options_.backoff_max_ms) translator_->step();
  EXPECT_EQ(errors_, (Strings(3, "orders.0: not now")));
  EXPECT_EQ(sent(), (Strings{"do b"}));
  EXPECT_EQ(position(orders0), "0 ");
}

TEST_F(Runner, RetriesBackOffUpToALimitAndStartAnewAfterASuccess) {
  options_.backoff_first_ms = 100;
  options_.backoff_max_ms = 1'000;
  restart();
  one_each();
  held_up_ = "a";
  for (int i = 0; i < 6; ++i) {
    translator_->step();
    if (i > 0) now_ms_ += delays_.back() - 1;
    translator_->step();  // a moment too early: not tried
    now_ms_ += i > 0 ? 1 : delays_.back();
  }
  EXPECT_EQ(delays_, (std::vector<int64_t>{100, 200, 400, 800, 1'000, 1'000}));
  held_up_.clear();
  translator_->step();
  commit(orders0, 1, 2, {"c"});
  held_up_ = "c";
  translator_->step();
  EXPECT_EQ(delays_.back(), 100);
}

TEST_F(Runner, WaitsInThePollUntilTheNextRetry) {
  options_.poll_ms = 100;
  options_.backoff_first_ms = 60;
  restart();
  one_each();
  held_up_ = "a";
  translator_->step();
  translator_->step();
  now_ms_ += 50;
  translator_->step();
  EXPECT_EQ(source_->timeouts, (std::vector<int>{100, 60, 10}));
}

TEST_F(Runner, AnAnswerThatIsBeingWorkedOnIsAskedForAgainAndIsNoTrouble) {
  one_each();
  later_ = "a";
  translator_->step();
  translator_->step();
  EXPECT_EQ(source_->timeouts.back(), 30);
  EXPECT_EQ(sent(), (Strings{"do b"}));
  EXPECT_EQ(position(orders0), "0 ");
  now_ms_ += 29;
  translator_->step();
  EXPECT_EQ(std::ranges::count(reacted_, "a"), 1);
  now_ms_ += 1;
  translator_->step();
  EXPECT_EQ(std::ranges::count(reacted_, "a"), 2);
  later_.clear();
  now_ms_ += 30;
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do b", "do a"}));
  EXPECT_EQ(position(orders0), "2 1.2");
  EXPECT_EQ(translator_->counters().retries, 0u);
  EXPECT_TRUE(errors_.empty());
}

TEST_F(Runner, AFullBacklogStopsReadingUntilItIsWorkedOff) {
  options_.backlog_max_events = 2;
  restart();
  one_each();
  commit(orders0, 1, 2, {"c"});
  held_up_ = "a";
  translator_->step();
  const std::size_t polls = source_->timeouts.size();
  held_up_.clear();
  translator_->step();
  EXPECT_EQ(source_->timeouts.size(), polls) << "there was no room for more";
  EXPECT_EQ(source_->kept, 1) << "but the group must not think that this member is gone";
  EXPECT_EQ(slept_ms_, options_.backoff_first_ms);
  EXPECT_EQ(sent(), (Strings{"do b", "do a", "do c"}));
  translator_->step();
  EXPECT_EQ(source_->timeouts.size(), polls + 1);
}

TEST_F(Runner, ABatchEndsWithTheCommitThatFillsItAndTheRestFollowsAtOnce) {
  options_.batch_commands = 2;
  restart();
  one_each();
  commit(orders0, 1, 2, {"c1", "c2"});
  commit(orders0, 1, 3, {"d"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do c1", "do c2"}));
  EXPECT_EQ(position(orders0), "4 1.3");
  translator_->step();
  EXPECT_EQ(source_->timeouts.back(), 0);
  EXPECT_EQ(sent(), (Strings{"do a", "do c1", "do c2", "do d", "do b"}));
}

TEST_F(Runner, ARevokedPartitionIsForgotten) {
  one_each();
  held_up_ = "a";
  translator_->step();
  source_->revoke(orders0);
  held_up_.clear();
  now_ms_ += options_.backoff_max_ms;
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do b"}));
  EXPECT_EQ(position(orders0), "0 ");
  source_->assign(orders0);  // and comes back: from where the group stands
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do b", "do a"}));
}

TEST_F(Runner, AskedToStopItFinishesTheStepAndReturns) {
  one_each();
  stop_at_ = "a";
  translator_->run(stop_.get_token());
  EXPECT_EQ(sent(), (Strings{"do a", "do b"}));
  EXPECT_EQ(position(orders0), "2 1.2");
  EXPECT_EQ(source_->timeouts.size(), 1u);
}

// ---- the note beside a position

TEST(PositionNote, RoundTrip) {
  const LogPosition position{42, 3, 1042};
  EXPECT_EQ(position_note(position), "3.1042");
  EXPECT_EQ(position_from_note(orders0, 42, "3.1042"), position);
  EXPECT_EQ(position_from_note(orders0, 42, "3.0"), (LogPosition{42, 3, 0}));
  EXPECT_EQ(position_from_note(orders0, 0, ""), LogPosition{});
}

TEST(PositionNote, APositionMovedByHandStopsTheProgram) {
  EXPECT_DEATH(position_from_note(orders0, 42, ""), "orders.0 at offset 42 has no term beside it");
  for (const char* note : {"3", "3.", ".1", "3.1x", "-3.1", "3.1.1"})
    EXPECT_DEATH(position_from_note(orders0, 42, note), "moved by hand") << note;
}

}  // namespace
}  // namespace everfold
