#include "query-api/http/lists.hpp"

#include <algorithm>

namespace everfold::query {
namespace {

constexpr int64_t max_page = 1'000'000'000;
constexpr int64_t max_page_size = 100;
constexpr std::size_t least_kept = 256;  // trimming fewer than that is not worth the sorting

}  // namespace

Page Page::of(Parameters& parameters) {
  Page page;
  page.number = static_cast<std::size_t>(parameters.integer("page", 1, max_page).value_or(1));
  page.size = static_cast<std::size_t>(parameters.integer("pageSize", 1, max_page_size).value_or(20));
  return page;
}

Order Order::of(Parameters& parameters, std::span<const std::string_view> names, Order fallback) {
  constexpr std::string_view directions[] = {"asc", "desc"};
  Order order = fallback;
  if (const auto by = parameters.choice("sortBy", names)) order = {*by, false};
  if (const auto direction = parameters.choice("sortOrder", directions)) order.descending = *direction == 1;
  return order;
}

std::string sort_key(int64_t number) {
  const auto shifted = static_cast<uint64_t>(number) ^ (uint64_t{1} << 63);
  std::string key;
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>((shifted >> shift) & 0xff);
  return key;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (auto& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

void PageOfMatches::keep_best(std::size_t count) {
  if (matches_.size() <= count) return;
  const auto end = matches_.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(matches_.begin(), end, matches_.end(),
                   [this](const auto& a, const auto& b) { return before(a, b); });
  matches_.erase(end, matches_.end());
}

void PageOfMatches::offer(std::string sort_key, std::string_view row_key) {
  ++total_;
  matches_.emplace_back(std::move(sort_key), row_key);
  const auto shown = page_.first() + page_.size;
  if (matches_.size() >= std::max(2 * shown, least_kept)) keep_best(shown);
}

std::vector<std::string> PageOfMatches::row_keys() && {
  keep_best(page_.first() + page_.size);
  std::ranges::sort(matches_, [this](const auto& a, const auto& b) { return before(a, b); });
  std::vector<std::string> keys;
  for (auto i = page_.first(); i < matches_.size(); ++i) keys.push_back(std::move(matches_[i].second));
  return keys;
}

std::string json_array(const std::vector<std::string>& items) {
  std::string array = "[";
  for (const auto& item : items) {
    if (array.size() > 1) array += ',';
    array += item;
  }
  return array += ']';
}

http::Response list_response(const std::vector<std::string>& items, const Page& page, std::size_t total) {
  http::Response response;
  response.body = "{\"items\":" + json_array(items) + ",\"page\":" + std::to_string(page.number) +
                  ",\"pageSize\":" + std::to_string(page.size) + ",\"totalCount\":" + std::to_string(total) +
                  ",\"totalPages\":" + std::to_string((total + page.size - 1) / page.size) + '}';
  return response;
}

}  // namespace everfold::query
