// What a view must have: which row an event belongs to, and a pure fold of the event into that row.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/meta.hpp"

namespace everfold {

// A row's key is the id of an aggregate or starts with one; its row is a Protobuf message (schemas/<ctx>/v1/views.proto).
// The fold is total and depends on nothing but its arguments, so that a rebuild gives the same bytes.
// `version` of the code: a view folded by another version is folded anew.
template <class V>
concept Projection = requires(std::optional<typename V::Row> row, const typename V::Event& event, const EventMeta& meta) {
  { V::name } -> std::convertible_to<std::string_view>;
  { V::context } -> std::convertible_to<std::string_view>;
  { V::version } -> std::convertible_to<int>;
  { V::keys_of(event, meta) } -> std::same_as<std::vector<std::string>>;
  { V::fold(std::move(row), event, meta) } -> std::same_as<std::optional<typename V::Row>>;
};

// A view with lists beside its rows: sorted entries that lead to a row ("customer/<id>/<placed>/<order>").
template <class V>
concept Indexed = Projection<V> && requires(const typename V::Row& row) {
  { V::index_keys_of(row) } -> std::same_as<std::vector<std::string>>;
};

}  // namespace everfold
