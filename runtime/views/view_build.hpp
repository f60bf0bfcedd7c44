// Brings one generation of a view to the present, in a thread of its own, beside the live one that goes on being folded
// and served: folds it in bulk, compares it with the live one if that was asked for, keeps it at the logs' end until it
// may be switched to, and ends where the live one stands then.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/views/rebuild.hpp"
#include "runtime/views/view_folding.hpp"
#include "runtime/views/view_generations.hpp"

namespace everfold {

class ViewBuild {
 public:
  struct Beside {
    int64_t live = 0;                        // the generation that is read meanwhile; 0: none
    std::unique_ptr<ViewSnapshot> snapshot;  // of it, to compare with; not behind what is built in any log
  };

  // Everything else must outlive it, and the live store `beside`'s snapshot.
  ViewBuild(Build build, Beside beside, const MakeView& make_view, const std::vector<LogId>& logs,
            const ViewPorts& ports, const ProjectorSettings& settings);
  // Lets go of the store; what was folded is written.
  ~ViewBuild();

  int64_t number() const { return build_.generation.number; }
  const RebuildOrder& order() const { return build_.order; }
  BuildStatus status() const;
  bool ask_switch();
  bool waits_for_a_word() const;  // it is ready, and not switched to by itself
  // It may be switched to and waits for finish(), or it has ended.
  bool due() const;
  // Folds as far as these offsets, of logs in order (empty: it is far enough), and ends.
  void finish(std::vector<int64_t> at_least);
  struct Made {
    Generation generation;
    std::unique_ptr<View> view;
    std::unique_ptr<ViewFolding> folding;  // to be gone on with: of that generation, into that view
  };
  // Waits for the end. Nothing: asked to stop. Throws what it died of.
  std::optional<Made> take(const std::stop_token& stop);

 private:
  void run(const std::stop_token& stop);
  void work(const std::stop_token& stop);
  bool fold_most(LogSource& source, const std::stop_token& stop);
  bool fold_to(ViewFolding& folding, const std::vector<int64_t>& offsets, const std::stop_token& stop);
  bool compare_with_live(const std::stop_token& stop);
  void keep_up(ViewFolding& folding, const std::stop_token& stop);
  void set_total(const std::vector<int64_t>& offsets);
  void show(std::size_t events, const ViewFold& fold, const std::vector<std::size_t>& logs);
  void tell_started(const std::stop_token& stop);
  void tell_finished(const std::stop_token& stop);
  void tell_switched(const std::stop_token& stop);
  template <class Message>
  void tell(const Message& message, const std::string& what, const std::stop_token& stop);
  void reached();

  Build build_;
  Beside beside_;
  const MakeView& make_view_;
  const std::vector<LogId>& logs_;
  const ViewPorts& ports_;
  const ProjectorSettings& settings_;
  const std::string view_;
  int64_t started_ms_ = 0;
  std::vector<std::size_t> all_logs_;  // their indices
  int64_t first_offsets_ = 0;          // their sum
  int64_t rated_ms_ = 0, rated_events_ = 0;

  mutable std::mutex mutex_;  // guards what is below
  std::condition_variable_any changed_;
  RebuildSteps steps_;
  BuildStatus status_;
  std::unique_ptr<View> view_of_rest_;
  std::unique_ptr<ViewFolding> folding_;  // once it is ready
  bool told_ = false;                     // that it is about to be switched to
  bool ended_ = false;
  std::optional<std::vector<int64_t>> finish_at_;
  std::exception_ptr trouble_;

  std::jthread thread_;
};

}  // namespace everfold
