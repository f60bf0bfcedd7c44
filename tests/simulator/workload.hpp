// What the simulation's clients want.
#pragma once

#include "kernel/codec.hpp"
#include "tests/simulator/ledger.hpp"
#include "tests/simulator/plan.hpp"

namespace everfold::simulator {

class Workload {
 public:
  Workload(Universe& universe, const Plan& plan) : universe_(universe), plan_(plan) {}

  Wish next();
  // For the next If-Match of this aggregate.
  void learn(const std::string& aggregate_id, int64_t version) { versions_[aggregate_id] = version; }

 private:
  std::string sku() { return "sku-" + std::to_string(universe_.random.below(plan_.skus)); }
  Wish wish(const std::string& context, std::string aggregate_id, Encoded body);
  Wish about_stock();
  Wish about_an_order();
  Wish place_order();

  Universe& universe_;
  const Plan& plan_;
  int made_ = 0;
  int orders_ = 0;
  std::map<std::string, int64_t> versions_;
  std::map<std::string, std::string> keys_;  // the last of an aggregate
};

}  // namespace everfold::simulator
