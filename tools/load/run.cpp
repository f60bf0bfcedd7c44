#include "tools/load/run.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "tools/load/read_back.hpp"

namespace everfold::load {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_trouble = 20;  // sentences kept; more say nothing new
// What a refund and a lagging view may take in the end.
constexpr std::chrono::seconds settling{30};

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

}  // namespace

Run::Run(const RunOptions& options, const SalesFile& file, Plan& plan, Tokens& tokens, Metrics& metrics, Stop& stop)
    : options_(options),
      file_(file),
      plan_(plan),
      tokens_(tokens),
      metrics_(metrics),
      stop_(stop),
      ledger_(plan.invoices.size()),
      shop_(plan, ledger_, options.run_id),
      progress_(std::make_unique<Progress>(metrics)) {}

// Things are begun in their order, so whoever waits for an earlier one waits for something that is under way.
void Run::for_each(const std::string& phase, std::size_t count, const Work& work) {
  progress_->begin(phase, count);
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> workers;
  for (unsigned worker = 0; worker < std::min<std::size_t>(options_.concurrency, count); ++worker) {
    workers.emplace_back([&] {
      Api api(options_.endpoint, tokens_, metrics_, stop_);
      for (auto at = next++; at < count && !stop_.asked(); at = next++) {
        work(api, at);
        progress_->advance();
      }
    });
  }
}

void Run::prepare(const std::string& phase, std::size_t& succeeded,
                  const std::function<Result<void>(Api&, Product&)>& work) {
  if (!figures_.trouble.empty() || stop_.asked()) return;
  std::mutex mutex;
  for_each(phase, plan_.products.size(), [&](Api& api, std::size_t at) {
    auto& product = plan_.products[at];
    const auto result = work(api, product);
    const std::lock_guard lock(mutex);
    if (result) {
      ++succeeded;
    } else if (result.error().error != "Stopped" && figures_.trouble.size() < most_trouble) {
      figures_.trouble.push_back(phase + ", " + product.sku + ": " + result.error().error + ": " +
                                 result.error().message);
    }
  });
}

void Run::send_invoices() {
  const auto begin = Clock::now();
  const auto commands_before = metrics_.commands();
  const auto first = plan_.invoices.empty() ? Seconds{} : plan_.invoices.front().date;
  for_each("invoices", plan_.invoices.size(), [&](Api& api, std::size_t at) {
    const auto& invoice = plan_.invoices[at];
    if (options_.speed > 0 && invoice.kind != InvoiceClass::unreadable) {
      const std::chrono::duration<double> after = (invoice.date - first) / options_.speed;
      if (!stop_.sleep_until(begin + std::chrono::duration_cast<Clock::duration>(after))) return;
    }
    ledger_.write(at, shop_.send(api, invoice));
  });
  figures_.invoice_seconds = seconds_since(begin);
  figures_.invoice_commands = metrics_.commands() - commands_before;
}

void Run::check() {
  const auto sums = sums_of(file_.rows);
  auto& result = figures_.check;
  const auto expected = expect(plan_, file_, sums, figures_.ledger);
  result.file = totals_of_file(sums, plan_);
  result.file_net = sums.net_pence;
  for (const auto& left_out : plan_.left_out) result.left_out_net += left_out.amount.value_or(0);
  result.skus = plan_.products.size();

  std::set<std::string> order_ids;
  for (const auto& entry : figures_.ledger) {
    if (!entry.order_id.empty()) order_ids.insert(entry.order_id);
  }
  const std::vector<std::pair<std::size_t, OrderFigures>> orders(expected.orders.begin(), expected.orders.end());
  const auto deadline = Clock::now() + settling;
  std::mutex mutex;
  const auto note = [&](std::vector<std::string> found) {
    std::move(found.begin(), found.end(), std::back_inserter(result.differences));
  };
  for_each("check", orders.size() + plan_.products.size(), [&](Api& api, std::size_t at) {
    ReadBack read(api, deadline);
    if (at >= orders.size()) {
      const auto place = at - orders.size();
      const auto& sku = plan_.products[place].sku;
      auto found = read.stock(sku, expected.stock[place], order_ids, options_.run_id);
      const std::lock_guard lock(mutex);
      note(found ? std::move(found).value()
                 : std::vector{"stock of " + sku + ": " + found.error().error + ": " + found.error().message});
      return;
    }
    const auto& [place, wanted] = orders[at];
    const auto& invoice = plan_.invoices[place];
    auto seen = read.order(invoice, figures_.ledger[place], wanted);
    const std::lock_guard lock(mutex);
    if (!seen) return note({"invoice " + invoice.number + ": " + seen.error().error + ": " + seen.error().message});
    const auto& figures = seen.value().figures;
    ++result.system.orders;
    result.system.units += figures.sum.units;
    result.system.revenue += figures.sum.pence;
    result.system.refunded += figures.refunded;
    note(std::move(seen.value().differences));
  });
  if (stop_.asked()) return;
  std::sort(result.differences.begin(), result.differences.end());
  result.made = true;
}

RunFigures Run::run() {
  prepare("products", figures_.products, [&](Api& api, Product& product) -> Result<void> {
    if (!product.on_sale) return boost::outcome_v2::success();
    return shop_.offer(api, product);
  });
  prepare("stock", figures_.receipts, [&](Api& api, Product& product) { return shop_.stock(api, product); });
  if (figures_.trouble.empty() && !stop_.asked()) send_invoices();
  figures_.ledger = ledger_.entries();
  if (figures_.trouble.empty() && !stop_.asked()) check();
  progress_.reset();
  return std::move(figures_);
}

}  // namespace everfold::load
