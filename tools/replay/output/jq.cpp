#include "tools/replay/output/jq.hpp"

extern "C" {
#include <jq.h>
}

#include <algorithm>

#include "tools/replay/tool.hpp"

namespace everfold::replay {
namespace {

std::string text_and_free(jv value) {
  const jv text = jv_get_kind(value) == JV_KIND_STRING ? value : jv_dump_string(value, 0);
  std::string copy(jv_string_value(text), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(text))));
  jv_free(text);
  return copy;
}

void collect_message(void* into, jv message) {
  std::string& messages = *static_cast<std::string*>(into);
  std::string text = text_and_free(jq_format_error(message));
  // "jq: error: syntax error, … (Unix shell quoting issues?) at <top-level>, line 1:\n.a | |" and "jq: 1 compile error"
  if (text.starts_with("jq: error: ")) text.erase(0, 11);
  if (text.find("compile error") != std::string::npos && text.starts_with("jq: ")) return;
  messages += (messages.empty() ? "" : "; ") + text;
}

}  // namespace

struct Jq::State {
  jq_state* jq = jq_init();
  std::string messages;
  ~State() { jq_teardown(&jq); }
};

Jq::Jq(const std::string& program, std::string_view option) : state_(std::make_unique<State>()) {
  if (!state_->jq) throw std::runtime_error("libjq does not start: out of memory?");
  jq_set_error_cb(state_->jq, collect_message, &state_->messages);
  if (jq_compile(state_->jq, program.c_str()) == 0)
    throw UsageError(std::string(option) + " is no jq program: " + state_->messages);
}

Jq::~Jq() = default;

std::vector<std::string> Jq::apply(std::string_view json) {
  std::vector<std::string> made;
  jv input = jv_parse_sized(json.data(), static_cast<int>(json.size()));
  jv failure = jv_invalid();
  if (jv_is_valid(input)) {
    jq_start(state_->jq, input, 0);
    jv_free(failure);
    for (;;) {
      jv output = jq_next(state_->jq);
      if (!jv_is_valid(output)) {
        failure = output;
        break;
      }
      const jv text = jv_dump_string(output, 0);
      made.emplace_back(jv_string_value(text), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(text))));
      jv_free(text);
    }
  } else {
    jv_free(failure);
    failure = input;
  }
  if (jv_invalid_has_msg(jv_copy(failure))) {
    if (++failures_ == 1) first_failure_ = text_and_free(jv_invalid_get_msg(jv_copy(failure)));
  }
  jv_free(failure);
  return made;
}

bool Jq::matches(std::string_view json) {
  const int64_t failures = failures_;
  const auto made = apply(json);
  return failures == failures_ &&
         std::any_of(made.begin(), made.end(), [](const auto& each) { return each != "null" && each != "false"; });
}

}  // namespace everfold::replay
