// The shop that is loaded when no file is given: sample.csv, built in.
#pragma once

#include <string_view>

namespace everfold::load {

extern const std::string_view sample_csv;

}  // namespace everfold::load
