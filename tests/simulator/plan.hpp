// What a seed means: how many programs, what they do, and what befalls them. Each seed chooses some faults and leaves others out, so
// that what one kind hides another seed shows.
#pragma once

#include <string>
#include <vector>

#include "tests/simulator/kafka.hpp"

namespace everfold::simulator {

struct Plan {
  explicit Plan(Random& random);

  bool saga = false;  // orders, payments and the checkout with its translators; otherwise stock alone
  int shards = 1;
  int command_nodes = 1;
  int saga_nodes = 0;
  int projectors = 1;
  int clients = 1;
  int wishes = 0;
  int skus = 1;

  int faulty_steps = 0;
  int64_t tick_ms = 0;  // a step takes up to that long

  RecordFaults records;
  // Chances in 10,000 a step.
  int crash = 0, power_cut = 0, wipe = 0, stop = 0, freeze = 0, cut = 0, outage = 0, fail_over = 0, doubt = 0, disturb = 0;
  // In 1,000 a request.
  int lose_message = 0, repeat_message = 0, late_message = 0;
  int astray = 0;    // sent to any node, not to the owner
  bool forwarding = true;  // nodes send on what is another's; otherwise 503
  // In 1,000 an event: a translator cannot handle it now.
  int unhandled = 0;

  // Shorter than in the programs, so that seconds hold what would take minutes.
  int64_t session_timeout_ms = 1'200;
  int64_t max_doubt_ms = 600;
  int64_t deadline_ms = 2'000;
  int64_t payment_timeout_ms = 4'000;
  std::size_t max_in_flight = 8'192;
  std::size_t cached_states = 100'000;
  int64_t snapshot_every = 3;

  std::vector<std::string> command_contexts() const {
    return saga ? std::vector<std::string>{"inventory", "orders", "payments"} : std::vector<std::string>{"inventory"};
  }
};

inline Plan::Plan(Random& random) {
  const auto sometimes = [&](int least, int most) { return random.one_in(2) ? 0 : static_cast<int>(random.between(least, most)); };
  saga = random.one_in(3);
  shards = static_cast<int>(random.between(1, saga ? 2 : 3));
  command_nodes = static_cast<int>(random.between(1, 3));
  saga_nodes = saga ? static_cast<int>(random.between(1, 2)) : 0;
  clients = static_cast<int>(random.between(1, 6));
  wishes = static_cast<int>(saga ? random.between(4, 30) : random.between(20, 120));
  skus = static_cast<int>(random.between(1, 3));
  faulty_steps = static_cast<int>(saga ? random.between(2'000, 6'000) : random.between(1'000, 4'000));
  tick_ms = random.between(1, 6);
  records.lose = sometimes(1, 30);
  records.lose_ack = sometimes(1, 20);
  records.duplicate = sometimes(1, 50);
  records.reorder = random.one_in(4) ? static_cast<int>(random.between(1, 30)) : 0;
  records.truncate = sometimes(100, 900);
  records.gaps = random.one_in(2);
  records.orphans = random.one_in(4) ? 0 : static_cast<int>(random.between(300, 1'000));
  crash = sometimes(3, 40);
  power_cut = sometimes(3, 30);
  wipe = random.one_in(4) ? static_cast<int>(random.between(1, 10)) : 0;
  stop = sometimes(3, 20);
  freeze = sometimes(3, 60);
  cut = sometimes(3, 30);
  outage = random.one_in(3) ? static_cast<int>(random.between(3, 30)) : 0;
  fail_over = sometimes(20, 300);
  doubt = sometimes(3, 40);
  disturb = sometimes(3, 40);
  lose_message = sometimes(10, 150);
  repeat_message = sometimes(10, 150);
  late_message = sometimes(50, 500);
  astray = static_cast<int>(random.between(50, 700));
  records.partial = static_cast<int>(random.between(50, 700));
  records.late_orphans = static_cast<int>(random.between(1, 12));
  if (random.one_in(2)) {  // one kind above all others
    const auto much = static_cast<int>(random.between(60, 200));
    tick_ms += random.between(0, 6);
    int* const kinds[] = {&crash, &freeze, &freeze, &cut, &doubt, &disturb, &stop};
    *kinds[random.below(7)] = much;
  }
  if (random.one_in(4)) max_in_flight = static_cast<std::size_t>(random.between(1, 4));
  if (random.one_in(3)) cached_states = 1;
  forwarding = !random.one_in(4);
  unhandled = sometimes(20, 300);
}

}  // namespace everfold::simulator
