// A whole load: products, opening stock, invoices in the order of their dates, and the check.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/load/api.hpp"
#include "tools/load/check.hpp"
#include "tools/load/progress.hpp"
#include "tools/load/shop.hpp"

namespace everfold::load {

struct RunOptions {
  Endpoint endpoint;
  std::string run_id;
  unsigned concurrency = 16;
  double speed = 0;  // times as fast as the dates of the file; 0: as fast as it goes
};

struct RunFigures {
  std::vector<Entry> ledger;
  CheckResult check;
  std::size_t products = 0;            // offered
  std::size_t receipts = 0;            // SKUs whose opening stock was received
  double invoice_seconds = 0;          // from the first invoice to the end of the last
  std::uint64_t invoice_commands = 0;  // in that time
  std::vector<std::string> trouble;    // that ended the load before its invoices
};

class Run {
 public:
  // `plan`: SKUs change where the shop already sells them at another price.
  Run(const RunOptions& options, const SalesFile& file, Plan& plan, Tokens& tokens, Metrics& metrics, Stop& stop);

  // Returns when all is done, or soon after the stop was asked for.
  RunFigures run();

 private:
  using Work = std::function<void(Api&, std::size_t)>;
  void for_each(const std::string& phase, std::size_t count, const Work& work);
  void prepare(const std::string& phase, std::size_t& succeeded,
               const std::function<Result<void>(Api&, Product&)>& work);
  void send_invoices();
  void check();

  const RunOptions& options_;
  const SalesFile& file_;
  Plan& plan_;
  Tokens& tokens_;
  Metrics& metrics_;
  Stop& stop_;
  Ledger ledger_;
  Shop shop_;
  RunFigures figures_;
  std::unique_ptr<Progress> progress_;
};

}  // namespace everfold::load
