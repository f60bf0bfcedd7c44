// Events of former versions, read as today's. A message that was published once is never changed: its next version is
// another message (everfold.orders.v2.OrderRefunded), which takes its place in the context's variant, and an upcaster
// turns the former one into it whenever it is read. So deciders, views and translators know the newest version only.
//
//   struct RefundsSayHowMuch {                            // schemas/orders/events.hpp, beside the variant
//     static constexpr std::string_view name = "orders.refunds-say-how-much";
//     static v2::OrderRefunded upcast(const v1::OrderRefunded& event);
//   };
//   template <>
//   struct everfold::UpcastersOf<everfold::orders::Event> : everfold::Upcasters<everfold::orders::RefundsSayHowMuch> {};
//
// An upcaster is pure and total, and makes one message of one. It leads to a message of the variant or to another
// upcaster's: chains are put together by the compiler, which refuses one that ends nowhere, runs in a circle or forks.
// Commands have theirs beside the decider's Command in the same way. A variant without upcasters is decoded by the code
// that there was before.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace everfold {

template <class... Us>
struct Upcasters {};

template <class Variant>
struct UpcastersOf : Upcasters<> {};

namespace detail {

template <class F>
struct Step;
template <class T, class F>
struct Step<T (*)(const F&)> {
  using From = F;
  using To = T;
};

template <class Variant, class Message>
inline constexpr bool has = false;
template <class... Messages, class Message>
inline constexpr bool has<std::variant<Messages...>, Message> = (std::same_as<Messages, Message> || ...);

}  // namespace detail

template <class U>
concept Upcaster = requires {
  { U::name } -> std::convertible_to<std::string_view>;
  typename detail::Step<decltype(&U::upcast)>::From;
};

template <Upcaster U>
using UpcastFrom = typename detail::Step<decltype(&U::upcast)>::From;
template <Upcaster U>
using UpcastTo = typename detail::Step<decltype(&U::upcast)>::To;

namespace detail {

template <class Variant, class Message, Upcaster... Us>
consteval bool arrives(std::size_t steps_left) {
  if constexpr (has<Variant, Message>)
    return true;
  else if (steps_left == 0)
    return false;
  return ((std::same_as<UpcastFrom<Us>, Message> ? arrives<Variant, UpcastTo<Us>, Us...>(steps_left - 1) : false) ||
          ...);
}

template <class Message, Upcaster... Us>
inline constexpr int upcasters_from = (0 + ... + (std::same_as<UpcastFrom<Us>, Message> ? 1 : 0));

template <class Variant, Upcaster... Us>
consteval bool chains_are_whole(Upcasters<Us...>) {
  return ((!has<Variant, UpcastFrom<Us>> && upcasters_from<UpcastFrom<Us>, Us...> == 1 &&
           arrives<Variant, UpcastFrom<Us>, Us...>(sizeof...(Us))) &&
          ...);
}

template <class Message, Upcaster U, Upcaster... Us>
auto upcaster_from() {
  if constexpr (std::same_as<UpcastFrom<U>, Message>)
    return U();
  else
    return upcaster_from<Message, Us...>();
}

template <class Variant, class Message, Upcaster... Us>
Variant upcast(Message message, Upcasters<Us...> all) {
  if constexpr (has<Variant, Message>)
    return Variant(std::move(message));
  else
    return upcast<Variant>(decltype(upcaster_from<Message, Us...>())::upcast(message), all);
}

template <class Variant, class Listed>
struct AsWritten;
template <class... Messages, Upcaster... Us>
struct AsWritten<std::variant<Messages...>, Upcasters<Us...>> {
  using type = std::variant<Messages..., UpcastFrom<Us>...>;
};
template <class Variant, Upcaster... Us>
AsWritten<Variant, Upcasters<Us...>> as_written(Upcasters<Us...>);

}  // namespace detail

// Every chain ends in the variant, none forks, and no upcaster begins at a message that the variant has.
template <class Variant>
inline constexpr bool upcasters_are_whole = detail::chains_are_whole<Variant>(UpcastersOf<Variant>());

// Every message that may lie in a log, former versions too: for those who show what was written. Without upcasters it
// is Variant.
template <class Variant>
using AsWritten = typename decltype(detail::as_written<Variant>(UpcastersOf<Variant>()))::type;

}  // namespace everfold
