// The reading rules of docs/log-format.md: one row a rule, and a comparison with a second, naive implementation.
#include "kernel/log_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace everfold {
namespace {

// A record of a log: "T3" is TermStarted of term 3, anything else an event's mark, "none" one that has no mark at all.
struct Record {
  int64_t offset = 0;
  int64_t term_started = 0;  // 0: an event
  LogMark mark;
};

Record record(int64_t offset, const std::string& text) {
  if (text.front() == 'T') return {offset, std::stoll(text.substr(1)), {}};
  return {offset, 0, text == "none" ? LogMark{} : parse_log_mark(text).value()};
}

Verdict feed(LogReader& reader, const Record& each) {
  return each.term_started > 0 ? reader.feed_term(each.offset, each.term_started)
                               : reader.feed_event(each.offset, each.mark);
}

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::term_started:
      return "term_started";
    case Verdict::ignored:
      return "ignored";
    case Verdict::collecting:
      return "collecting";
    case Verdict::accepted:
      return "accepted";
    case Verdict::fenced:
      return "fenced";
    case Verdict::duplicate:
      return "duplicate";
    case Verdict::gap:
      return "gap";
  }
  return "?";
}

struct Row {
  std::string rule;
  std::string records;   // "T1 1.1.1/1 1.2.1/1"
  std::string verdicts;  // one each
  LogPosition saved;     // after the last of them
};

