#include "platform/parked/parked_routes.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "platform/http/errors.hpp"
#include "platform/json/object.hpp"
#include "platform/json/parse.hpp"
#include "runtime/log/stored_event.hpp"

namespace everfold::parked {
namespace {

using Kind = ParkingRecord::Kind;
constexpr std::size_t most_listed = 1'000;
constexpr std::size_t longest_reason = 1'000;

std::string json_of(const Asked& asked) {
  return json::Object().text("by", asked.by).text("reason", asked.reason).text("at", format_time(asked.at_ms)).str();
}

json::Object json_of(const std::string& consumer, const Parking::Listed& listed) {
  const Parked& parked = listed.parked;
  json::Object json;
  json.text("id", consumer + "/" + to_string(parked.at))
      .text("consumer", consumer)
      .text("context", parked.at.log.context)
      .text("aggregateId", parked.aggregate_id)
      .text("type", parked.type)
      .text("recordId", parked.id)
      .text("correlationId", parked.correlation_id)
      .text("why", to_string(parked.why))
      .text("message", parked.message)
      .number("tries", parked.tries)
      .text("parkedAt", format_time(parked.parked_at_ms))
      .boolean("first", listed.first)
      .number("behind", static_cast<int64_t>(listed.behind))
      .boolean("retryAsked", listed.retry_asked)
      .boolean("skipAsked", listed.skip_asked);
  if (parked.tried_at_ms > 0) json.text("triedAt", format_time(parked.tried_at_ms));
  if (listed.looked) json.json("looked", json_of(*listed.looked));
  if (parked.skipped) json.json("skipped", json_of(*parked.skipped));
  return json;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// JSON has no bytes, and json::to_json() insists on it.
bool has_bytes(const google::protobuf::Descriptor& message) {
  for (int i = 0; i < message.field_count(); ++i) {
    const auto& field = *message.field(i);
    if (field.type() == google::protobuf::FieldDescriptor::TYPE_BYTES) return true;
    if (field.message_type() && field.message_type() != &message && has_bytes(*field.message_type())) return true;
  }
  return false;
}

// "everfold.orders.OrderPlaced.v1" is message everfold.orders.v1.OrderPlaced. Nothing: this program does not know it.
std::optional<std::string> decoded(const std::string& context, std::string_view type, const std::string& bytes) {
  if (!type.starts_with("everfold." + context + ".")) return std::nullopt;
  const std::size_t version = type.rfind('.');
  if (version == type.npos) return std::nullopt;
  const std::size_t name = type.substr(0, version).rfind('.');
  if (name == type.npos) return std::nullopt;
  const std::string full = std::string(type.substr(0, name)) + std::string(type.substr(version)) +
                           std::string(type.substr(name, version - name));
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(full);
  if (!descriptor || has_bytes(*descriptor)) return std::nullopt;
  const auto* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor);
  const std::unique_ptr<google::protobuf::Message> message(prototype->New());
  if (!message->ParseFromString(bytes)) return std::nullopt;
  return json::to_json(*message);
}

std::string json_of(const std::string& context, const OutgoingRecord& record) {
  json::Object headers;
  std::string_view type;
  for (const auto& [name, value] : record.headers) {
    headers.text(name, value);
    if (name == "ce_type") type = value;
  }
  json::Object json;
  json.text("key", record.key).json("headers", headers.str());
  if (const auto message = decoded(context, type, record.value))
    json.json("message", *message);
  else json.text("hex", hex(record.value));
  return json.str();
}

struct Desk {
  Desk(const auth::TokenVerifier& verifier, std::vector<Parking*> parkings)
      : tokens(verifier), consumers(std::move(parkings)) {}

  Decided<Asked> admin(const http::Request& request) const {
    auto caller = tokens.principal(request.header("authorization"));
    if (!caller) return std::move(caller).error();
    if (!caller.value()) return reject(Code::unauthenticated, "An admin's token is needed.");
    if (!caller.value()->is_admin()) return reject(Code::forbidden, "The role admin is needed.");
    return Asked{caller.value()->subject, "", 0};
  }

  struct Found {
    Parking* parking;
    ParkedId id;
    Parking::Listed listed;
  };
  Decided<Found> find(const http::Request& request) const {
    const auto id = parse_parked_id(request.param("record"));
    for (Parking* parking : consumers)
      if (id && parking->consumer() == request.param("consumer"))
        if (auto listed = parking->find(*id)) return Found{parking, *id, std::move(*listed)};
    return reject(Code::not_found, "There is no parked record " + request.param("consumer") + "/" + request.param("record") +
                                       ": it was handled, or never parked. GET /admin/parked lists them.");
  }

