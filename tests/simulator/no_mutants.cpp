#include "tests/simulator/mutant.hpp"

namespace everfold::simulator {

int mutant = 0;
const std::vector<std::string> mutant_names;

}  // namespace everfold::simulator