TEST(LogReader, EveryRule) {
  const std::vector<Row> rows{
      {"nothing is read yet", "", "", {0, 0, 1}},
      {"an event before any term is void", "1.1.1/1", "fenced", {1, 0, 1}},
      {"a record that is neither, before any term, is void", "none", "duplicate", {1, 0, 1}},
      {"a record that is neither is void", "T1 none 1.1.1/1", "term_started fenced accepted", {3, 1, 2}},
      {"a higher term counts", "T1", "term_started", {1, 1, 1}},
      {"terms may skip numbers", "T7 7.1.1/1", "term_started accepted", {2, 7, 2}},
      {"the same term again is ignored", "T1 1.1.1/1 T1 1.2.1/1", "term_started accepted ignored accepted", {4, 1, 3}},
      {"a lower term is ignored", "T3 T2 3.1.1/1", "term_started ignored accepted", {3, 3, 2}},
      {"an older term's event is void",
       "T1 T2 1.1.1/1 2.1.1/1",
       "term_started term_started fenced accepted",
       {4, 2, 2}},
      {"a later term's event is void until the term starts",
       "T1 2.1.1/1 T2 2.1.1/1",
       "term_started fenced term_started accepted",
       {4, 2, 2}},
      {"commits of one event", "T1 1.1.1/1 1.2.1/1", "term_started accepted accepted", {3, 1, 3}},
      {"a commit of three", "T1 1.1.1/3 1.1.2/3 1.1.3/3", "term_started collecting collecting accepted", {4, 1, 2}},
      {"a saved position is a commit's end", "T1 1.1.1/1 1.2.1/2", "term_started accepted collecting", {2, 1, 2}},
      {"an accepted commit again is void",
       "T1 1.1.1/1 1.1.1/1 1.2.1/1",
       "term_started accepted duplicate accepted",
       {4, 1, 3}},
      {"both parts again are void",
       "T1 1.1.1/2 1.1.2/2 1.1.1/2 1.1.2/2 1.2.1/1",
       "term_started collecting accepted duplicate duplicate accepted",
       {6, 1, 3}},
      {"a duplicate in the middle of a commit does not disturb it",
       "T1 1.1.1/1 1.2.1/2 1.1.1/1 1.2.2/2",
       "term_started accepted collecting duplicate accepted",
       {5, 1, 3}},
      {"and the position waits for the commit",
       "T1 1.1.1/1 1.2.1/2 1.1.1/1",
       "term_started accepted collecting duplicate",
       {2, 1, 2}},
      {"a fenced record in the middle of a commit does not disturb it",
       "T1 T2 2.1.1/2 1.1.1/1 2.1.2/2",
       "term_started term_started collecting fenced accepted",
       {5, 2, 2}},
      {"nor does an ignored term", "T2 2.1.1/2 T1 2.1.2/2", "term_started collecting ignored accepted", {4, 2, 2}},
      {"a term that starts in the middle of a commit voids it",
       "T1 1.1.1/2 T2 1.1.2/2 2.1.1/1",
       "term_started collecting term_started fenced accepted",
       {5, 2, 2}},
      {"and its parts don't count for the new term's",
       "T1 1.1.1/2 T2 2.1.2/2",
       "term_started collecting term_started gap",
       {4, 2, 0}},
      {"a missing commit voids the rest of the term",
       "T1 1.1.1/1 1.3.1/1 1.2.1/1 1.3.1/1 1.1.1/1",
       "term_started accepted gap gap gap gap",
       {6, 1, 0}},
      {"a term that begins with its second commit is void", "T1 1.2.1/1 1.1.1/1", "term_started gap gap", {3, 1, 0}},
      {"a missing first part", "T1 1.1.2/2 1.1.1/1", "term_started gap gap", {3, 1, 0}},
      {"a missing part in the middle", "T1 1.1.1/3 1.1.3/3 1.1.2/3", "term_started collecting gap gap", {4, 1, 0}},
      {"the same part twice", "T1 1.1.1/2 1.1.1/2 1.1.2/2", "term_started collecting gap gap", {4, 1, 0}},
      {"a commit that changes its length", "T1 1.1.1/2 1.1.2/3 1.1.3/3", "term_started collecting gap gap", {4, 1, 0}},
      {"the next commit before this one is whole",
       "T1 1.1.1/2 1.2.1/1 1.1.2/2",
       "term_started collecting gap gap",
       {4, 1, 0}},
      {"the next term makes up for a gap",
       "T1 1.2.1/1 T2 2.1.1/1",
       "term_started gap term_started accepted",
       {4, 2, 2}},
      {"fenced and ignored records stay so after a gap",
       "T2 2.2.1/1 1.1.1/1 T1 T2 3.1.1/1",
       "term_started gap fenced ignored ignored fenced",
       {6, 2, 0}},
  };
  for (const Row& row : rows) {
    LogReader reader;
    std::istringstream records(row.records), verdicts(row.verdicts);
    std::string text, verdict;
    for (int64_t offset = 0; records >> text; ++offset) {
      verdicts >> verdict;
      EXPECT_EQ(name_of(feed(reader, record(offset, text))), verdict) << row.rule << ": record " << offset;
      EXPECT_EQ(reader.next_offset(), offset + 1) << row.rule;
    }
    EXPECT_EQ(reader.position(), row.saved) << row.rule << ": " << reader.position().offset << " "
                                            << reader.position().term << " " << reader.position().next_commit;
    EXPECT_EQ(reader.term(), row.saved.term) << row.rule;
    EXPECT_EQ(reader.next_commit(), row.saved.next_commit) << row.rule;
  }
}

TEST(LogReader, OffsetsMayHaveHoles) {
  LogReader reader;
  EXPECT_EQ(reader.feed_term(5, 1), Verdict::term_started);
  EXPECT_EQ(reader.feed_event(9, {1, 1, 1, 2}), Verdict::collecting);
  EXPECT_EQ(reader.feed_event(12, {1, 1, 2, 2}), Verdict::accepted);
  EXPECT_EQ(reader.position(), (LogPosition{13, 1, 2}));
}

TEST(LogReader, ALogIsReadForwards) {
  LogReader reader(LogPosition{10, 1, 2});
  EXPECT_DEATH(reader.feed_event(9, {1, 2, 1, 1}), "read backwards");
  EXPECT_DEATH(reader.feed_term(9, 2), "read backwards");
}

// Every commit that is accepted, as the offsets of its records.
using History = std::vector<std::vector<int64_t>>;

