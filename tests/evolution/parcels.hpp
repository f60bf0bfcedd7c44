// A context that has come far: three releases of one program, each reading what the ones before it have written. Only
// the newest is whole; of the former two there is what writes their events.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel/decider.hpp"
#include "kernel/overloaded.hpp"
#include "kernel/projection.hpp"
#include "kernel/upcast.hpp"
#include "tests/evolution/parcels/v1/commands.pb.h"
#include "tests/evolution/parcels/v1/events.pb.h"
#include "tests/evolution/parcels/v1/views.pb.h"
#include "tests/evolution/parcels/v2/commands.pb.h"
#include "tests/evolution/parcels/v2/events.pb.h"
#include "tests/evolution/parcels/v3/events.pb.h"

namespace everfold::parcels {

// Of an event that says nothing sensible: 0.
struct WeightsAddUp {
  static constexpr std::string_view name = "parcels.weights-add-up";
  static v2::ParcelSent upcast(const v1::ParcelSent& event) {
    v2::ParcelSent now;
    now.set_to(event.to());
    if (event.kilograms() > 0 && event.kilograms() < 1e6) now.set_grams(std::llround(event.kilograms() * 1'000));
    return now;
  }
};

template <class Now, class Former>
Now with_country(const Former& former) {
  Now now;
  const auto comma = former.to().rfind(", ");
  now.set_name(former.to().substr(0, comma));
  if (comma != std::string::npos) now.set_country(former.to().substr(comma + 2));
  now.set_grams(former.grams());
  return now;
}

struct CountriesHaveAField {
  static constexpr std::string_view name = "parcels.countries-have-a-field";
  static v3::ParcelDispatched upcast(const v2::ParcelSent& event) { return with_country<v3::ParcelDispatched>(event); }
};

struct SendersNameTheCountry {
  static constexpr std::string_view name = "parcels.senders-name-the-country";
  static v2::SendParcel upcast(const v1::SendParcel& command) { return with_country<v2::SendParcel>(command); }
};

using Event = std::variant<v3::ParcelDispatched, v1::ParcelDelivered>;
using EventOfRelease2 = std::variant<v2::ParcelSent, v1::ParcelDelivered>;
using EventOfRelease1 = std::variant<v1::ParcelSent, v1::ParcelDelivered>;

using Command = std::variant<v2::SendParcel, v1::DeliverParcel>;
using FormerCommand = std::variant<v1::SendParcel, v1::DeliverParcel>;

}  // namespace everfold::parcels

template <>
struct everfold::UpcastersOf<everfold::parcels::Event>
    : everfold::Upcasters<everfold::parcels::WeightsAddUp, everfold::parcels::CountriesHaveAField> {};
template <>
struct everfold::UpcastersOf<everfold::parcels::EventOfRelease2>
    : everfold::Upcasters<everfold::parcels::WeightsAddUp> {};
template <>
struct everfold::UpcastersOf<everfold::parcels::Command>
    : everfold::Upcasters<everfold::parcels::SendersNameTheCountry> {};

namespace everfold::parcels {

// Knows the newest versions only.
struct Parcels {
  static constexpr std::string_view context = "parcels";
  static constexpr int64_t most_grams = 30'000;  // that a depot may send in all
  struct State {
    int64_t dispatched = 0, grams = 0;
    std::set<int64_t> delivered;
  };
  using Command = parcels::Command;
  using Event = parcels::Event;

  static Decided<std::vector<Event>> decide(const State& state, const Command& command) {
    return std::visit(overloaded{[&](const v2::SendParcel& c) { return send(state, c); },
                                 [&](const v1::DeliverParcel& c) { return deliver(state, c); }},
                      command);
  }
  static State evolve(State state, const Event& event) {
    std::visit(overloaded{[&](const v3::ParcelDispatched& e) {
                            ++state.dispatched;
                            state.grams += e.grams();
                          },
                          [&](const v1::ParcelDelivered& e) { state.delivered.insert(e.parcel()); }},
               event);
    return state;
  }

 private:
  static Decided<std::vector<Event>> send(const State& state, const v2::SendParcel& command) {
    if (state.grams + command.grams() > most_grams)
      return reject(Code::amount_out_of_range,
                    "The depot has sent " + std::to_string(state.grams) + " g already; send less.");
    v3::ParcelDispatched event;
    event.set_name(command.name());
    event.set_country(command.country());
    event.set_grams(command.grams());
    return std::vector<Event>{event};
  }
  static Decided<std::vector<Event>> deliver(const State& state, const v1::DeliverParcel& command) {
    if (command.parcel() < 1 || command.parcel() > state.dispatched)
      return reject(Code::not_found, "There is no such parcel.");
    if (state.delivered.contains(command.parcel())) return std::vector<Event>{};
    v1::ParcelDelivered event;
    event.set_parcel(command.parcel());
    return std::vector<Event>{event};
  }
};
static_assert(Decider<Parcels>);

struct Depots {
  static constexpr std::string_view name = "depots";
  static constexpr std::string_view context = "parcels";
  static constexpr int version = 2;
  using Row = v1::DepotRow;
  using Event = parcels::Event;

  static std::vector<std::string> keys_of(const Event&, const EventMeta& meta) { return {meta.aggregate_id}; }
  static std::optional<Row> fold(std::optional<Row> row, const Event& event, const EventMeta& meta) {
    if (!row) row.emplace();
    row->set_version(meta.version);
    std::visit(overloaded{[&](const v3::ParcelDispatched& e) {
                            row->set_dispatched(row->dispatched() + 1);
                            row->set_grams(row->grams() + e.grams());
                            ++(*row->mutable_by_country())[e.country()];
                          },
                          [&](const v1::ParcelDelivered&) { row->set_delivered(row->delivered() + 1); }},
               event);
    return row;
  }
};
static_assert(Projection<Depots>);

// What there was before: a decider that counts, and what it called a parcel that is sent.
template <class ReleasedEvent>
struct FormerParcels {
  static constexpr std::string_view context = "parcels";
  struct State {
    int64_t sent = 0;
  };
  using Command = FormerCommand;
  using Event = ReleasedEvent;
  using Sent = std::variant_alternative_t<0, Event>;

  static Decided<std::vector<Event>> decide(const State&, const Command& command) {
    return std::visit(overloaded{[](const v1::SendParcel& c) { return std::vector<Event>{sent(c)}; },
                                 [](const v1::DeliverParcel& c) {
                                   v1::ParcelDelivered event;
                                   event.set_parcel(c.parcel());
                                   return std::vector<Event>{event};
                                 }},
                      command);
  }
  static State evolve(State state, const Event& event) {
    if (std::holds_alternative<Sent>(event)) ++state.sent;
    return state;
  }

 private:
  static Sent sent(const v1::SendParcel& command) {
    Sent event;
    event.set_to(command.to());
    if constexpr (std::same_as<Sent, v1::ParcelSent>)
      event.set_kilograms(static_cast<double>(command.grams()) / 1'000);
    else
      event.set_grams(command.grams());
    return event;
  }
};
using ParcelsOfRelease1 = FormerParcels<EventOfRelease1>;
using ParcelsOfRelease2 = FormerParcels<EventOfRelease2>;
static_assert(Decider<ParcelsOfRelease1> && Decider<ParcelsOfRelease2>);

}  // namespace everfold::parcels
