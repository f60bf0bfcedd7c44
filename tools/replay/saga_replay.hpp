// What a process manager and its translators would do today with the history as it is, beside what they did. Pure:
// `saga --dry-run` (saga.hpp) reads the topics.
//
// Both look at one thing at a time and go on with what really happened: one difference does not cause others.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "runtime/log/log_tail.hpp"
#include "runtime/writer/command.hpp"
#include "runtime/writer/hosted_context.hpp"
#include "saga/translators/registry.hpp"

namespace everfold::replay {

enum class Difference { missing, extra, different };  // would be and is not; is and would not be; is otherwise

struct Tally {
  int64_t same = 0, missing = 0, extra = 0, different = 0;
  int64_t not_yet = 0;  // not handled yet when this was looked at: nothing is wrong
  // Commits whose command lies in no topic (it came over HTTP); copied events, which cause nothing here; commands that
  // may have lain in the deleted beginning of a topic.
  int64_t not_checked = 0;
  void count(Difference difference);
  int64_t differences() const { return missing + extra + different; }
};

// Translators: of each accepted event the commands that today's would send, compared by id (then type, aggregate and
// bytes; a command's time is when it was sent, docs/decisions/0011) with those in the command topics.
class TranslatorReplay {
 public:
  struct Place {
    LogId log;  // of a command topic
    int64_t offset = 0;
  };
  struct Found {
    Difference difference;
    std::optional<Command> today;
    std::optional<Place> sent;
    std::string_view translator;  // of `today`
  };
  using Sink = std::function<void(const Found&)>;

  // Looks at commands to `process`, and at those that its events cause.
  TranslatorReplay(std::vector<NamedTranslator> translators, std::string process, Sink sink);

  // First every command that was sent …
  void sent(const Place& place, const Command& command);
  // Some of them are not there any more: what is not found is not known to be missing.
  void expect_gaps() { gaps_ = true; }
  // … then every accepted event. `handled`: the translators had acknowledged its commands before the command topics
  // were read. An event that no translator can read throws std::runtime_error.
  void event(const StoredEvent& event, bool handled);
  // … then what is left: was sent, and would not be today.
  void finish();

  const Tally& tally() const { return tally_; }

 private:
  struct Sent {
    uint64_t content = 0;  // a digest
    uint64_t cause = 0;    // of the causation id
    Place place;
    bool seen = false;
  };
  void compare(const Command& today, std::string_view translator, bool handled);

  const std::vector<NamedTranslator> translators_;
  const std::string process_;
  const Sink sink_;
  bool gaps_ = false;
  std::unordered_multimap<std::string, Sent> sent_;  // by id
  std::unordered_set<uint64_t> own_events_;          // ids of the process's events
  Tally tally_;
};

// The decider of one log of a process: each commit of it decided again in the state that came before, from the command
// that caused it; and each command that left no events decided where it can have been decided, which must still give
// none.
class DeciderReplay {
 public:
  struct Found {
    Difference difference;
    std::string aggregate_id;
    std::optional<Command> command;
    const std::vector<StoredEvent>* appended = nullptr;  // null: none
    std::vector<Encoded> today;
    std::string refusal;  // today's, if it refuses
  };
  using Sink = std::function<void(const Found&)>;

  // `decided_until`: command offsets before it had been decided when the log was read.
  DeciderReplay(const HostedContext& process, int64_t decided_until, Sink sink);

  void commit(Commit commit);                            // every accepted one, in order
  void command(int64_t offset, const Command& command);  // every one of the command topic's partition, in order
  void finish();

  const Tally& tally() const { return tally_; }

 private:
  struct Arrived {
    int64_t offset = 0;
    Command command;
  };
  struct Aggregate {
    std::vector<std::vector<StoredEvent>> commits;
    std::vector<Arrived> commands;  // without repetitions
  };
  struct Decision {
    std::vector<Encoded> events;
    std::string refusal;
  };

  void check(const std::string& id, const Aggregate& aggregate);
  void check_commit(const std::string& id, const Aggregate& aggregate, std::size_t place, const Command* command);
  void check_silent(const std::string& id, const Aggregate& aggregate, const Arrived& arrived, std::size_t first,
                    std::size_t last);
  std::optional<Command> timer_command(const std::string& id, const Aggregate& aggregate, std::size_t place) const;
  Decision decide(const Aggregate& aggregate, std::size_t commits_before, const Command& command) const;

  const HostedContext& process_;
  const int64_t decided_until_;
  const Sink sink_;
  std::map<std::string, Aggregate> aggregates_;
  std::unordered_set<std::string> known_;  // command ids
  Tally tally_;
};

}  // namespace everfold::replay
