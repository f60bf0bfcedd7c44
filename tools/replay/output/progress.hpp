// How far a long operation has come, on standard error: a bar with rate and time left on a terminal, otherwise a JSON
// line every few seconds. What is done within a second says nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace everfold::replay {

struct ProgressFigures {
  std::string phase;
  int64_t done = 0, total = 0;  // total 0: nobody knows
  double seconds = 0;
  bool over = false;
};
std::string progress_bar(const ProgressFigures& figures);  // one line, without its end
std::string progress_json(
    const ProgressFigures& figures);  // {"phase", "done", "total"?, "perSecond", "secondsLeft"?, "over"?}

class ProgressLine {
 public:
  enum class Shown { as_fits, never };  // never: when the data themselves go to the terminal
  explicit ProgressLine(Shown shown = Shown::as_fits);
  ~ProgressLine() { end(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Ends the phase before, if there was one. `total` in whatever is counted; 0: not known.
  void begin(std::string phase, int64_t total);
  // Cheap: the clock is looked at now and then. One thread.
  void advance(int64_t count = 1);
  // Time goes by and nothing is done: shows that too.
  void look();
  void end();

 private:
  using Clock = std::chrono::steady_clock;
  void show(bool over);

  const bool shown_;
  const bool terminal_;
  ProgressFigures figures_;
  bool running_ = false, said_ = false;
  int64_t next_look_ = 0;
  Clock::time_point begin_, next_show_;
};

// A sentence for whoever runs the program, on standard error, clear of a bar that may stand there.
void note(std::string_view sentence);

}  // namespace everfold::replay
