// The vocabulary of decider tests (command-side and saga alike):
//
//   given<Orders>({placed(), confirmed()}).when(cancel("late")).then({make<v1::OrderCancelled>("reason: 'late'")});
//   given<Orders>({}).when(cancel("late")).then_rejected(Code::not_found);
//
// and of their tables, one row a command, one column a state, a cell what comes of it: event names joined by '+', '-'
// for no events, the name of a code for a refusal:
//
//   expect_table<Orders>({{"none", {}}, {"pending", {placed()}}}, {{"CancelOrder", cancel("late")}}, R"(
//                     none        pending
//       CancelOrder   not_found   OrderCancelled )");
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <source_location>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "kernel/decider.hpp"
#include "kernel/rejection.hpp"
#include "tests/messages.hpp"

namespace everfold::testing {

template <Decider D>
typename D::State fold(const std::vector<typename D::Event>& events, typename D::State state = {}) {
  for (const auto& event : events) state = D::evolve(std::move(state), event);
  return state;
}

// "OrderPlaced+OrderCancelled", "-" or "not_found".
template <Decider D>
std::string outcome_name(const Decided<std::vector<typename D::Event>>& decided) {
  if (!decided) return std::string(name_of(decided.error().code));
  std::string names;
  for (const auto& event : decided.value()) names += (names.empty() ? "" : "+") + name_of(event);
  return names.empty() ? "-" : names;
}

template <Decider D>
std::string show(const Decided<std::vector<typename D::Event>>& decided) {
  if (decided) return decided.value().empty() ? "  (no events)\n" : show(decided.value());
  std::string text = "  refused: " + std::string(name_of(decided.error().code)) + ": " + decided.error().message + "\n";
  for (const FieldError& each : decided.error().details) text += "    " + each.field + ": " + each.message + "\n";
  return text;
}

template <Decider D>
class When {
 public:
  using Event = typename D::Event;

  When(std::vector<Event> history, typename D::Command command)
      : history_(std::move(history)), command_(std::move(command)), decided_(D::decide(fold<D>(history_), command_)) {}

  void then(const std::vector<Event>& expected, std::source_location at = std::source_location::current()) const {
    if (!decided_ || !same(decided_.value(), expected)) fail("these events:\n" + show(expected), at);
  }
  void then_nothing(std::source_location at = std::source_location::current()) const {
    if (!decided_ || !decided_.value().empty()) fail("no events\n", at);
  }
  // A refusal tells people what to do, and each detail is about a field unless it is about the whole.
  void then_rejected(Code code, std::source_location at = std::source_location::current()) const {
    if (decided_ || decided_.error().code != code || decided_.error().message.empty())
      fail("a refusal: " + std::string(name_of(code)) + "\n", at);
  }
  void then_rejected(Code code, std::string_view field,
                     std::source_location at = std::source_location::current()) const {
    then_rejected(code, std::vector<std::string>{std::string(field)}, at);
  }
  // These fields, in this order, and no others.
  void then_rejected(Code code, const std::vector<std::string>& fields,
                     std::source_location at = std::source_location::current()) const {
    std::vector<std::string> told;
    if (!decided_)
      for (const FieldError& each : decided_.error().details) told.push_back(each.field);
    if (decided_ || decided_.error().code != code || told != fields)
      fail("a refusal: " + std::string(name_of(code)) + " about " + ::testing::PrintToString(fields) + "\n", at);
  }
  // For what a test wants to look at more closely.
  const std::vector<Event>& events() const {
    static const std::vector<Event> none;
    return decided_ ? decided_.value() : none;
  }

 private:
  void fail(const std::string& expected, const std::source_location& at) const {
    ADD_FAILURE_AT(at.file_name(), static_cast<int>(at.line()))
        << "given:\n"
        << (history_.empty() ? "  (nothing)\n" : show(history_)) << "when:\n"
        << show(std::vector{command_}) << "expected " << expected << "but got:\n"
        << show<D>(decided_);
  }

