// Weighs what callers were told, what lies on the disks and what the shop is worth against the accepted history.
#pragma once

#include "tests/simulator/history.hpp"
#include "tests/simulator/world.hpp"

namespace everfold::simulator {

// After a run; throws Violation.
void judge(const World& world);

// Its parts.
void judge_decisions(const World& world, const AcceptedHistory& history);  // every commit and every answer
void judge_topics(const World& world, const AcceptedHistory& history);     // commands and translators
void judge_disks(const World& world, const AcceptedHistory& history);      // indexes and views
void judge_shop(const World& world, const AcceptedHistory& history);       // stock, money, orders

}  // namespace everfold::simulator
