// A few threads for reads that may take long (lists, long histories), so that they never hold up the I/O threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace everfold::query {

class ScanPool {
 public:
  using Task = std::function<void()>;

  ScanPool(int threads, std::size_t max_waiting);
  ~ScanPool();  // waits for the tasks that run; those that wait are let go of

  // False: full, the task was not taken.
  bool submit(Task task);

 private:
  void work();

  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace everfold::query
