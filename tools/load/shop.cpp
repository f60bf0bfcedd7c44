#include "tools/load/shop.hpp"

#include <algorithm>
#include <boost/outcome/try.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <utility>

#include "tools/load/lines.hpp"

namespace everfold::load {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds first_poll{4};
constexpr milliseconds slowest_poll{250};
constexpr std::size_t longest_name = 200;

Json gbp(std::int64_t pence) { return {{"amount", pence}, {"currency", "GBP"}}; }

std::string inventory_path(const Product& product, const char* what) {
  return "/api/inventory/" + percent_encode(product.sku) + "/" + what;
}

Failure nonsense(const std::string& what) { return {0, "UnexpectedAnswer", what}; }

// A 4xx is the shop's decision; anything else is nobody's.
Entry entry_of(const Failure& failure) {
  Entry entry;
  const bool stopped = failure.error == "Stopped";
  entry.outcome = stopped                                         ? Outcome::not_sent
                  : failure.status >= 400 && failure.status < 500 ? Outcome::refused
                                                                  : Outcome::failed;
  entry.reason = failure.error + (failure.message.empty() ? "" : ": " + failure.message);
  return entry;
}

Entry done() {
  Entry entry;
  entry.outcome = Outcome::done;
  return entry;
}

std::string text(const Json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json child(const Json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && found != json.end() ? *found : Json();
}

Caller shopper(const Invoice& invoice) {
  if (invoice.customer.empty()) return {{}, {}, {}, document_of(invoice)};
  return {"user", invoice.customer, {}, document_of(invoice)};
}

// At most `longest` bytes, never half a character.
std::string shortened(std::string name, std::size_t longest) {
  if (name.size() <= longest) return name;
  while (longest > 0 && (static_cast<unsigned char>(name[longest]) & 0xc0) == 0x80) --longest;
  name.resize(longest);
  return name;
}

Caller staff(const Invoice& invoice) {
  Caller caller = load::staff();
  caller.document = document_of(invoice);
  return caller;
}

}  // namespace

Caller staff() { return {"admin", "everfold-load", {}, {}}; }

std::string document_of(const Invoice& invoice) {
  const auto day = std::chrono::floor<std::chrono::days>(invoice.date);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(invoice.date - day);
  char text[32];
  std::snprintf(text, sizeof text, "@%04d-%02u-%02uT%02d:%02d", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
  return percent_encode(invoice.number) + text;
}

std::string Shop::key(const std::string& what) const { return run_id_ + "-" + percent_encode(what); }

std::string Shop::key(const Invoice& invoice, const std::string& what) const {
  return run_id_ + "-" + percent_encode(invoice.number) + "-" + what;
}

Result<void> Shop::create(Api& api, const Product& product) {
  const Json body{{"sku", product.sku},
                  {"name", shortened(product.name, longest_name)},
                  {"price", gbp(product.price)},
                  {"status", "active"}};
  BOOST_OUTCOME_TRY(api.post(staff(), {Kind::create_product, "/api/products", body, key("product-" + product.sku)}));
  return boost::outcome_v2::success();
}

Result<void> Shop::offer(Api& api, Product& product) {
  const auto own_sku = sku_at_price(product.stock_code, product.price);
  while (true) {
    auto created = create(api, product);
    if (created || created.error().error != "AlreadyExists") return created;
    BOOST_OUTCOME_TRY(offer, catalogue_.find(api, product.sku));
    if (offer && offer->active && offer->price == gbp(product.price)) return boost::outcome_v2::success();
    if (product.sku == own_sku) {
      return Failure{409, "AlreadyExists",
                     product.sku + " is there already, archived or at another price than " + pounds(product.price)};
    }
    product.sku = own_sku;
  }
}

Result<void> Shop::stock(Api& api, const Product& product) {
  if (product.to_receive == 0) return boost::outcome_v2::success();
  // One receipt may be of a billion units; a file that needs more gets several.
  for (std::int64_t received = 0; received < product.to_receive; received += most_units) {
    const auto part = std::min(most_units, product.to_receive - received);
    const auto name = "stock-" + product.sku + "-" + std::to_string(received);
    BOOST_OUTCOME_TRY(api.post(staff(), {Kind::receive_stock,
                                         inventory_path(product, "receipts"),
                                         {{"quantity", part}, {"reference", opening_reference()}},
                                         key(name)}));
  }
  return boost::outcome_v2::success();
}

Entry Shop::send(Api& api, const Invoice& invoice) {
  switch (invoice.kind) {
    case InvoiceClass::order: {
      if (!invoice.adjustments.empty()) {
        if (auto adjusted = adjust(api, invoice); adjusted.outcome != Outcome::done) return adjusted;
      }
      return order(api, invoice);
    }
    case InvoiceClass::adjustment:
      return adjust(api, invoice);
    case InvoiceClass::whole_cancellation:
      return cancel(api, invoice);
    case InvoiceClass::part_cancellation:
      return take_back(api, invoice);
    case InvoiceClass::unmatched_cancellation:
    case InvoiceClass::not_representable:
    case InvoiceClass::unreadable:
      return {};
  }
  return {};
}

Entry Shop::order(Api& api, const Invoice& invoice) {
  auto caller = shopper(invoice);
  auto cart = api.post(caller, {Kind::create_cart, "/api/carts", {{"currency", "GBP"}}, key(invoice, "cart")});
  if (!cart) return entry_of(cart.error());
  const auto cart_id = text(cart.value().body, "id");
  if (cart_id.empty()) return entry_of(nonsense("a new cart has no id"));
  const auto path = "/api/carts/" + percent_encode(cart_id);
  for (const auto& sale : invoice.sales) {
    const Json item{{"sku", plan_.products[sale.product].sku}, {"quantity", sale.quantity}};
    // The cart learns of a new product a moment after the catalogue.
    auto added = api.post(caller, {Kind::add_item, path + "/items", item,
                                   key(invoice, "line-" + std::to_string(sale.line)), "ProductUnavailable"});
    if (!added) return entry_of(added.error());
  }
  const auto begin = Clock::now();
  const Json payment{{"payment", {{"provider", "sandbox"}, {"method", "approve"}}}};
  auto placed = api.post(caller, {Kind::check_out, path + "/checkout", payment, key(invoice, "checkout")});
  if (!placed) return entry_of(placed.error());
  const auto order_id = text(placed.value().body, "orderId");
  if (order_id.empty()) return entry_of(nonsense("a checkout answers no orderId"));
  caller.order_token = text(placed.value().body, "orderToken");
  auto settled = wait_until_settled(api, caller, order_id, placed.value().position);
  auto entry = settled ? settled.value() : entry_of(settled.error());
  if (entry.outcome == Outcome::done) {
    api.confirmed(std::chrono::duration_cast<Histogram::Duration>(Clock::now() - begin));
  }
  entry.order_id = order_id;
  return entry;
}

Result<Entry> Shop::wait_until_settled(Api& api, const Caller& caller, const std::string& order_id,
                                       const std::string& position) {
  const auto deadline = Clock::now() + api.patience();
  auto pause = first_poll;
  while (true) {
    BOOST_OUTCOME_TRY(read, api.get(caller, "/api/orders/" + percent_encode(order_id), position));
    const auto status = text(read.body, "status");
    if (status != "PENDING" && status != "STOCK_RESERVED") {
      // A resumed run meets orders that were refunded already. Only a cancellation that no invoice asked for is a
      // refusal.
      const auto reason = text(child(read.body, "cancellation"), "reason");
      Entry entry = done();
      entry.payment_id = text(child(read.body, "payment"), "id");
      if (status == "CANCELLED" && !reason.starts_with(run_id_ + " ")) {
        entry.outcome = Outcome::refused;
        entry.reason = reason;
      }
      return entry;
    }
    if (Clock::now() + pause >= deadline) return Failure{0, "NotSettled", "order " + order_id + " is still " + status};
    if (!api.stop().sleep_for(pause)) return Failure{0, "Stopped", "the load was stopped"};
    pause = std::min(pause * 3 / 2, slowest_poll);
  }
}

Entry Shop::adjust(Api& api, const Invoice& invoice) {
  for (const auto& adjustment : invoice.adjustments) {
    const auto& product = plan_.products[adjustment.product];
    const Json body{{"delta", adjustment.delta}, {"reason", adjustment_reason(invoice, adjustment)}};
    auto adjusted = api.post(staff(invoice), {Kind::adjust_stock, inventory_path(product, "adjustments"), body,
                                       key(invoice, "line-" + std::to_string(adjustment.line))});
    if (!adjusted) return entry_of(adjusted.error());
  }
  return done();
}

Entry Shop::cancel(Api& api, const Invoice& invoice) {
  const auto order = ledger_.wait_for(invoice.returns.front().order, api.stop());
  if (order.outcome != Outcome::done) return {Outcome::not_sent, "its order was not confirmed", {}, {}};
  auto cancelled = api.post(staff(invoice), {Kind::cancel_order,
                                      "/api/orders/" + percent_encode(order.order_id) + "/cancel",
                                      {{"reason", return_reference(invoice)}},
                                      key(invoice, "cancel")});
  return cancelled ? done() : entry_of(cancelled.error());
}

// A refund for each order that goods come back from, then the goods.
Entry Shop::take_back(Api& api, const Invoice& invoice) {
  std::map<std::size_t, std::int64_t> amounts;
  for (const auto& given : invoice.returns) amounts[given.order] += given.amount;
  for (const auto& [order, amount] : amounts) {
    const auto entry = ledger_.wait_for(order, api.stop());
    if (entry.outcome != Outcome::done) return {Outcome::not_sent, "an order of it was not confirmed", {}, {}};
    if (amount == 0) continue;
    const Json body{{"amount", gbp(amount)}, {"reason", return_reference(invoice)}};
    auto refunded = api.post(staff(invoice), {Kind::refund, "/api/payments/" + percent_encode(entry.payment_id) + "/refunds",
                                       body, key(invoice, "refund-" + std::to_string(order))});
    if (!refunded) return entry_of(refunded.error());
  }
  for (std::size_t place = 0; place < invoice.returns.size(); ++place) {
    const auto& given = invoice.returns[place];
    const auto& product = plan_.products[given.product];
    auto received = api.post(staff(invoice), {Kind::receive_stock,
                                       inventory_path(product, "receipts"),
                                       {{"quantity", given.quantity}, {"reference", return_reference(invoice)}},
                                       key(invoice, "return-" + std::to_string(place))});
    if (!received) return entry_of(received.error());
  }
  return done();
}

}  // namespace everfold::load
