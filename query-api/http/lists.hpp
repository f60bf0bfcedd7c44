// Pages of rows: page, pageSize, sortBy, sortOrder in; {"items", "page", "pageSize", "totalCount", "totalPages"} out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/http/server.hpp"
#include "platform/json/write.hpp"
#include "query-api/http/fields.hpp"
#include "query-api/http/parameters.hpp"
#include "query-api/reads/stored_rows.hpp"
#include "runtime/views/views.hpp"

namespace everfold::query {

struct Page {
  static Page of(Parameters& parameters);

  std::size_t number = 1;
  std::size_t size = 20;
  std::size_t first() const { return (number - 1) * size; }  // items before it
};

struct Order {
  // `names`: what the list can be sorted by; `by` is an index into it.
  static Order of(Parameters& parameters, std::span<const std::string_view> names, Order fallback);

  std::size_t by = 0;
  bool descending = false;
};

// Text whose bytewise order is the number's.
std::string sort_key(int64_t number);
std::string lower_case(std::string_view text);  // ASCII letters; all others stay

// Takes the keys of the rows that match, in any order, and keeps those that the page shows: memory for 2 × (rows up to
// the page's end).
class PageOfMatches {
 public:
  PageOfMatches(Page page, bool descending) : page_(page), descending_(descending) {}

  // Equal sort keys: by row key, so that pages never overlap.
  void offer(std::string sort_key, std::string_view row_key);
  std::size_t total() const { return total_; }
  std::vector<std::string> row_keys() &&;  // of the page, in order

 private:
  using Match = std::pair<std::string, std::string>;  // sort key, row key
  bool before(const Match& a, const Match& b) const { return descending_ ? b < a : a < b; }
  void keep_best(std::size_t count);

  const Page page_;
  const bool descending_;
  std::size_t total_ = 0;
  std::vector<Match> matches_;
};

std::string json_array(const std::vector<std::string>& items);  // of items that are JSON

// `items`: JSON, of the page.
http::Response list_response(const std::vector<std::string>& items, const Page& page, std::size_t total);

// What `collect` offers, as a list of rows. A row that went away since is left out.
template <class Row, class Collect>
http::Response list_of(const ViewReader& view, const Page& page, const Order& order, const Fields& fields,
                       Collect collect) {
  PageOfMatches matches(page, order.descending);
  collect(matches);
  const auto total = matches.total();
  std::vector<std::string> items;
  for (const auto& key : std::move(matches).row_keys())
    if (const auto row = stored_row<Row>(view, key)) items.push_back(json::to_json(*row, fields.names()));
  return list_response(items, page, total);
}

}  // namespace everfold::query
