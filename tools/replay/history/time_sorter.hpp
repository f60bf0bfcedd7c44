// Events by time, of any number in bounded memory: what does not fit is sorted in parts, which wait in unnamed
// temporary files (TMPDIR) and are merged in the end. What has the same time comes by context, shard and offset. Within
// a log, clocks that went back change the order.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/log/event_log.hpp"

namespace everfold::replay {

class TimeSorter {
 public:
  static constexpr std::size_t usual_bytes = 256 << 20;
  explicit TimeSorter(std::size_t most_bytes = usual_bytes) : most_bytes_(most_bytes) {}

  // Throws std::runtime_error: no room for temporary files.
  void add(int64_t time_ms, const LogId& log, int64_t offset, std::string_view line);
  // All of them, once; false of the sink: enough.
  void drain(const std::function<bool(std::string_view line)>& sink);

  std::size_t parts() const { return parts_.size(); }  // that are in files

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  struct Entry {
    int64_t time_ms;
    LogId log;
    int64_t offset;
    std::string line;
    auto key() const { return std::tie(time_ms, log, offset); }
  };
  void sort();
  void spill();
  static bool read(std::FILE* file, Entry& entry);

  const std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::vector<Entry> entries_;
  std::vector<File> parts_;
};

}  // namespace everfold::replay
