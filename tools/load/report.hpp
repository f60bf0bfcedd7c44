// What is told at the end, for people and for programs. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/load/metrics.hpp"
#include "tools/load/plan.hpp"
#include "tools/load/run.hpp"

namespace everfold::load {

// Every invoice of the file in exactly one class; what each class amounts to.
std::string describe_plan(const SalesFile& file, const Plan& plan);
nlohmann::json plan_as_json(const SalesFile& file, const Plan& plan);

struct Report {
  const SalesFile& file;
  const Plan& plan;
  const RunOptions& options;
  const RunFigures& figures;
  const Metrics& metrics;
};
std::string describe_run(const Report& report);
nlohmann::json run_as_json(const Report& report);

// 0: every invoice is where it belongs and the totals are the file's. 1: not so.
int exit_code(const RunFigures& figures);

}  // namespace everfold::load
