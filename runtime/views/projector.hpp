// Folds the logs into one view, for ever: opens its live generation, reads, folds, writes rows and log positions in one
// batch. Exactly once, because the positions are the store's own.
//
// Another generation is folded beside it (runtime/views/view_build.hpp) when there is none, when another version of the
// view's code wrote it, when it is damaged or deleted, found by itself or by a reader, and when somebody asks for it;
// the old one, if readable, serves until the new one is as far as it. A disk that is full is waited for.
//
// What operators ask for is done by the thread that folds, between two batches: so nothing is moved under a fold.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/rejection.hpp"
#include "runtime/views/row_fold.hpp"
#include "runtime/views/view_build.hpp"
#include "runtime/views/view_folding.hpp"
#include "runtime/views/view_generations.hpp"
#include "runtime/views/view_ports.hpp"

namespace everfold {

class Projector {
 public:
  using Ports = ViewPorts;
  struct Status {
    int64_t generation = 0;
    bool building = true;  // queries do not read it yet
    bool paused = false;
    bool caught_up = false;             // has been at the end of its logs since the program started
    int64_t events = 0;                 // folded since then
    double events_per_s = 0;            // of the last second
    int64_t parked = 0;                 // rows that cannot be folded on
    std::vector<int64_t> next_offsets;    // in the order of logs()
    std::vector<int64_t> last_event_ms;   // likewise: when what was folded last happened; 0: nothing was since the start
    std::optional<BuildStatus> build;   // under way, or the last
  };

  // `logs`: of the view's context, or of every context.
  Projector(MakeView make_view, std::vector<LogId> logs, Ports ports, ProjectorSettings settings = {});
  ~Projector();

  // Until asked to stop; what was folded is written then. Throws std::runtime_error for what
  // folding anew cannot cure.
  void run(const std::stop_token& stop);
  // Instead of run(): a new generation from the beginning to what is now the logs' end, switched to. False: asked to
  // stop before.
  bool rebuild(const std::stop_token& stop);

  // ---- what operators ask for, from any thread; each waits for the end of a batch ----
  // Refuses with conflict what does not go with what is under way, or when `expected` is not the live generation; with
  // unavailable when nothing was done.
  struct By {
    std::string actor, correlation_id;
    std::optional<int64_t> expected;  // the live generation
  };
  Decided<int64_t> order_rebuild(bool verify, bool switch_by_itself, const By& by);  // the new generation's number
  // On from the newest of the former generation and the checkpoints made here that is no later than `start`: a fold
  // cannot begin in the middle of history.
  struct Start {
    std::optional<int64_t> at_ms;      // since 1970
    std::map<LogId, int64_t> offsets;  // of logs that are not named: any
  };
  Decided<int64_t> order_rebuild_from(const Start& start, bool verify, bool switch_by_itself, const By& by);
  // To the former, to the one that is ready; its number. A while is waited for it to be live: status() tells whether it is.
  Decided<int64_t> roll_back(const By& by);
  Decided<int64_t> switch_over(const By& by);
  Decided<int64_t> stop_build(const By& by);  // the one that is left
  Decided<std::vector<int64_t>> prune(const By& by);
  // The live generation is served and not folded on, until it is resumed; a restart does not end that. What is made
  // beside it goes on.
  std::optional<Rejection> pause(const By& by);
  std::optional<Rejection> resume(const By& by);
  // Of the live generation, into a directory that is not there yet.
  Decided<int64_t> checkpoint(const std::string& directory, const By& by);
  // As a new generation, which is folded on to the present and switched to. Refused when it is of other logs, of
  // another version of the code or of another view.
  Decided<int64_t> restore(const std::string& directory, const By& by, bool verify = false,
                           bool switch_by_itself = true);
  struct RebuiltRow {
    bool changed = false;
    std::vector<RowFold::Row> rows;  // of its aggregate, as they were, and as they are now
  };
  // Folds the row anew, with all others of its aggregate, from its log; replaces it when it is not the same. Reads that
  // log from its beginning.
  Decided<RebuiltRow> rebuild_row(const std::string& key, const By& by);

