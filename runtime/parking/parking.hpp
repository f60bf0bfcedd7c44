// Parking: what a consumer (a translator, an intake of commands) cannot handle waits here with everything later of its
// aggregate, while other aggregates go on. Why it is so, and what a crash costs at each step: docs/decisions/0014.
//
// One compacted topic a consumer, partition = shard; its fold (ParkedTable) is the only state, and everybody's: a node
// reads all partitions, acts on those logs that it is assigned. What is written counts when it is read back. A log may be
// worked on when ready() says that everything parked of it is known: a barrier of this node has come back.
//
// One thread, the consumer's, calls everything but what is said to be from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kernel/rejection.hpp"
#include "runtime/log/event_log.hpp"
#include "runtime/log/record_fetcher.hpp"
#include "runtime/parking/parked.hpp"
#include "runtime/parking/parked_table.hpp"

namespace everfold {

class Parking {
 public:
  struct Ports {
    LogSource& source;       // of the parking topic, as logs {consumer, shard}
    LogAppender& appender;   // the same
    RecordFetcher& fetcher;  // of the source topics
  };
  struct Edges {
    std::function<int64_t()> now_ms;   // monotonic
    std::function<int64_t()> wall_ms;  // since 1970
    std::function<std::string()> random_id;
    std::function<void(std::string_view what, const Parked&)> tell;  // for the log: "parked", "handled", "skipped" …
  };
  struct Options {
    int64_t first_retry_ms = 1'000;   // doubled with every try of what may pass: 1, 2, 4 s …
    int64_t last_retry_ms = 300'000;  // … up to this, and then for ever
    std::size_t most_open = 10'000;   // of one log: whoever has more to park has to wait, see full()
    std::size_t most_at_once = 100;   // by due(), of one aggregate and in all: what is new must not wait for long
    int64_t skipped_kept_ms = 7 * 24 * 3'600'000LL;
    int64_t append_again_ms = 5'000;  // what did not come back by then, though nothing is on its way
    int64_t ask_timeout_ms = 10'000;
  };

  // `consumer`: the group's name, and the parking topic's. `contexts`: of its source topics.
  Parking(std::string consumer, std::vector<std::string> contexts, int partitions, Ports ports, Edges edges,
          const Options& options);
  Parking(std::string consumer, std::vector<std::string> contexts, int partitions, Ports ports, Edges edges)
      : Parking(std::move(consumer), std::move(contexts), partitions, ports, std::move(edges), Options{}) {}
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  // ---- the consumer's thread

  void step(int timeout_ms);  // reads and acts; waits for at most that long
  void assigned(const LogId& log);
  void revoked(const LogId& log);
  bool ready(const LogId& log) const { return ready_.contains(log); }
  bool busy() const { return !unconfirmed_.empty(); }  // something is to be read back: step() soon
  int64_t next_due_ms() const;                         // when due() will have something; INT64_MAX: not by itself

  // Parked before, or skipped: nothing is to be done with this record any more.
  bool known(const ParkedId& id) const;
  // Something of this aggregate is parked: what is later has to be parked behind it.
  bool closed(const LogId& log, const std::string& aggregate_id) const;
  bool full(const LogId& log) const;
  // at, aggregate_id, type, id, correlation_id given; `why`: its own refusal, or nothing: behind.
  void park(Parked parked, const Rejection* why);
  // The first record of this log that is not read back as parked; the consumer's position must not move beyond it.
  std::optional<int64_t> unconfirmed(const LogId& log) const;

