// One row by its id: now, as it stood at a time, and every event about it. The same for every context: the row type
// comes with its view (projections/<ctx>/), whose own fold answers ?asOf.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "kernel/projection.hpp"
#include "platform/json/write.hpp"
#include "query-api/http/etag.hpp"
#include "query-api/http/fields.hpp"
#include "query-api/http/lists.hpp"
#include "query-api/http/parameters.hpp"
#include "query-api/http/read_routes.hpp"
#include "query-api/reads/history.hpp"
#include "query-api/reads/stored_rows.hpp"

namespace everfold::query {

// What a context says about its rows.
template <Projection View>
struct RowResource {
  std::string pattern;  // "/api/orders/{id}": the id is its only parameter
  std::string noun;     // "order", for people
  // A row that this says no to is not there, as far as the caller can tell.
  std::function<bool(const Caller&, const typename View::Row&)> readable;
  // 401 instead of 404 for those without any credentials, who may only have forgotten them.
  bool login_helps = false;
  // Who may read its events, beside those who can read the row; empty: no more is asked.
  std::function<std::optional<Rejection>(const Caller&)> history_needs = nullptr;
};

namespace detail {

Rejection no_such_row(const Caller& caller, const std::string& noun, const std::string& id, bool login_helps);

http::Response row_response(int64_t version, std::string body);
// 304 when If-None-Match names the version.
std::optional<http::Response> not_modified(const http::Request& request, int64_t version);
http::Response history_response(const std::vector<std::string>& items);

// Why the row cannot be folded on, if so: rather no answer than an old one that does not say so.
std::optional<std::string> why_parked(const ViewReader& view, const std::string& key);

inline const std::string& id_of(const http::Request& request) { return request.params.front().second; }

template <class View>
Answer row_answer(const RowResource<View>& resource, const Read& read, const std::optional<typename View::Row>& row,
                  const Fields& fields) {
  if (!row || !resource.readable(read.caller, *row))
    return no_such_row(read.caller, resource.noun, id_of(read.request), resource.login_helps);
  if (auto unchanged = not_modified(read.request, row->version())) return *std::move(unchanged);
  return row_response(row->version(), json::to_json(*row, fields.names()));
}

template <class View>
Answer read_now(const RowResource<View>& resource, const Read& read) {
  Parameters parameters(read.request);
  const auto fields = Fields::of(parameters, *View::Row::descriptor());
  parameters.time_ms("asOf");  // absent here, but a refusal of another parameter lists it
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  const auto row = stored_row<typename View::Row>(read.view, id_of(read.request));
  const auto parked = why_parked(read.view, id_of(read.request));
  if (parked && (!row || resource.readable(read.caller, *row))) return reject(Code::unavailable, *parked);
  return row_answer(resource, read, row, fields);
}

template <class View>
Answer read_as_of(const RowResource<View>& resource, const Read& read) {
  Parameters parameters(read.request);
  const auto fields = Fields::of(parameters, *View::Row::descriptor());
  const auto as_of_ms = parameters.time_ms("asOf");
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  return row_answer(resource, read, row_as_of<View>(read.view, id_of(read.request), *as_of_ms), fields);
}

template <class View>
Answer read_history(const RowResource<View>& resource, const Read& read) {
  if (resource.history_needs)
    if (auto refusal = resource.history_needs(read.caller)) return *std::move(refusal);
  if (auto refusal = Parameters(read.request).refusal()) return *std::move(refusal);
  const auto row = row_as_of<View>(read.view, id_of(read.request), end_of_time_ms);
  if (!row || !resource.readable(read.caller, *row))
    return no_such_row(read.caller, resource.noun, id_of(read.request), resource.login_helps);
  return history_response(history_items<View>(read.view, id_of(read.request)));
}

}  // namespace detail

// GET <pattern>, with ?asOf and ?fields.
template <Projection View>
void add_row_route(ReadRoutes& routes, const RowResource<View>& resource) {
  const auto read_by = [&](auto read) {
    return [resource, read](const Read& request) { return read(resource, request); };
  };
  routes.add(resource.pattern, {std::string(View::name), ReadStep::Work::point, read_by(detail::read_now<View>)},
             {std::string(history::History::name), ReadStep::Work::scan, read_by(detail::read_as_of<View>)});
}

// GET <pattern>/history.
template <Projection View>
void add_history_route(ReadRoutes& routes, const RowResource<View>& resource) {
  routes.add(resource.pattern + "/history",
             {std::string(history::History::name), ReadStep::Work::scan,
              [resource](const Read& request) { return detail::read_history<View>(resource, request); }});
}

}  // namespace everfold::query