  // From any thread.
  Status status() const;
  std::vector<ViewGenerations::Listed> generations() const { return generations_.list(); }
  int64_t live() const { return generations_.live(); }
  std::string_view view() const { return name_; }
  int code_version() const { return code_version_; }
  const std::vector<LogId>& logs() const { return logs_; }

 private:
  struct Wish {
    std::function<void()> act;
    enum class State { waiting, taken, done, given_up } state = State::waiting;
  };

  void open();
  void close();
  void begin(Build build);
  void begin_when_due(const ViewFold* live);
  void end_build(BuildStatus last);
  void fold_until_damaged(const std::stop_token& stop);
  void follow(const std::stop_token& stop);
  void start_folding(const std::stop_token& stop);
  void wait_for_build(const std::stop_token& stop);
  void rest(const std::stop_token& stop);
  void take_over(const std::stop_token& stop);
  bool build_is_due() const { return build_ && build_->due(); }
  void heal(const ViewDamaged& damage);
  std::vector<std::pair<LogId, LogPosition>> positions_of(const ViewStore& store) const;
  void look_after();
  void wait_out(const std::string& trouble, const std::stop_token& stop);
  void show(const ViewFold& fold);

  bool wished() const;
  void do_wishes();
  void end_wishes();
  bool wish(std::function<void()> act);
  template <class T>
  Decided<T> ask(std::function<Decided<T>()> act);
  std::optional<Rejection> not_expected(const By& by) const;
  std::optional<Rejection> something_under_way() const;
  RebuildOrder order_of(RebuildOrder::Kind kind, const By& by);
  template <class Message>
  std::optional<Rejection> tell(const Message& message, const By& by);
  void wait_until_live(int64_t number);
  std::optional<Rejection> take_in(int64_t number, RebuildOrder order, const By& by);
  template <class Message>
  std::optional<Rejection> set_paused(bool paused, const By& by);

  const MakeView make_view_;
  const std::string name_;
  const int code_version_;
  const std::vector<LogId> logs_;
  const Ports ports_;
  const ProjectorSettings settings_;
  ViewGenerations generations_;
  int damages_ = 0;   // since it was caught up last
  int troubles_ = 0;  // as well
  int64_t orders_ = 0;
  int64_t looked_ms_ = 0;
  int64_t looked_events_ = 0;
  int64_t troubled_ = 0;  // the generation that is being dealt with, should it be damaged
  Generation live_;
  std::unique_ptr<View> fold_view_;
  std::unique_ptr<ViewFolding> folding_;  // of live_: it goes before its view and its store
  std::vector<int64_t> awaited_;          // caught up once it is there; empty: it was
  std::optional<Build> ordered_;          // waits to be begun
  std::atomic<int64_t> reserved_{0};      // a checkpoint is being copied to it
  bool refolds_ = false;                  // rows were written beside the fold: it must not know them as they were
  std::unique_ptr<ViewBuild> build_;      // its snapshot is the live store's: it goes first

  std::atomic<int64_t> generation_{0};
  std::atomic<bool> building_{true};
  std::atomic<bool> paused_{false};
  std::atomic<bool> caught_up_{false};
  std::atomic<int64_t> events_{0};
  std::atomic<double> events_per_s_{0};
  std::atomic<int64_t> parked_{0};
  std::vector<std::atomic<int64_t>> next_offsets_;
  std::vector<std::atomic<int64_t>> last_event_ms_;

  std::atomic<bool> running_{false};
  mutable std::mutex mutex_;  // guards what is below
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Wish>> wishes_;
  std::function<BuildStatus()> build_status_;  // of build_, while there is one
  std::optional<BuildStatus> last_build_;
  int64_t built_events_ = 0;  // of builds that are over
};

}  // namespace everfold
