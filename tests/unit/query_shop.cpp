#include "tests/unit/query_shop.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <stdexcept>

#include "platform/http/router.hpp"
#include "platform/http/target.hpp"
#include "query-api/routes.hpp"
#include "tests/tokens.hpp"

namespace everfold::query {
namespace {

const std::string secret(64, 'a');
constexpr int answer_deadline_ms = 10'000;

}  // namespace

std::vector<std::string> Answered::ids(const std::string& field) const {
  std::vector<std::string> ids;
  const auto list = json();
  for (const auto& item : list.at("items")) ids.push_back(item.at(field));
  return ids;
}

void GuardedView::write(const ViewBatch& batch) {
  const std::lock_guard lock(mutex_);
  store_.write(batch);
}
std::unique_lock<std::recursive_mutex> GuardedView::readable() const {
  if (damaged_) throw ViewDamaged("a bad block");
  return std::unique_lock(mutex_);
}
std::optional<std::string> GuardedView::row(std::string_view key) const {
  const auto lock = readable();
  return store_.row(key);
}
void GuardedView::rows(std::string_view prefix, std::string_view from, const Visit& visit) const {
  const auto lock = readable();
  store_.rows(prefix, from, visit);
}
void GuardedView::rows_backwards(std::string_view prefix, const Visit& visit) const {
  const auto lock = readable();
  store_.rows_backwards(prefix, visit);
}
void GuardedView::index(std::string_view prefix, const Visit& visit) const {
  const auto lock = readable();
  store_.index(prefix, visit);
}
void GuardedView::index_backwards(std::string_view prefix, const Visit& visit) const {
  const auto lock = readable();
  store_.index_backwards(prefix, visit);
}
LogPosition GuardedView::position(const LogId& log) const {
  const std::lock_guard lock(mutex_);
  return store_.position(log);
}

QueryShop::QueryShop(Pace pace) : tokens_(secret), views_(followed(), pace) {
  ReadRoutes routes(router_, views_, pool_, tokens_, [this](std::string_view sentence) {
    const std::lock_guard lock(warnings_mutex_);
    warnings_.emplace_back(sentence);
  });
  add_routes(router_, routes);
  views_.start();
}

QueryShop::~QueryShop() {
  views_.stop();
  for (const auto& warning : take_warnings()) ADD_FAILURE() << "the routes warned: " << warning;
}

void QueryShop::damage_views() {
  for (const auto& [name, store] : stores_) store->damage();
}

std::vector<std::string> QueryShop::take_warnings() {
  const std::lock_guard lock(warnings_mutex_);
  return std::exchange(warnings_, {});
}

std::vector<FollowedView> QueryShop::followed() {
  const std::vector<std::string> contexts{"catalog", "inventory", "carts", "orders", "payments", "checkout"};
  const std::vector<std::pair<std::string, std::vector<std::string>>> names{
      {"products", {"catalog"}}, {"stock", {"inventory"}},   {"carts", {"carts"}},
      {"orders", {"orders"}},    {"payments", {"payments"}}, {"checkouts", {"checkout"}}, {"history", contexts}};
  std::vector<FollowedView> views;
  for (const auto& [name, folded] : names) {
    auto store = stores_[name] = std::make_shared<GuardedView>();
    views.push_back({name, folded, store, [this] { return there_.load(); }, [] { return std::string(); }});
  }
  return views;
}

void QueryShop::send(const std::string& target, Headers headers) {
  const auto parsed = http::parse_target(target);
  if (!parsed) throw std::invalid_argument(parsed.error().message);
  auto match = router_.impl().match(http::Method::get, parsed.value().segments);
  if (!match.handler) throw std::invalid_argument("no route: " + target);
  http::Request request;
  request.target = target;
  request.path = parsed.value().path;
  request.query = parsed.value().query;
  request.params = std::move(match.params);
  request.headers = std::move(headers);
  (*match.handler)(std::move(request), http::Responder(std::make_shared<http::Responder::Exchange>(
                                           mailbox_, http::ConnectionId{1}, "trace")));
}

bool QueryShop::answered_already() {
  for (auto& answer : mailbox_->collect().answers) answers_.push_back(std::move(answer));
  return !answers_.empty();
}

Answered QueryShop::await_answer() {
  while (!answered_already()) {
    pollfd event{mailbox_->event_fd(), POLLIN, 0};
    if (::poll(&event, 1, answer_deadline_ms) == 0) throw std::runtime_error("no answer came");
  }
  const auto response = std::move(answers_.front().response);
  answers_.erase(answers_.begin());
  return {response.status, {response.headers.begin(), response.headers.end()}, response.body};
}

Answered QueryShop::get(const std::string& target, Headers headers) {
  send(target, std::move(headers));
  return await_answer();
}

Headers QueryShop::as(const std::string& subject, const std::string& role) const {
  const std::string claims =
      R"({"iss":"ecommerce-auth","aud":"ecommerce-services","iat":1700000000,"exp":4102444800,"sub":")" + subject +
      R"(","roles":[")" + role + R"("]})";
  return {{"authorization", "Bearer " + testing::signed_token(R"({"alg":"HS256","typ":"JWT"})", claims, secret)}};
}

std::string QueryShop::position(const std::string& context, int64_t events_more) const {
  const auto found = offsets_.find(context);
  return context + ".0:" + std::to_string((found == offsets_.end() ? 0 : found->second) + events_more);
}

}  // namespace everfold::query
