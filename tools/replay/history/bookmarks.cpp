#include "tools/replay/history/bookmarks.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <system_error>

namespace everfold::replay {
namespace {

constexpr std::string_view format_name = "everfold-bookmarks-1";
// Sooner read than begun anew behind.
constexpr int64_t most_blocks_between = 4;

// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
uint64_t digest_of(std::string_view text) {
  uint64_t digest = 0xcbf29ce484222325;
  for (const char byte : text) digest = (digest ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return digest;
}

// Words of a line or of the whole text, one after another.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  std::string_view word() {
    const std::size_t begin = std::min(text_.find_first_not_of(" \n"), text_.size());
    const std::size_t end = std::min(text_.find_first_of(" \n", begin), text_.size());
    const std::string_view found = text_.substr(begin, end - begin);
    text_.remove_prefix(end);
    return found;
  }
  template <class Number>
  bool number(Number& into) {
    const std::string_view found = word();
    const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), into);
    return error == std::errc{} && end == found.data() + found.size();
  }
  bool position(LogPosition& into) {
    return number(into.offset) && number(into.term) && number(into.next_commit) && number(into.origin);
  }

 private:
  std::string_view text_;
};

void append(std::string& out, const LogPosition& position) {
  out += std::to_string(position.offset) + ' ' + std::to_string(position.term) + ' ' +
         std::to_string(position.next_commit) + ' ' + std::to_string(position.origin);
}

}  // namespace

void Bookmarks::note(const RecordView& record, const TailStep& step, const LogPosition& behind) {
  if (record.offset < open_.start.offset) return;
  if (step.commit) {
    const int64_t ms = step.commit->events.back().meta.time_ms;
    open_.least_ms = std::min(open_.least_ms, ms);
    open_.greatest_ms = std::max(open_.greatest_ms, ms);
  }
  // A block ends where a reader may begin, with no commit half read.
  if (behind.offset != record.offset + 1 || behind.offset - open_.start.offset < block_records_) return;
  last_record_ = origin_of(record);
  blocks_.push_back(std::exchange(open_, Block{behind}));
}

std::vector<Segment> Bookmarks::segments(const Bounds& bounds, int64_t end) const {
  std::vector<Segment> found;
  const int64_t last = std::min(end, bounds.to_offset);
  const auto add = [&](const LogPosition& from, int64_t until) {
    until = std::min(until, last);
    if (until <= from.offset || until <= bounds.from_offset) return;
    if (!found.empty() && from.offset - found.back().until <= most_blocks_between * block_records_)
      found.back().until = until;
    else
      found.push_back({from, until});
  };
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    if (blocks_[i].greatest_ms >= bounds.from_ms && blocks_[i].least_ms < bounds.to_ms)
      add(blocks_[i].start, end_of_block(i));
  add(open_.start, last);
  return found;
}

std::string Bookmarks::text(const LogId& log) const {
  std::string out = std::string(format_name) + ' ' + to_string(log) + ' ' + std::to_string(blocks_.size()) + ' ' +
                    std::to_string(last_record_) + '\n';
  for (const Block& block : blocks_) {
    append(out, block.start);
    out += ' ' + std::to_string(block.least_ms) + ' ' + std::to_string(block.greatest_ms) + '\n';
  }
  append(out, open_.start);
  return out + '\n' + std::to_string(digest_of(out)) + '\n';
}

std::optional<Bookmarks> Bookmarks::parse(std::string_view text, const LogId& log, int64_t block_records) {
  if (text.empty() || text.back() != '\n') return std::nullopt;
  const std::size_t body = text.rfind('\n', text.size() - 2);
  if (body == std::string_view::npos) return std::nullopt;
  uint64_t digest = 0;
  if (!Words(text.substr(body)).number(digest) || digest != digest_of(text.substr(0, body))) return std::nullopt;

  Words words(text.substr(0, body));
  Bookmarks marks(block_records);
  std::size_t blocks = 0;
  if (words.word() != format_name || words.word() != to_string(log) || !words.number(blocks) ||
      !words.number(marks.last_record_))
    return std::nullopt;
  for (std::size_t i = 0; i < blocks; ++i) {
    Block block;
    if (!words.position(block.start) || !words.number(block.least_ms) || !words.number(block.greatest_ms))
      return std::nullopt;
    marks.blocks_.push_back(block);
  }
  if (!words.position(marks.open_.start)) return std::nullopt;
  return marks;
}

BookmarkFiles::BookmarkFiles(std::string directory, std::string_view installation)
    : directory_(directory.empty() ? std::filesystem::path()
                                   : std::filesystem::path(std::move(directory)) / installation) {}

std::optional<Bookmarks> BookmarkFiles::load(const LogId& log, std::string& damage, int64_t block_records) const {
  if (directory_.empty()) return std::nullopt;
  std::ifstream in(file_of(log), std::ios::binary);
  if (!in) return std::nullopt;  // not made yet
  std::ostringstream text;
  text << in.rdbuf();
  auto marks = Bookmarks::parse(text.view(), log, block_records);
  if (!marks)
    damage = "the bookmarks in " + file_of(log).string() +
             " are damaged or of another version; the log is read from its beginning";
  return marks;
}

std::optional<std::string> BookmarkFiles::save(const LogId& log, const Bookmarks& bookmarks) const {
  if (directory_.empty()) return std::nullopt;
  const std::filesystem::path file = file_of(log), part = file.string() + "." + std::to_string(::getpid()) + ".part";
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out << bookmarks.text(log);
  out.close();
  if (out.good()) std::filesystem::rename(part, file, error);
  if (out.good() && !error) return std::nullopt;
  return "the bookmarks of log " + to_string(log) + " cannot be kept in " + file.string() +
         (error ? ": " + error.message() : "") +
         "; the next reading begins at the log's beginning (--cache-dir names another directory)";
}

}  // namespace everfold::replay