  const auth::TokenVerifier& tokens;
  const std::vector<Parking*> consumers;
};

std::string query(const http::Request& request, std::string_view name) {
  for (const auto& [given, value] : request.query)
    if (given == name) return value;
  return "";
}

http::Response list(const Desk& desk, const http::Request& request) {
  if (const auto admin = desk.admin(request); !admin) return http::error_response(admin.error(), request.trace_id);
  const std::string consumer = query(request, "consumer");
  const bool skipped = query(request, "skipped") == "true";
  std::string entries;
  std::size_t total = 0;
  for (const Parking* parking : desk.consumers) {
    if (!consumer.empty() && parking->consumer() != consumer) continue;
    const auto all = parking->list(skipped, SIZE_MAX);
    total += all.size();
    for (std::size_t i = 0; i < std::min(all.size(), most_listed); ++i) {
      if (!entries.empty()) entries += ',';
      entries += json_of(parking->consumer(), all[i]).str();
    }
  }
  return {200, {}, "{\"parked\":[" + entries + "],\"total\":" + std::to_string(total) + "}"};
}

void show(const Desk& desk, http::Request&& request, http::Responder responder) {
  auto admin = desk.admin(request);
  if (!admin) return responder.reject(admin.error());
  auto found = desk.find(request);
  if (!found) return responder.reject(found.error());
  const auto& [parking, id, listed] = found.value();
  if (!listed.parked.skipped) parking->ask(Kind::looked, id, std::move(admin).value(), nullptr);
  auto json = std::make_shared<json::Object>(json_of(parking->consumer(), listed));
  parking->show(id, [json, context = id.log.context, waiting = std::make_shared<http::Responder>(std::move(responder))](
                        const std::optional<OutgoingRecord>& record) {
    json->json("record", record ? json_of(context, *record) : "null");
    waiting->send({200, {}, json->str()});
  });
}

void ask(Parking& parking, Kind kind, const ParkedId& id, Asked asked, http::Responder responder) {
  const std::string answer = json::Object()
                                 .text("asked", kind == Kind::retry ? "retry" : "skip")
                                 .text("id", parking.consumer() + "/" + to_string(id))
                                 .str();
  parking.ask(kind, id, std::move(asked),
              [answer, waiting = std::make_shared<http::Responder>(std::move(responder))](bool noted) {
                if (noted) waiting->send({202, {}, answer});
                else waiting->reject(reject(Code::unavailable, "Kafka did not take it in time; it may happen yet. Try again."));
              });
}

void retry(const Desk& desk, http::Request&& request, http::Responder responder) {
  auto admin = desk.admin(request);
  if (!admin) return responder.reject(admin.error());
  auto found = desk.find(request);
  if (!found) return responder.reject(found.error());
  if (!found.value().listed.first)
    return responder.reject(reject(Code::validation_failed, "It waits behind an earlier record of its aggregate, or is over: "
                                                            "what is listed by GET /admin/parked can be retried."));
  ask(*found.value().parking, Kind::retry, found.value().id, std::move(admin).value(), std::move(responder));
}

void skip(const Desk& desk, http::Request&& request, http::Responder responder) {
  auto admin = desk.admin(request);
  if (!admin) return responder.reject(admin.error());
  auto found = desk.find(request);
  if (!found) return responder.reject(found.error());
  google::protobuf::Empty no_message;
  std::optional<std::string> reason;
  const auto parsed = json::parse_into(request.body, no_message, {.allowed = {}, .extra = {{"reason", &reason}}});
  if (!parsed) return responder.reject(parsed.error());
  if (!reason || reason->empty()) return responder.reject(reject_field("reason", "must say why the record is given up"));
  if (reason->size() > longest_reason)
    return responder.reject(
        reject_field("reason", "must be at most " + std::to_string(longest_reason) + " bytes long"));
  if (!found.value().listed.first)
    return responder.reject(reject(Code::validation_failed, "It waits behind an earlier record of its aggregate, or is over: "
                                                            "only the first can be skipped."));
  Asked asked = std::move(admin).value();
  asked.reason = std::move(*reason);
  ask(*found.value().parking, Kind::skip, found.value().id, std::move(asked), std::move(responder));
}

http::Response retry_all(const Desk& desk, const http::Request& request) {
  const auto admin = desk.admin(request);
  if (!admin) return http::error_response(admin.error(), request.trace_id);
  int64_t asked = 0;
  for (Parking* parking : desk.consumers)
    for (const Parking::Listed& listed : parking->list(false, SIZE_MAX)) {
      parking->ask(Kind::retry, listed.parked.at, admin.value(), nullptr);
      ++asked;
    }
  return {202, {}, json::Object().number("asked", asked).str()};
}

}  // namespace

void add_routes(http::Router& router, const auth::TokenVerifier& tokens, std::vector<Parking*> consumers) {
  const auto desk = std::make_shared<const Desk>(tokens, std::move(consumers));
  router.add_sync(http::Method::get, "/admin/parked", [desk](http::Request&& request) { return list(*desk, request); });
  router.add_sync(http::Method::post, "/admin/parked/retry",
                  [desk](http::Request&& request) { return retry_all(*desk, request); });
  router.add(http::Method::get, "/admin/parked/{consumer}/{record}",
             [desk](http::Request&& request, http::Responder responder) {
               show(*desk, std::move(request), std::move(responder));
             });
  router.add(http::Method::post, "/admin/parked/{consumer}/{record}/retry",
             [desk](http::Request&& request, http::Responder responder) {
               retry(*desk, std::move(request), std::move(responder));
             });
  router.add(http::Method::post, "/admin/parked/{consumer}/{record}/skip",
             [desk](http::Request&& request, http::Responder responder) {
               skip(*desk, std::move(request), std::move(responder));
             });
}

}  // namespace everfold::parked
