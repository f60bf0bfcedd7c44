#include "query-api/checkout/routes.hpp"

#include <chrono>

#include "projections/checkout/checkouts.hpp"
#include "projections/timestamp.hpp"
#include "query-api/http/lists.hpp"
#include "query-api/http/rows.hpp"

namespace everfold::query {
namespace {

using checkout::Checkouts;
using Row = Checkouts::Row;

constexpr std::string_view sortable[] = {"updatedAt", "createdAt"};
constexpr int64_t longest_quiet_s = 1'000'000'000;

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Answer list(const Read& read) {
  if (auto refusal = needs_staff(read.caller)) return *std::move(refusal);
  Parameters parameters(read.request);
  const auto page = Page::of(parameters);
  const auto order = Order::of(parameters, sortable, {0, false});
  const auto fields = Fields::of(parameters, *Row::descriptor());
  const auto state = parameters.value_of("state", *Row::State_descriptor());
  const auto quiet_for_s = parameters.integer("quietFor", 0, longest_quiet_s);
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  const int64_t quiet_since_ms = now_ms() - quiet_for_s.value_or(0) * 1000;
  return list_of<Row>(read.view, page, order, fields, [&](PageOfMatches& matches) {
    read.view.rows({}, {}, [&](std::string_view key, std::string_view bytes) {
      const auto row = parsed_row<Row>(key, bytes);
      if (state && row.state() != *state) return true;
      if (quiet_for_s && time_ms(row.updated_at()) > quiet_since_ms) return true;
      matches.offer(sort_key(time_ms(order.by == 0 ? row.updated_at() : row.created_at())), key);
      return true;
    });
  });
}

}  // namespace

void add_checkout_routes(ReadRoutes& routes) {
  routes.add("/api/checkouts", {std::string(Checkouts::name), ReadStep::Work::scan, list});
}

}  // namespace everfold::query
