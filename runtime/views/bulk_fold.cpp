#include "runtime/views/bulk_fold.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace everfold {
namespace {

bool fold_share(const BulkFold& bulk, const std::vector<std::size_t>& which, const std::vector<int64_t>& offsets,
                const std::function<bool()>& go_on) {
  std::vector<LogId> logs;
  std::vector<int64_t> until;
  for (const std::size_t i : which) {
    logs.push_back(bulk.logs[i]);
    until.push_back(offsets[i]);
  }
  const auto view = bulk.make_view();
  ViewFolding folding(*view, bulk.store, logs, bulk.ports.make_source(true), bulk.ports, bulk.settings);
  folding.stop_at(until);
  while (go_on() && !folding.fold().reached(until)) bulk.show(folding.step(), folding.fold(), which);
  folding.write();
  return folding.fold().reached(until);
}

}  // namespace

bool fold_in_bulk(const BulkFold& bulk, const std::vector<int64_t>& offsets, const std::stop_token& stop) {
  const auto workers = static_cast<std::size_t>(bulk.settings.build_threads);
  std::vector<std::vector<std::size_t>> shares(workers);
  for (std::size_t i = 0; i < bulk.logs.size(); ++i)
    shares[static_cast<std::size_t>(bulk.logs[i].shard) % workers].push_back(i);

  std::atomic<bool> reached{true};
  std::mutex mutex;
  std::exception_ptr trouble;
  const auto go_on = [&] { return reached && !stop.stop_requested(); };
  const auto work = [&](const std::vector<std::size_t>& share) {
    try {
      if (!fold_share(bulk, share, offsets, go_on)) reached = false;
    } catch (const std::exception&) {
      const std::lock_guard lock(mutex);
      trouble = std::current_exception();
      reached = false;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < workers; ++i)
      if (!shares[i].empty()) threads.emplace_back([&, i] { work(shares[i]); });
    work(shares[0]);
  }
  if (trouble) std::rethrow_exception(trouble);
  return reached;
}

}  // namespace everfold
