// A source that is folded into a store, batch by batch: what the live generation and one in the making have in common.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/views/view_fold.hpp"
#include "runtime/views/view_ports.hpp"

namespace everfold {

class ViewFolding {
 public:
  // All must outlive it. Reads from the store's positions on.
  ViewFolding(View& view, ViewStore& store, const std::vector<LogId>& logs, std::unique_ptr<LogSource> source,
              const ViewPorts& ports, const ProjectorSettings& settings);

  // Reads, folds, and writes when a batch is due. Returns the number of events.
  std::size_t step();
  // Folds no record of a log from its offset on.
  void stop_at(std::vector<int64_t> offsets);
  void write() { fold_.write(); }

  const ViewFold& fold() const { return fold_; }
  LogSource& source() { return *source_; }

 private:
  void take(std::size_t log, const RecordView& record);

  const ViewPorts& ports_;
  const ProjectorSettings& settings_;
  ViewFold fold_;
  const std::unique_ptr<LogSource> source_;
  std::vector<int64_t> stop_at_;
  int64_t batch_started_ms_ = 0;
};

}  // namespace everfold
