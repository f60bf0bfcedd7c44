// Aggregates as they stood: the view rows that today's code folds from an aggregate's own log, up to a version or a
// time, many asked for in one reading. Pure: accepted commits in, answers out.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/log/log_tail.hpp"
#include "runtime/views/memory_view_store.hpp"
#include "runtime/views/view.hpp"
#include "tools/replay/folds/bound.hpp"

namespace everfold::replay {

struct Ask {
  std::string id;
  Bound at;
};

// One aggregate of one context. An id may have several: an order and its checkout.
struct State {
  std::string context;
  int64_t version = 0;
  EventMeta last;  // the event that led here
  LogId log;
  int64_t offset = 0;                                      // of that event
  std::vector<std::pair<std::string, std::string>> views;  // name → its row as JSON, null, or a list of its rows
  std::string unreadable;                                  // why a view stopped before `version`; usually empty
};

struct Answer {
  std::vector<State> states;  // by context; empty: see problem
  std::string problem;        // a sentence
};

// A view whose rows are each folded from one aggregate, as all are today, is asked by version or time alike; of the
// history, the only one folded from several logs, the rows are the aggregate's events up to there.
class States {
 public:
  // `views`: those that are folded.
  States(std::vector<Ask> asks, std::vector<std::unique_ptr<View>> views);

  // Every event of the aggregates asked for; later ones than any time asked for may be left out.
  void take(const LogId& log, const Commit& commit);
  bool asks_for(const std::string& id) const { return asked_.contains(id); }
  std::vector<Answer> finish();  // in the order of the asks

 private:
  struct Shown {  // a view, as far as one aggregate goes
    std::set<std::string> keys;
    bool parked = false;
  };
  struct Aggregate {
    int64_t version = 0;
    EventMeta last;
    LogId log;
    int64_t offset = 0;
    std::vector<std::size_t> open;  // asks that are not answered yet
    std::vector<Shown> shown;       // in the order of views_
    std::string unreadable;
  };
  struct Folded {
    std::unique_ptr<View> view;
    std::unique_ptr<MemoryViewStore> store;
  };

  void take(const LogId& log, const StoredEvent& event);
  void fold(Aggregate& aggregate, const StoredEvent& event);
  void answer(std::size_t ask, const Aggregate& aggregate);
  std::string rows_of(const Folded& folded, const Shown& shown) const;
  std::string problem_of(const Ask& ask) const;

  std::vector<Ask> asks_;
  std::vector<Answer> answers_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> asked_;
  std::vector<Folded> views_;
  std::map<std::pair<std::string, std::string>, Aggregate> aggregates_;  // id, context
};

}  // namespace everfold::replay
