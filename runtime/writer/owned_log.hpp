// What a writer keeps of one log: who owns it, the states that it decides on, and what is not answered yet.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/log/log_tail.hpp"
#include "runtime/writer/command.hpp"
#include "runtime/writer/hosted_context.hpp"
#include "runtime/writer/writer_inbox.hpp"

namespace everfold {

// An aggregate as it will stand when everything in flight is confirmed.
struct CachedState {
  std::unique_ptr<HostedContext::State> state;
  int64_t version = 0;
  int64_t last_commit = 0;       // of this term, that touched it; 0: none
  int64_t snapshot_version = 0;  // aggregate version of its last snapshot
};

// The most recently used states of one log. Those with something in flight are never given up.
class StateCache {
 public:
  CachedState* find(const std::string& aggregate_id);
  CachedState& insert(const std::string& aggregate_id, CachedState state);
  void erase(const std::string& aggregate_id);
  void clear();
  void shrink(std::size_t size, int64_t confirmed_commit);

 private:
  using Entry = std::pair<std::string, CachedState>;
  std::list<Entry> entries_;  // most recent first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_id_;
};

// A commit on its way through Kafka.
struct PendingCommit {
  int64_t commit = 0;
  int64_t appended_ms = 0;
  // The command, and the same again for every time that it came again meanwhile: each with its own caller and deadline.
  std::vector<QueuedCommand> callers;

  // Those whose deadline has come. Of them only the first is kept, as what the commit is of: who asks again and again while nothing is
  // confirmed shall not fill the memory.
  std::vector<Reply> take_late(int64_t now_ms);
};

// An answer that must wait until commit `after` is confirmed.
struct HeldAnswer {
  QueuedCommand queued;  // to be decided again if that never happens
  Outcome outcome;
};

struct OwnedLog {
  enum class Role { standby, claiming, owner };

  OwnedLog(LogId id, const HostedContext& hosted, const LogPosition& from) : context(&hosted), tail(std::move(id), from) {}

  const LogId& id() const { return tail.log(); }
  int64_t last_commit() const { return next_commit - 1; }

  const HostedContext* context;
  LogTail tail;
  Role role = Role::standby;
  std::string owner_url;                    // of the term's writer: a hint, it may be gone
  bool wanted = false;                      // the group says that this node should own it
  std::string nonce;                        // of my last TermStarted
  int64_t asked_ms = 0;                     // when it was appended; 0: it has come back
  int64_t owned_ms = 0;                     // what I appended then has come back: I was the owner
  std::optional<int64_t> read_to;           // offset to reach before claiming
  int64_t try_again_ms = 0;                 // not before
  int failed_claims = 0;

  int64_t next_commit = 1;                  // of my term
  int64_t confirmed_commit = 0;
  StateCache states;
  std::deque<PendingCommit> pending;        // by commit number, without gaps
  std::unordered_map<std::string, int64_t> pending_ids;  // command id → commit
  std::multimap<int64_t, HeldAnswer> held;  // by the commit that it waits for
  std::deque<QueuedCommand> backlog;        // for when this node owns the log
  std::set<std::pair<int64_t, std::string>> timers;      // at_ms, aggregate; while owner
  std::multimap<int64_t, ReadWait> readers;  // by the offset that they wait for
};

}  // namespace everfold
