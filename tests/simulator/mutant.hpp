// Which planted bug is in force (tests/simulator/mutants.py): 0 is none.
#pragma once

#include <string>
#include <vector>

namespace everfold::simulator {

extern int mutant;
extern const std::vector<std::string> mutant_names;  // the first is mutant 1; none in the plain simulator

}  // namespace everfold::simulator