  // What is to be tried now: of each aggregate its first parked record and those that wait for it, in order. Of each
  // exactly one of these is to be said: handled() (or decided otherwise), failed() or release() (not now; again in a
  // while if it is the first). What lies at or beyond the consumer's position is to be released: something before it is
  // not acknowledged, or not even read again by this node, and may be of the same aggregate.
  struct Due {
    std::vector<ParkedId> ids;
    std::string aggregate_id;
  };
  std::vector<Due> due();
  void handled(const ParkedId& id);
  void failed(const ParkedId& id, const Rejection& why);
  void release(const ParkedId& id, int64_t again_in_ms = 1'000);
  std::optional<OutgoingRecord> fetch(const ParkedId& id) { return ports_.fetcher.fetch(id.log, id.offset, fetch_ms); }

  // ---- from any thread

  struct Listed {
    Parked parked;  // of an aggregate the first
    std::optional<Asked> looked;
    bool retry_asked = false;
    bool skip_asked = false;
    bool first = false;      // of its aggregate
    std::size_t behind = 0;  // later ones of the aggregate, if it is the first
  };
  struct Count {
    std::size_t records = 0;
    std::size_t keys = 0;
    int64_t oldest_ms = 0;   // since it was parked; 0: there is none
    int64_t unlooked_ms = 0;  // of the oldest that nobody has looked at
  };
  using Reply = std::function<void(bool)>;

  const std::string& consumer() const { return consumer_; }
  std::vector<Listed> list(bool skipped, std::size_t limit) const;
  std::optional<Listed> find(const ParkedId& id) const;
  // Of the logs that this node has, by context.
  std::map<std::string, Count> counts() const;

  // Kind::retry, skip or looked, of any node's entry. `reply` (may be empty): whether it is in the topic, where whoever
  // has the log acts on it; false: it did not come back in time. From the consumer's thread.
  // The time of `asked` is set here.
  void ask(ParkingRecord::Kind kind, const ParkedId& id, Asked asked, Reply reply);
  // The record that is parked; nothing when it cannot be read. From the consumer's thread.
  void show(const ParkedId& id, std::function<void(std::optional<OutgoingRecord>)> reply);

 private:
  static constexpr int fetch_ms = 1'000;
  using Key = ParkedTable::Key;
  using Written = std::tuple<int, std::string, std::string>;  // shard, key, value
  struct Pending {
    int64_t since_ms = 0;
    int64_t appended_ms = 0;
    std::vector<Reply> replies;
  };
  struct Plan {
    int64_t offset = 0;  // of the first record
    int tries = 0;
    int64_t due_ms = 0;
  };

  void append(int shard, OutgoingRecord record, Reply reply = nullptr);
  void append_again(bool all);
  void answer_overdue();
  void take_asked();
  void read(int shard, const RecordView& record);
  void become_ready(const LogId& log);
  void look_after(const Key& key);
  void plan(const Key& key, const Plan& plan);
  void forget_plan(const Key& key);
  void end_skipped();
  void end_parking(const ParkedId& id);
  int64_t delay_ms(const ParkedId& id, int tries) const;
  Listed listed(const ParkedTable::Slot& slot) const;

  const std::string consumer_;
  const std::vector<std::string> contexts_;
  const Ports ports_;
  const Edges edges_;
  const Options options_;

  std::map<Written, Pending> unconfirmed_;
  std::map<LogId, std::map<int64_t, Key>> parking_;  // appended, not read back, by offset
  std::map<Key, std::size_t> parking_keys_;          // how many of these
  std::set<ParkedId> in_hand_;  // given by due(), or a word about it is not read back
  std::set<ParkedId> untried_;  // parked when their log was assigned, and not tried since
  std::map<Key, Plan> plans_;
  std::set<std::pair<int64_t, Key>> queue_;  // due_ms
  std::map<LogId, std::string> barriers_;    // assigned → what must come back
  int64_t next_sweep_ms_ = 0;

  mutable std::mutex mutex_;  // for what follows, which the consumer's thread alone changes
  ParkedTable table_;
  std::set<LogId> ready_;

  struct Inbox {
    std::vector<std::pair<ParkingRecord, Reply>> asked;
    std::vector<std::pair<ParkedId, std::function<void(std::optional<OutgoingRecord>)>>> shows;
  };
  std::mutex inbox_mutex_;
  Inbox inbox_;
};

}  // namespace everfold
