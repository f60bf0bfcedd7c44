// What the file itself says, added up line by line without the plan's help: the figures that the system's answers are
// checked against. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/load/rows.hpp"

namespace everfold::load {

struct Sum {
  std::int64_t units = 0;
  std::int64_t pence = 0;
  bool operator==(const Sum&) const = default;
};

struct FileSums {
  std::map<std::string, Sum> sold;        // by invoice: what an order of it must amount to
  std::map<std::string, Sum> given_back;  // by cancellation, positive numbers, matched or not
  std::int64_t net_pence = 0;             // every line whose amount is whole pence, sales and cancellations alike

  Sum total_sold() const;
};

FileSums sums_of(const std::vector<Row>& rows);

}  // namespace everfold::load
