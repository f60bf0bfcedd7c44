// What is known of a log from having read it once: every few thousand records a place where a reader may begin, and the
// least and greatest time of the events between two such places (a zone map, as in BRIN indexes). A place in a log is
// only good with its term and commit number (docs/log-format.md), so Kafka's own offsets for times would not do; and
// the zones are exact whatever the clocks did.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/log/log_tail.hpp"

namespace everfold::replay {

inline constexpr int64_t beginning_of_time_ms = std::numeric_limits<int64_t>::min();
inline constexpr int64_t end_of_time_ms = std::numeric_limits<int64_t>::max();
inline constexpr int64_t end_of_log = std::numeric_limits<int64_t>::max();

// What of a log is wanted: the commits whose time and offset (of their last event) lie in [from, to).
struct Bounds {
  int64_t from_ms = beginning_of_time_ms, to_ms = end_of_time_ms;
  int64_t from_offset = 0, to_offset = end_of_log;

  bool time_holds(int64_t ms) const { return ms >= from_ms && ms < to_ms; }
  bool holds(const Commit& commit) const {
    const StoredEvent& last = commit.events.back();
    return time_holds(last.meta.time_ms) && last.offset >= from_offset && last.offset < to_offset;
  }
  // From the log's beginning, of any time: nothing to skip.
  bool need_bookmarks() const { return from_ms != beginning_of_time_ms || to_ms != end_of_time_ms || from_offset > 0; }
};

// To be read in one go.
struct Segment {
  LogPosition from;
  int64_t until = 0;  // offset
  bool operator==(const Segment&) const = default;
};

class Bookmarks {
 public:
  static constexpr int64_t usual_block_records = 4'096;
  explicit Bookmarks(int64_t block_records = usual_block_records) : block_records_(block_records) {}

  // Of every record that `tail` was fed; of those that are known already nothing is noted.
  void note(const RecordView& record, const TailStep& step, const LogPosition& behind);

  // Up to `end`, what has to be read so as to see every commit within the bounds; in order, and few: what lies between
  // two of them is worth a new start.
  std::vector<Segment> segments(const Bounds& bounds, int64_t end) const;

  // Up to here the log is known; 0: not at all. Its last known record must still be there, or this is another log.
  int64_t known_until() const { return open_.start.offset; }
  uint64_t last_record() const { return last_record_; }  // digest (origin_of) of the record at known_until() - 1
  std::size_t blocks() const { return blocks_.size(); }

  std::string text(const LogId& log) const;
  // Nothing: not what text() wrote for this log.
  static std::optional<Bookmarks> parse(std::string_view text, const LogId& log,
                                        int64_t block_records = usual_block_records);

 private:
  struct Block {
    LogPosition start;
    int64_t least_ms = end_of_time_ms, greatest_ms = beginning_of_time_ms;
  };
  int64_t end_of_block(std::size_t i) const {
    return i + 1 < blocks_.size() ? blocks_[i + 1].start.offset : open_.start.offset;
  }

  int64_t block_records_;
  std::vector<Block> blocks_;
  Block open_;  // begins where the known part ends
  uint64_t last_record_ = 0;
};

// Bookmarks in files, one a log. A file that is lost or damaged costs reading its log once more; one is replaced whole
// (rename), so two programs may share the directory.
class BookmarkFiles {
 public:
  // `directory` "": nothing is kept.
  BookmarkFiles(std::string directory, std::string_view installation);

  // `damage`: the sentence about a file that had to be left aside.
  std::optional<Bookmarks> load(const LogId& log, std::string& damage, int64_t block_records) const;
  // The reason why not, if any.
  std::optional<std::string> save(const LogId& log, const Bookmarks& bookmarks) const;

 private:
  std::filesystem::path file_of(const LogId& log) const { return directory_ / (to_string(log) + ".bookmarks"); }

  std::filesystem::path directory_;
};

}  // namespace everfold::replay
