// How one product, one delivery and one invoice are told to the API. Every Idempotency-Key derives from the run's id
// and the place in the file, so a run that is begun again with its id does nothing twice.
#pragma once

#include <string>

#include "tools/load/api.hpp"
#include "tools/load/catalogue.hpp"
#include "tools/load/ledger.hpp"
#include "tools/load/plan.hpp"

namespace everfold::load {

class Shop {
 public:
  Shop(Plan& plan, Ledger& ledger, std::string run_id) : plan_(plan), ledger_(ledger), run_id_(std::move(run_id)) {}

  // Creates it, or finds it there at the same price. When its SKU is taken at another price, the product gets its SKU
  // with the price in it. Each product must be offered once, by one thread, before any invoice is sent.
  Result<void> offer(Api& api, Product& product);
  Result<void> stock(Api& api, const Product& product);
  // Blocks until the orders that a cancellation is about have ended.
  Entry send(Api& api, const Invoice& invoice);

  // In the stock log these texts tell this run's movements from others'.
  std::string opening_reference() const { return run_id_ + " opening stock"; }
  std::string return_reference(const Invoice& invoice) const { return run_id_ + " " + invoice.number; }
  // Ends in what tells the run and the invoice.
  std::string adjustment_reason(const Invoice& invoice, const Adjustment& adjustment) const {
    return adjustment.reason + " (" + return_reference(invoice) + ")";
  }

 private:
  Result<void> create(Api& api, const Product& product);
  Entry order(Api& api, const Invoice& invoice);
  Entry adjust(Api& api, const Invoice& invoice);
  Entry cancel(Api& api, const Invoice& invoice);
  Entry take_back(Api& api, const Invoice& invoice);
  Result<Entry> wait_until_settled(Api& api, const Caller& caller, const std::string& order_id,
                                   const std::string& position);
  std::string key(const std::string& what) const;
  std::string key(const Invoice& invoice, const std::string& what) const;

  Plan& plan_;
  Ledger& ledger_;
  Catalogue catalogue_;
  std::string run_id_;
};

// "C536379@2010-12-01T09:41": the correlation id under which the invoice's events, and all that they cause, are found in the log.
std::string document_of(const Invoice& invoice);

// Who stocks the shop and takes goods back.
Caller staff();

}  // namespace everfold::load
