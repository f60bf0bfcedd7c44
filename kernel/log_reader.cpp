#include "kernel/log_reader.hpp"

#include <charconv>

#include "kernel/check.hpp"

namespace everfold {
namespace {

// Without leading zeros: a mark is written in one way only.
template <class Int>
bool take_number(std::string_view& text, Int& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || out < 1 || text.front() == '0') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<LogMark> parse_log_mark(std::string_view text) {
  LogMark mark;
  const bool whole = take_number(text, mark.term) && take(text, '.') && take_number(text, mark.commit) &&
                     take(text, '.') && take_number(text, mark.part) && take(text, '/') &&
                     take_number(text, mark.parts) && text.empty() && mark.part <= mark.parts;
  if (!whole) return std::nullopt;
  return mark;
}

std::string to_string(const LogMark& mark) {
  std::string text = std::to_string(mark.term);
  text += '.';
  text += std::to_string(mark.commit);
  text += '.';
  text += std::to_string(mark.part);
  text += '/';
  text += std::to_string(mark.parts);
  return text;
}

Verdict LogReader::feed_term(int64_t offset, int64_t term) {
  check(offset >= next_offset_, "a log was read backwards");
  next_offset_ = offset + 1;
  if (term <= position_.term) return settled(Verdict::ignored);
  position_ = {next_offset_, term, 1, position_.origin};
  collected_ = 0;
  return Verdict::term_started;
}

Verdict LogReader::feed_event(int64_t offset, const LogMark& mark) {
  check(offset >= next_offset_, "a log was read backwards");
  next_offset_ = offset + 1;
  if (mark.term != position_.term) return settled(Verdict::fenced);
  if (position_.next_commit == 0) return gap();
  if (mark.commit < position_.next_commit) return settled(Verdict::duplicate);
  if (mark.commit > position_.next_commit || mark.part != collected_ + 1) return gap();
  if (collected_ > 0 && mark.parts != parts_) return gap();
  parts_ = mark.parts;
  if (mark.part < mark.parts) {
    ++collected_;
    return Verdict::collecting;
  }
  collected_ = 0;
  position_ = {next_offset_, position_.term, position_.next_commit + 1, position_.origin};
  return Verdict::accepted;
}

Verdict LogReader::gap() {
  position_ = {next_offset_, position_.term, 0, position_.origin};
  collected_ = 0;
  return Verdict::gap;
}

// A void record moves the saved position on, unless a commit is half collected: its first part must be read again.
Verdict LogReader::settled(Verdict verdict) {
  if (collected_ == 0) position_.offset = next_offset_;
  return verdict;
}

}  // namespace everfold