// The rules once more, in the plainest way: cut the log into terms, throw away what is not the term's own, then take
// commit after commit as long as the very next one lies there whole.
History naive_history(const std::vector<Record>& log) {
  std::vector<std::vector<Record>> terms;
  int64_t term = 0;
  for (const Record& each : log) {
    if (each.term_started > term) {
      term = each.term_started;
      terms.emplace_back();
    } else if (each.term_started == 0 && term > 0 && each.mark.term == term) {
      terms.back().push_back(each);
    }
  }
  History history;
  for (std::vector<Record>& own : terms) {
    for (int64_t commit = 1;; ++commit) {
      std::erase_if(own, [&](const Record& each) { return each.mark.commit < commit; });
      if (own.empty()) break;
      const auto parts = static_cast<std::size_t>(own.front().mark.parts);
      // Old commits between its parts were thrown away above; anything else between them is a gap.
      if (own.size() < parts) break;
      std::vector<int64_t> offsets;
      for (std::size_t i = 0; i < parts; ++i)
        if (own[i].mark == LogMark{own[i].mark.term, commit, static_cast<int>(i) + 1, static_cast<int>(parts)})
          offsets.push_back(own[i].offset);
      if (offsets.size() < parts) break;
      history.push_back(offsets);
      own.erase(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(parts));
    }
  }
  return history;
}

// What a reader accepts from `from` on; `positions[i]` is what could be saved after the i-th record that it saw.
struct Reading {
  History history;
  std::vector<std::size_t> accepted;  // how many commits were, after each record
  std::vector<LogPosition> positions;
};

Reading read(const std::vector<Record>& log, const LogPosition& from) {
  LogReader reader(from);
  Reading reading;
  std::vector<int64_t> collected;
  for (const Record& each : log) {
    if (each.offset < from.offset) continue;
    const Verdict verdict = feed(reader, each);
    if (verdict == Verdict::collecting || verdict == Verdict::accepted) {
      if (each.mark.part == 1) collected.clear();
      collected.push_back(each.offset);
    }
    if (verdict == Verdict::accepted) reading.history.push_back(collected);
    reading.accepted.push_back(reading.history.size());
    reading.positions.push_back(reader.position());
  }
  return reading;
}

// A log such as writers leave behind that crash, retry, overtake each other and are wrong: mostly the next record of
// one of two writers, now and then one that fits nowhere.
std::vector<Record> any_log(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint64_t>(n)); };
  struct Writer {
    int64_t term = 0;
    LogMark last;
  } writers[2];
  int64_t newest = 0, offset = 0;
  std::vector<Record> log;
  for (int i = 0; i < 40; ++i, offset += 1 + (below(10) == 0)) {
    Writer& writer = writers[below(8) == 0];
    if (writer.term == 0 || below(14) == 0) {
      newest += below(6) == 0 ? 0 : 1;
      writer = {newest, {newest, 0, 1, 1}};
      log.push_back({offset, std::max<int64_t>(newest, 1), {}});
      continue;
    }
    LogMark next = writer.last.part < writer.last.parts
                       ? LogMark{writer.term, writer.last.commit, writer.last.part + 1, writer.last.parts}
                       : LogMark{writer.term, writer.last.commit + 1, 1, 1 + below(3)};
    const int kind = below(30);
    if (kind == 0) next = {1 + below(3), 1 + below(4), 1, 1 + below(2)};  // somebody else's
    if (kind == 1) next.commit += 1;                                      // a record was lost
    if (kind == 2 && next.part < next.parts) next.part += 1;              // in the middle of a commit
    if (kind == 3) next = LogMark{};                                      // not ours at all
    if (kind >= 4 && kind < 8 && writer.last.commit > 1) {                // an old commit once more
      log.push_back({offset, 0, {writer.term, writer.last.commit - 1, 1, 1}});
      continue;
    }
    log.push_back({offset, 0, next});
    if (kind != 0 && kind != 3) writer.last = next;
  }
  return log;
}

