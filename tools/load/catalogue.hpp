// What the shop offers already, for products that turn out to exist.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "tools/load/api.hpp"

namespace everfold::load {

struct Offer {
  Json price;
  bool active = false;
};

// Any thread may ask. The whole list is read once, by the first that asks: each page and each search costs the query
// API a pass over all products.
class Catalogue {
 public:
  // Nothing: no list shows it, as when it is archived.
  Result<std::optional<Offer>> find(Api& api, const std::string& sku);

 private:
  Result<void> read(Api& api, const std::string& filter);
  std::optional<Offer> known(const std::string& sku) const;

  std::mutex mutex_;
  bool read_ = false;
  std::map<std::string, Offer> offers_;
};

}  // namespace everfold::load
