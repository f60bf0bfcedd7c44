#include "tools/replay/output/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "platform/json/object.hpp"

namespace everfold::replay {
namespace {

constexpr std::chrono::milliseconds redraw{200};
constexpr std::chrono::seconds say_every{5};
constexpr std::chrono::seconds short_enough{1};
constexpr int64_t look_every = 1'000;
constexpr int64_t bar_width = 30;

double rate_of(const ProgressFigures& figures) {
  return figures.seconds > 0 ? static_cast<double>(figures.done) / figures.seconds : 0;
}

double left_s(const ProgressFigures& figures) {
  const double rate = rate_of(figures);
  return rate > 0 ? static_cast<double>(std::max<int64_t>(figures.total - figures.done, 0)) / rate : 0;
}

std::string minutes(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  const std::string rest = std::to_string(whole % 60);
  return std::to_string(whole / 60) + (rest.size() < 2 ? ":0" : ":") + rest;
}

}  // namespace

std::string progress_bar(const ProgressFigures& figures) {
  std::string line = figures.phase + " ";
  if (figures.total > 0) {
    const int64_t filled = bar_width * std::min(figures.done, figures.total) / figures.total;
    line += '[' + std::string(static_cast<std::size_t>(filled), '#') +
            std::string(static_cast<std::size_t>(bar_width - filled), '.') + "] " + std::to_string(figures.done) + '/' +
            std::to_string(figures.total);
  } else {
    line += std::to_string(figures.done);
  }
  line += "  " + std::to_string(static_cast<int64_t>(rate_of(figures))) + "/s";
  if (figures.over) return line + "  took " + minutes(figures.seconds);
  return figures.total > 0 ? line + "  left " + minutes(left_s(figures)) : line;
}

std::string progress_json(const ProgressFigures& figures) {
  json::Object line;
  line.text("phase", figures.phase).number("done", figures.done);
  if (figures.total > 0) line.number("total", figures.total);
  line.number("perSecond", static_cast<int64_t>(rate_of(figures)));
  if (figures.over)
    line.boolean("over", true);
  else if (figures.total > 0)
    line.number("secondsLeft", static_cast<int64_t>(left_s(figures) + 0.5));
  return line.str();
}

ProgressLine::ProgressLine(Shown shown) : shown_(shown == Shown::as_fits), terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::begin(std::string phase, int64_t total) {
  end();
  figures_ = {std::move(phase), 0, total, 0, false};
  running_ = true;
  said_ = false;
  next_look_ = 0;
  begin_ = Clock::now();
  next_show_ = begin_ + (terminal_ ? std::chrono::milliseconds(short_enough) : std::chrono::milliseconds(say_every));
}

void ProgressLine::advance(int64_t count) {
  figures_.done += count;
  if (figures_.done < next_look_) return;
  next_look_ = figures_.done + look_every;
  look();
}

void ProgressLine::look() {
  if (!running_ || !shown_ || Clock::now() < next_show_) return;
  show(false);
}

void ProgressLine::end() {
  if (!running_) return;
  if (shown_ && (said_ || Clock::now() - begin_ >= short_enough)) show(true);
  running_ = false;
}

void ProgressLine::show(bool over) {
  const auto now = Clock::now();
  figures_.seconds = std::chrono::duration<double>(now - begin_).count();
  figures_.over = over;
  said_ = true;
  next_show_ = now + (terminal_ ? redraw : std::chrono::milliseconds(say_every));
  if (terminal_)
    std::fprintf(stderr, "\r%s\033[K%s", progress_bar(figures_).c_str(), over ? "\n" : "");
  else
    std::fprintf(stderr, "%s\n", progress_json(figures_).c_str());
  std::fflush(stderr);
}

void note(std::string_view sentence) {
  const char* clear = ::isatty(STDERR_FILENO) == 1 ? "\r\033[K" : "";
  std::fprintf(stderr, "%severfold-replay: %.*s\n", clear, static_cast<int>(sentence.size()), sentence.data());
  std::fflush(stderr);
}

}  // namespace everfold::replay
