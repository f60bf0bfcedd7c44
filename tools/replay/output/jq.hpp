// jq programs (https://jqlang.github.io/jq/manual/v1.6/) over JSON texts, by libjq. Numbers are doubles there: integers
// above 2^53 lose their last digits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::replay {

class Jq {
 public:
  // `option`: whose value the program is, for the sentence. Throws UsageError with what jq says about a program that is
  // none.
  Jq(const std::string& program, std::string_view option);
  ~Jq();

  // What the program makes of one JSON text, each as JSON on one line. A program that fails on it (".a[] of a null")
  // gives what came before, and is counted.
  std::vector<std::string> apply(std::string_view json);
  // As jq's select() would let it through: something that it makes is neither false nor null. One that fails does not
  // match.
  bool matches(std::string_view json);

  int64_t failures() const { return failures_; }
  const std::string& first_failure() const { return first_failure_; }  // jq's words

 private:
  struct State;
  std::unique_ptr<State> state_;
  int64_t failures_ = 0;
  std::string first_failure_;
};

}  // namespace everfold::replay
