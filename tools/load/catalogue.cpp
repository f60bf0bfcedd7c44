#include "tools/load/catalogue.hpp"

#include <boost/outcome/try.hpp>

#include "tools/load/shop.hpp"

namespace everfold::load {
namespace {

using Clock = std::chrono::steady_clock;

// How long a product that is said to exist may take to appear in the list.
constexpr std::chrono::seconds lag{5};
constexpr std::chrono::milliseconds pause_between_reads{250};

}  // namespace

Result<void> Catalogue::read(Api& api, const std::string& filter) {
  for (int page = 1, pages = 1; page <= pages; ++page) {
    BOOST_OUTCOME_TRY(list, api.get(staff(), "/api/products?sortBy=createdAt&sortOrder=asc&pageSize=100&page=" +
                                                 std::to_string(page) + filter));
    if (!list.body.is_object() || !list.body.contains("items")) {
      return Failure{0, "UnexpectedAnswer", "the list of products has no items"};
    }
    pages = list.body.value("totalPages", 1);
    for (const auto& item : list.body["items"]) {
      offers_[item.value("sku", "")] = {item.value("price", Json()), item.value("status", "") == "active"};
    }
  }
  return boost::outcome_v2::success();
}

std::optional<Offer> Catalogue::known(const std::string& sku) const {
  const auto found = offers_.find(sku);
  return found == offers_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<Offer>> Catalogue::find(Api& api, const std::string& sku) {
  const std::lock_guard lock(mutex_);
  if (!read_) {
    BOOST_OUTCOME_TRY(read(api, ""));
    read_ = true;
  }
  const auto give_up = Clock::now() + lag;
  while (!known(sku)) {  // made since by somebody else, and perhaps not in the view yet
    BOOST_OUTCOME_TRY(read(api, "&search=" + percent_encode(sku)));
    if (known(sku) || Clock::now() >= give_up) break;
    if (!api.stop().sleep_for(pause_between_reads)) return Failure{0, "Stopped", "the load was stopped"};
  }
  return known(sku);
}

}  // namespace everfold::load
