#include "tools/replay/history/time_sorter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <queue>
#include <stdexcept>

namespace everfold::replay {
namespace {

[[noreturn]] void refuse() {
  throw std::runtime_error(std::string("can't write temporary files for sorting: ") + std::strerror(errno) +
                           " (TMPDIR names another directory)");
}

std::FILE* unnamed_file() {
  const char* given = std::getenv("TMPDIR");
  std::string name = std::string(given && *given ? given : "/tmp") + "/everfold-replay-XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) refuse();
  ::unlink(name.c_str());
  std::FILE* file = ::fdopen(descriptor, "w+b");
  if (!file) refuse();
  return file;
}

void put(std::FILE* file, const void* bytes, std::size_t size) {
  if (std::fwrite(bytes, 1, size, file) != size) refuse();
}

void put_text(std::FILE* file, std::string_view text) {
  const std::size_t size = text.size();
  put(file, &size, sizeof size);
  put(file, text.data(), size);
}

bool get(std::FILE* file, void* bytes, std::size_t size) { return std::fread(bytes, 1, size, file) == size; }

bool get_text(std::FILE* file, std::string& text) {
  std::size_t size = 0;
  if (!get(file, &size, sizeof size)) return false;
  text.resize(size);
  return get(file, text.data(), size);
}

}  // namespace

void TimeSorter::add(int64_t time_ms, const LogId& log, int64_t offset, std::string_view line) {
  entries_.push_back({time_ms, log, offset, std::string(line)});
  bytes_ += sizeof(Entry) + line.size() + 16;  // what the allocator adds
  if (bytes_ > most_bytes_) spill();
}

void TimeSorter::sort() {
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.key() < b.key(); });
}

void TimeSorter::spill() {
  sort();
  File file(unnamed_file());
  for (const Entry& entry : entries_) {
    put(file.get(), &entry.time_ms, sizeof entry.time_ms);
    put(file.get(), &entry.log.shard, sizeof entry.log.shard);
    put(file.get(), &entry.offset, sizeof entry.offset);
    put_text(file.get(), entry.log.context);
    put_text(file.get(), entry.line);
  }
  if (std::fflush(file.get()) != 0) refuse();
  parts_.push_back(std::move(file));
  entries_.clear();
  bytes_ = 0;
}

bool TimeSorter::read(std::FILE* file, Entry& entry) {
  return get(file, &entry.time_ms, sizeof entry.time_ms) && get(file, &entry.log.shard, sizeof entry.log.shard) &&
         get(file, &entry.offset, sizeof entry.offset) && get_text(file, entry.log.context) &&
         get_text(file, entry.line);
}

void TimeSorter::drain(const std::function<bool(std::string_view line)>& sink) {
  sort();
  // The next entry of each part; the last part is what is still in memory.
  std::vector<Entry> heads(parts_.size() + 1);
  std::size_t next = 0;
  const auto advance = [&](std::size_t part) {
    if (part < parts_.size()) return read(parts_[part].get(), heads[part]);
    if (next == entries_.size()) return false;
    heads[part] = std::move(entries_[next++]);
    return true;
  };
  const auto later = [&](std::size_t a, std::size_t b) { return heads[a].key() > heads[b].key(); };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> queue(later);
  for (std::size_t part = 0; part < heads.size(); ++part) {
    if (part < parts_.size()) std::rewind(parts_[part].get());
    if (advance(part)) queue.push(part);
  }
  while (!queue.empty()) {
    const std::size_t part = queue.top();
    queue.pop();
    if (!sink(heads[part].line)) break;
    if (advance(part)) queue.push(part);
  }
  parts_.clear();
  entries_.clear();
}

}  // namespace everfold::replay
