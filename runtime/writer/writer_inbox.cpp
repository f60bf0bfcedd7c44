#include "runtime/writer/writer_inbox.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace everfold {

WriterInbox::Put WriterInbox::put(QueuedCommand& queued) {
  const std::lock_guard lock(mutex_);
  if (closed_ || contents_.commands.size() >= most_commands_) return Put::full;
  contents_.commands.push_back(std::move(queued));
  return contents_.commands.size() == 1 ? Put::first : Put::more;
}

void WriterInbox::put(ReadWait wait) {
  const std::lock_guard lock(mutex_);
  contents_.waits.push_back(std::move(wait));
}

void WriterInbox::assign(std::vector<LogId> logs) {
  const std::lock_guard lock(mutex_);
  contents_.assignment = std::move(logs);
  contents_.sharing_anew = false;
}

void WriterInbox::share_anew() {
  const std::lock_guard lock(mutex_);
  contents_.sharing_anew = true;
}

bool WriterInbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  return contents_.commands.empty() && contents_.waits.empty();
}

WriterInbox::Contents WriterInbox::take(bool with_commands) {
  const std::lock_guard lock(mutex_);
  Contents taken;
  taken.assignment = std::exchange(contents_.assignment, std::nullopt);
  taken.sharing_anew = contents_.sharing_anew;
  taken.waits.swap(contents_.waits);
  if (with_commands) taken.commands.swap(contents_.commands);
  return taken;
}

std::vector<QueuedCommand> WriterInbox::take_due(int64_t now_ms) {
  std::vector<QueuedCommand> due;
  const std::lock_guard lock(mutex_);
  const auto first_due = std::stable_partition(contents_.commands.begin(), contents_.commands.end(),
                                               [now_ms](const QueuedCommand& queued) { return !queued.is_due(now_ms); });
  due.assign(std::make_move_iterator(first_due), std::make_move_iterator(contents_.commands.end()));
  contents_.commands.erase(first_due, contents_.commands.end());
  return due;
}

}  // namespace everfold