  std::vector<Event> history_;
  typename D::Command command_;
  Decided<std::vector<Event>> decided_;
};

template <Decider D>
class Given {
 public:
  explicit Given(std::vector<typename D::Event> history) : history_(std::move(history)) {}
  When<D> when(typename D::Command command) const { return {history_, std::move(command)}; }

 private:
  std::vector<typename D::Event> history_;
};

template <Decider D>
Given<D> given(std::vector<typename D::Event> history) {
  return Given<D>(std::move(history));
}

template <Decider D>
using States = std::vector<std::pair<std::string, std::vector<typename D::Event>>>;
template <Decider D>
using Commands = std::vector<std::pair<std::string, typename D::Command>>;

// Every state and every command must have its cell, and every alternative of D::Command a row.
template <Decider D>
void expect_table(const States<D>& states, const Commands<D>& commands, const std::string& table,
                  std::source_location at = std::source_location::current()) {
  std::istringstream words(table);
  std::string word;
  for (const auto& [state, history] : states) {
    words >> word;
    EXPECT_EQ(word, state) << "a column's heading";
  }
  std::vector<bool> seen(std::variant_size_v<typename D::Command>);
  for (const auto& [row, command] : commands) {
    seen[command.index()] = true;
    words >> word;
    EXPECT_EQ(word, row) << "a row's heading";
    for (const auto& [state, history] : states) {
      word.clear();
      words >> word;
      const auto decided = D::decide(fold<D>(history), command);
      if (outcome_name<D>(decided) != word)
        ADD_FAILURE_AT(at.file_name(), static_cast<int>(at.line()))
            << row << " in state " << state << ": the table says " << word << ", the decider:\n"
            << show<D>(decided);
    }
  }
  EXPECT_FALSE(words >> word) << "the table has more cells than states and commands: " << word;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0) << "a command has no row in the table";
}

// What holds for every decider, tried with random commands. The seed is told when it does not.
template <Decider D>
struct Laws {
  using State = typename D::State;

  std::function<typename D::Command(std::mt19937_64&)> any_command;
  // Of a state alone and of a step: empty when all is well, otherwise what is not.
  std::function<std::string(const State&)> invariant;
  // Commands that add something each time they are sent under another command id: a second receipt is a second receipt.
  std::function<bool(const typename D::Command&)> adds_up;
  std::function<bool(const State&, const State&)> same_state;
};

// Returns how often each event and each refusal came up, so that a test can see that its commands reach them.
template <Decider D>
std::map<std::string, int> expect_laws(const Laws<D>& laws, int runs = 300, int commands = 80) {
  std::map<std::string, int> seen;
  for (int seed = 1; seed <= runs; ++seed) {
    std::mt19937_64 random(static_cast<uint64_t>(seed));
    typename D::State state{};
    std::vector<typename D::Event> history;
    for (int i = 0; i < commands; ++i) {
      const auto command = laws.any_command(random);
      const auto decided = D::decide(state, command);
      if (!decided) {
        ++seen[outcome_name<D>(decided)];
        continue;
      }
      state = fold<D>(decided.value(), std::move(state));
      history.insert(history.end(), decided.value().begin(), decided.value().end());
      for (const auto& event : decided.value()) ++seen[name_of(event)];
      const std::string broken = laws.invariant(state);
      std::string again;
      if (!laws.adds_up(command)) {
        const auto second = D::decide(state, command);
        if (second && !laws.same_state(fold<D>(second.value(), state), state)) again = show<D>(second);
      }
      if (broken.empty() && again.empty()) continue;
      ADD_FAILURE() << "seed " << seed << ", after:\n"
                    << show(history) << "and at last:\n"
                    << show(std::vector{command})
                    << (broken.empty() ? "the same again did it twice:\n" + again : broken);
      return seen;
    }
  }
  return seen;
}

}  // namespace everfold::testing