TEST(LogReader, AcceptsWhatTheNaiveReaderAccepts) {
  std::size_t accepted = 0, longer = 0, gaps = 0;
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    const auto log = any_log(seed);
    const Reading reading = read(log, {});
    ASSERT_EQ(reading.history, naive_history(log)) << "seed " << seed;
    accepted += reading.history.size();
    for (const auto& commit : reading.history) longer += commit.size() > 1;
    gaps += reading.positions.back().next_commit == 0;
  }
  // The logs are worth reading: most of what is tried does happen.
  EXPECT_GT(accepted, 100'000u);
  EXPECT_GT(longer, 20'000u);
  EXPECT_GT(gaps, 1'000u);
}

TEST(LogReader, ARestartFromAnySavedPositionGivesTheSameHistory) {
  for (uint64_t seed = 1; seed <= 2'000; ++seed) {
    const auto log = any_log(seed);
    const Reading whole = read(log, {});
    for (std::size_t cut = 0; cut < log.size(); ++cut) {
      const Reading rest = read(log, whole.positions[cut]);
      const History expected(whole.history.begin() + static_cast<std::ptrdiff_t>(whole.accepted[cut]),
                             whole.history.end());
      ASSERT_EQ(rest.history, expected) << "seed " << seed << ", restarted after record " << cut;
      const LogPosition end = rest.positions.empty() ? whole.positions[cut] : rest.positions.back();
      ASSERT_EQ(end, whole.positions.back()) << "seed " << seed << ", restarted after record " << cut;
    }
  }
}

TEST(LogMark, IsWrittenInOneWay) {
  const LogMark mark{3, 1042, 1, 2};
  EXPECT_EQ(to_string(mark), "3.1042.1/2");
  EXPECT_EQ(parse_log_mark("3.1042.1/2"), mark);
  EXPECT_EQ(parse_log_mark("9223372036854775807.9223372036854775807.2147483647/2147483647"),
            (LogMark{INT64_MAX, INT64_MAX, INT32_MAX, INT32_MAX}));
}

TEST(LogMark, AnythingElseIsNone) {
  for (const char* bad : {"",
                          "3",
                          "3.1",
                          "3.1.",
                          "3.1.1",
                          "3.1.1/",
                          "3.1.1.1",
                          "3.1/1.1",
                          "3,1,1/1",
                          "a.b.c/d",  // shape
                          " 3.1.1/1",
                          "3.1.1/1 ",
                          "3. 1.1/1",
                          "3.1.1/1/1",
                          "3.1.1/1.",
                          "+3.1.1/1",
                          "0x3.1.1/1",
                          "03.1.1/1",
                          "3.01.1/1",
                          "3.1.01/1",
                          "3.1.1/01",  // one way
                          "0.1.1/1",
                          "3.0.1/1",
                          "3.1.0/1",
                          "3.1.1/0",
                          "-3.1.1/1",
                          "3.-1.1/1",
                          "3.1.-1/1",  // range
                          "3.1.2/1",
                          "9223372036854775808.1.1/1",
                          "3.9223372036854775808.1/1",
                          "3.1.1/2147483648",
                          "3.1.2147483648/2147483648"})
    EXPECT_FALSE(parse_log_mark(bad).has_value()) << bad;
  EXPECT_FALSE(parse_log_mark(std::string_view("3.1.1/1\0", 8)).has_value());
}

TEST(LogReader, APositionSaysOfWhichLog) {
  LogReader reader;
  reader.begin(4711);
  reader.feed_term(0, 1);
  EXPECT_EQ(reader.position(), (LogPosition{1, 1, 1, 4711}));
  reader.feed_event(1, {1, 1, 1, 1});
  EXPECT_EQ(reader.position(), (LogPosition{2, 1, 2, 4711}));
  LogReader later(reader.position());
  later.feed_event(2, {1, 5, 1, 1});
  EXPECT_EQ(later.position(), (LogPosition{3, 1, 0, 4711}));
}

}  // namespace
}  // namespace everfold
