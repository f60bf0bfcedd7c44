// everfold-simulate: runs seeds until one breaks a promise, or all have kept them.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "tests/simulator/mutant.hpp"
#include "tests/simulator/verdict.hpp"

namespace everfold::simulator {
namespace {

constexpr const char* usage =
    "usage: everfold-simulate [--seeds N] [--from S] [--seed S] [--mutant NAME] [--every-mutant]\n"
    "  --seeds N        how many (1000)\n"
    "  --from S         the first one (1)\n"
    "  --seed S         that one only, told step by step\n"
    "  --mutant NAME    with this bug planted: fails unless a seed finds it (everfold-simulate-mutants)\n"
    "  --every-mutant   each in turn\n";

struct Options {
  uint64_t seeds = 1'000, from = 1;
  bool tell = false, every_mutant = false;
  std::string mutant;
};

Options options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--every-mutant") {
      options.every_mutant = true;
      continue;
    }
    if (i + 1 == argc) std::exit((std::cerr << usage, 2));
    const std::string value = argv[++i];
    if (name == "--mutant") options.mutant = value;
    else if (name == "--seeds") options.seeds = std::stoull(value);
    else if (name == "--from") options.from = std::stoull(value);
    else if (name == "--seed") options.from = std::stoull(value), options.seeds = 1, options.tell = true;
    else std::exit((std::cerr << usage, 2));
  }
  return options;
}

// What the runs went through, so that one sees that they went through anything.
struct Sums {
  int64_t steps = 0, crashes = 0, commits = 0, void_records = 0, done = 0, refused = 0, unavailable = 0, unanswered = 0;

  void add(const World& world, const AcceptedHistory& history) {
    steps += world.steps();
    crashes += world.crashes();
    commits += static_cast<int64_t>(history.commits.size());
    void_records += history.void_records;
    for (const Attempt& attempt : world.ledger().attempts) {
      if (!attempt.outcome) ++unanswered;
      else if (*attempt.outcome) ++done;
      else if (is_unavailable(*attempt.outcome)) ++unavailable;
      else ++refused;
    }
  }
};

// What is wrong with it; nothing when all is well.
std::optional<std::string> run(uint64_t seed, bool tell, Sums* sums) {
  World world(seed, tell);
  try {
    world.run();
    judge(world);
  } catch (const Violation& violation) {
    return violation.what;
  } catch (const std::exception& error) {
    return std::string("a program threw: ") + error.what();
  }
  if (sums) sums->add(world, AcceptedHistory(world.kafka()));
  return std::nullopt;
}

int run_all(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  Sums sums;
  int broken = 0;
  for (uint64_t seed = options.from; seed < options.from + options.seeds; ++seed) {
    const auto wrong = run(seed, options.tell, &sums);
    if (!wrong) continue;
    std::cout << "seed " << seed << ": " << *wrong << "\n  again, step by step: everfold-simulate --seed " << seed << std::endl;
    if (++broken == 5) break;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cout << options.seeds << " seeds in " << seconds << " s: " << sums.steps << " steps, " << sums.crashes << " crashes, "
            << sums.commits << " commits accepted, " << sums.void_records << " records void; " << sums.done << " requests done, "
            << sums.refused << " refused, " << sums.unavailable << " unavailable, " << sums.unanswered << " never answered\n"
            << (broken ? "BROKEN" : "every promise was kept") << std::endl;
  return broken ? 1 : 0;
}

bool finds(std::size_t number, const Options& options) {
  mutant = static_cast<int>(number) + 1;
  for (uint64_t seed = options.from; seed < options.from + options.seeds; ++seed)
    if (const auto wrong = run(seed, options.tell, nullptr)) {
      std::cout << mutant_names[number] << ": found by seed " << seed << ": " << *wrong << std::endl;
      return true;
    }
  std::cout << mutant_names[number] << ": NOT FOUND in " << options.seeds << " seeds" << std::endl;
  return false;
}

int hunt(const Options& options) {
  int looked_for = 0, missed = 0;
  for (std::size_t i = 0; i < mutant_names.size(); ++i) {
    if (!options.every_mutant && mutant_names[i] != options.mutant) continue;
    ++looked_for;
    if (!finds(i, options)) ++missed;
  }
  if (looked_for == 0) std::cerr << "there is no such mutant in this program\n";
  return looked_for > 0 && missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace everfold::simulator

int main(int argc, char** argv) {
  using namespace everfold::simulator;
  const Options options = options_of(argc, argv);
  return options.every_mutant || !options.mutant.empty() ? hunt(options) : run_all(options);
}
