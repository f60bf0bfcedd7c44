// A few threads for one kind of work that may take long, with a bounded queue before them: a bulkhead. What is slow in
// here holds up nothing out there. Whoever calls out or may take long has one of its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace everfold {

class WorkerPool {
 public:
  using Task = std::function<void()>;

  WorkerPool(int threads, std::size_t max_waiting);
  ~WorkerPool();  // waits for the tasks that run; those that wait are let go of

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

}  // namespace everfold
