#include "projections/admin_routes.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "platform/http/errors.hpp"
#include "platform/json/object.hpp"
#include "platform/json/parse.hpp"
#include "projections/view_json.hpp"
#include "runtime/log/stored_event.hpp"
#include "schemas/operations/v1/admin.pb.h"

namespace everfold::projections {
namespace {

using operations::v1::ViewRequest;
using Fields = std::vector<std::string_view>;

struct Desk {
  const auth::TokenVerifier& tokens;
  WorkerPool& workers;
  const std::vector<AdministeredView> views;
  const AdminEdges edges;

  // The caller's subject.
  Decided<std::string> admin(const http::Request& request) const {
    auto caller = tokens.principal(request.header("authorization"));
    if (!caller) return std::move(caller).error();
    if (!caller.value()) return reject(Code::unauthenticated, "An admin's token is needed.");
    if (!caller.value()->is_admin()) return reject(Code::forbidden, "The role admin is needed.");
    return caller.value()->subject;
  }
  Decided<const AdministeredView*> find(const http::Request& request) const {
    const auto found =
        std::ranges::find_if(views, [&](const auto& view) { return view.projector->view() == request.param("view"); });
    if (found == views.end())
      return reject(Code::not_found, "There is no view " + request.param("view") + ": GET /admin/views lists them.");
    return &*found;
  }
  std::string json_of(const AdministeredView& view) const {
    return view_json(*view.projector, view.row_type, edges.ends(), edges.wall_ms());
  }
};

// What a POST does: its answer, or why not.
using Act = std::function<Decided<http::Response>(const Desk&, const AdministeredView&, const ViewRequest&,
                                                  const Projector::By&)>;

Decided<ViewRequest> parsed(const http::Request& request, const Fields& allowed) {
  ViewRequest body;
  if (request.body.empty()) return body;
  const auto given = json::parse_into(request.body, body, {.allowed = allowed, .extra = {}});
  if (given) return body;
  operations::v1::RebuildFromOffsets offsets;  // `from` may be an object
  if (std::ranges::find(allowed, "from") == allowed.end() || !json::parse_into(request.body, offsets))
    return given.error();
  body.Clear();
  if (offsets.has_expected()) body.set_expected(offsets.expected());
  body.set_verify(offsets.verify());
  body.set_switch_(offsets.switch_());
  std::string lines;
  for (const auto& [log, offset] : offsets.from()) lines += log + " " + std::to_string(offset) + "\n";
  body.set_from(lines.empty() ? "earliest" : lines);
  return body;
}

Rejection too_many() {
  return reject(Code::too_many_requests, "Too many requests of operators are being answered already; try again.");
}

void post(const std::shared_ptr<const Desk>& desk, const Fields& allowed, const Act& act, const http::Request& request,
          http::Responder responder) {
  const auto admin = desk->admin(request);
  if (!admin) return responder.reject(admin.error());
  const auto view = desk->find(request);
  if (!view) return responder.reject(view.error());
  auto body = parsed(request, allowed);
  if (!body) return responder.reject(body.error());
  Projector::By by{admin.value(), request.correlation_id, std::nullopt};
  if (body.value().has_expected()) by.expected = body.value().expected();
  const auto waiting = std::make_shared<http::Responder>(std::move(responder));
  const bool taken =
      desk->workers.submit([desk, view = view.value(), body = std::move(body).value(), by, act, waiting] {
        auto answer = act(*desk, *view, body, by);
        if (answer)
          waiting->send(std::move(answer).value());
        else
          waiting->reject(answer.error());
      });
  if (!taken) waiting->reject(too_many());
}

http::Response shown(const Desk& desk, const AdministeredView& view, int status) {
  return {status, {}, desk.json_of(view)};
}

std::string difference_json(const RowFold::Row& row, const std::string& row_type) {
  return json::Object()
      .text("key", row.key)
      .json("live", row_json(row_type, row.stored))
      .json("rebuilt", row_json(row_type, row.rebuilt))
      .str();
}

Decided<http::Response> rebuild_row(const Desk&, const AdministeredView& view, const ViewRequest& body,
                                    const Projector::By& by) {
  if (body.has_verify() || body.has_switch_())
    return reject_field("key", "goes without verify and switch: a row is compared and replaced");
  const auto row = view.projector->rebuild_row(body.key(), by);
  if (!row) return row.error();
  std::string rows;
  json::Object json;
  json.text("view", view.projector->view()).text("key", body.key()).boolean("changed", row.value().changed);
  for (const auto& each : row.value().rows) {
    if (each.key == body.key())
      json.json("live", row_json(view.row_type, each.stored)).json("rebuilt", row_json(view.row_type, each.rebuilt));
    if (each.stored != each.rebuilt) rows += (rows.empty() ? "" : ",") + difference_json(each, view.row_type);
  }
  json.number("rows", static_cast<int64_t>(row.value().rows.size())).json("differences", "[" + rows + "]");
  return http::Response{200, {}, json.str()};
}

Decided<std::string> directory_in(const ViewRequest& body) {
  if (body.directory().empty() || body.directory().front() != '/')
    return reject_field("directory", "must be an absolute path on the projector's machine");
  return body.directory();
}

Decided<http::Response> checkpoint(const Desk&, const AdministeredView& view, const ViewRequest& body,
                                   const Projector::By& by) {
  const auto directory = directory_in(body);
  if (!directory) return directory.error();
  const auto generation = view.projector->checkpoint(directory.value(), by);
  if (!generation) return generation.error();
  return http::Response{200,
                        {},
                        json::Object()
                            .text("view", view.projector->view())
                            .number("generation", generation.value())
                            .text("directory", directory.value())
                            .str()};
}

Decided<http::Response> restore(const Desk& desk, const AdministeredView& view, const ViewRequest& body,
                                const Projector::By& by) {
  const auto directory = directory_in(body);
  if (!directory) return directory.error();
  const auto generation = view.projector->restore(directory.value(), by);
  if (!generation) return generation.error();
  return shown(desk, view, 202);
}

// A time; or offsets, as parsed() wrote them down: "orders.3 1042" a line.
Decided<Projector::Start> start_of(const std::string& from, const Projector& projector) {
  Projector::Start start;
  if (!from.ends_with('\n')) {
    start.at_ms = parse_time(from);
    if (!start.at_ms)
      return reject_field(
          "from", "must be earliest, a time such as 2026-01-31T12:00:00Z, or offsets such as {\"orders.3\": 1042}");
    return start;
  }
  std::istringstream lines(from);
  std::string name;
  for (int64_t offset = 0; lines >> name >> offset;) {
    const auto log =
        std::ranges::find_if(projector.logs(), [&](const LogId& known) { return to_string(known) == name; });
    if (log == projector.logs().end())
      return reject_field("from", "names " + name + ", which is no log of view " + std::string(projector.view()));
    start.offsets[*log] = offset;
  }
  return start;
}

Decided<http::Response> rebuild(const Desk& desk, const AdministeredView& view, const ViewRequest& body,
                                const Projector::By& by) {
  if (body.has_key()) return rebuild_row(desk, view, body, by);
  const std::string& how = body.switch_();
  if (!how.empty() && how != "auto" && how != "manual") return reject_field("switch", "must be auto or manual");
  if (!body.has_from() || body.from() == "earliest") {
    const auto ordered = view.projector->order_rebuild(body.verify(), how != "manual", by);
    if (!ordered) return ordered.error();
    return shown(desk, view, 202);
  }
  auto start = start_of(body.from(), *view.projector);
  if (!start) return start.error();
  const auto ordered = view.projector->order_rebuild_from(start.value(), body.verify(), how != "manual", by);
  if (!ordered) return ordered.error();
  return shown(desk, view, 202);
}

Decided<http::Response> moved(const Desk& desk, const AdministeredView& view, const Decided<int64_t>& moved) {
  if (!moved) return moved.error();
  return shown(desk, view, 202);
}

Decided<http::Response> done(const Desk& desk, const AdministeredView& view, const std::optional<Rejection>& no) {
  if (no) return *no;
  return shown(desk, view, 200);
}

Decided<http::Response> stop(const Desk& desk, const AdministeredView& view, const ViewRequest&,
                             const Projector::By& by) {
  const auto stopped = view.projector->stop_build(by);
  if (!stopped) return stopped.error();
  return shown(desk, view, 200);
}

Decided<http::Response> prune(const Desk&, const AdministeredView& view, const ViewRequest&, const Projector::By& by) {
  const auto pruned = view.projector->prune(by);
  if (!pruned) return pruned.error();
  std::string numbers;
  for (const int64_t number : pruned.value()) numbers += (numbers.empty() ? "" : ",") + std::to_string(number);
  return http::Response{
      200, {}, json::Object().text("view", view.projector->view()).json("pruned", "[" + numbers + "]").str()};
}

http::Response list(const Desk& desk, const http::Request& request) {
  if (const auto admin = desk.admin(request); !admin) return http::error_response(admin.error(), request.trace_id);
  std::string views;
  for (const AdministeredView& view : desk.views) views += (views.empty() ? "" : ",") + desk.json_of(view);
  return {200, {}, "{\"views\":[" + views + "]}"};
}

http::Response show(const Desk& desk, const http::Request& request) {
  if (const auto admin = desk.admin(request); !admin) return http::error_response(admin.error(), request.trace_id);
  const auto view = desk.find(request);
  if (!view) return http::error_response(view.error(), request.trace_id);
  return shown(desk, *view.value(), 200);
}

http::Response differences(const Desk& desk, const http::Request& request) {
  if (const auto admin = desk.admin(request); !admin) return http::error_response(admin.error(), request.trace_id);
  const auto view = desk.find(request);
  if (!view) return http::error_response(view.error(), request.trace_id);
  const auto build = view.value()->projector->status().build;
  if (!build || !build->comparison)
    return http::error_response(reject(Code::not_found, "View " + request.param("view") +
                                                            " was not compared since the program "
                                                            "started: rebuild it with \"verify\": true."),
                                request.trace_id);
  return {200, {}, differences_json(*build->comparison, view.value()->row_type)};
}

// Kafka is read for it, so not on a thread of the server's.
void operations(const std::shared_ptr<const Desk>& desk, const http::Request& request, http::Responder responder) {
  if (const auto admin = desk->admin(request); !admin) return responder.reject(admin.error());
  const auto waiting = std::make_shared<http::Responder>(std::move(responder));
  const bool taken = desk->workers.submit([desk, waiting] {
    try {
      waiting->send({200, {}, operations_json(desk->edges.operations())});
    } catch (const std::runtime_error& error) {
      waiting->reject(reject(Code::unavailable, error.what()));
    }
  });
  if (!taken) waiting->reject(too_many());
}

}  // namespace

void add_admin_routes(http::Router& router, const auth::TokenVerifier& tokens, WorkerPool& workers,
                      std::vector<AdministeredView> views, AdminEdges edges) {
  const auto desk = std::make_shared<const Desk>(Desk{tokens, workers, std::move(views), std::move(edges)});
  const auto get = [&](std::string_view path, auto handler) {
    router.add_sync(http::Method::get, path,
                    [desk, handler](http::Request&& request) { return handler(*desk, request); });
  };
  const auto add = [&](const std::string& what, Fields allowed, Act act) {
    allowed.push_back("expected");
    router.add(
        http::Method::post, "/admin/views/{view}/" + what,
        [desk, allowed = std::move(allowed), act = std::move(act)](http::Request&& request, http::Responder responder) {
          post(desk, allowed, act, request, std::move(responder));
        });
  };
  router.add(http::Method::get, "/admin/operations", [desk](http::Request&& request, http::Responder responder) {
    operations(desk, request, std::move(responder));
  });
  get("/admin/views", list);
  get("/admin/views/{view}", show);
  get("/admin/views/{view}/differences", differences);
  add("rebuild", {"verify", "switch", "from", "key"}, rebuild);
  add("checkpoint", {"directory"}, checkpoint);
  add("restore", {"directory"}, restore);
  add("switch", {}, [](const Desk& at, const AdministeredView& view, const ViewRequest&, const Projector::By& by) {
    return moved(at, view, view.projector->switch_over(by));
  });
  add("rollback", {}, [](const Desk& at, const AdministeredView& view, const ViewRequest&, const Projector::By& by) {
    return moved(at, view, view.projector->roll_back(by));
  });
  add("stop", {}, stop);
  add("pause", {}, [](const Desk& at, const AdministeredView& view, const ViewRequest&, const Projector::By& by) {
    return done(at, view, view.projector->pause(by));
  });
  add("resume", {}, [](const Desk& at, const AdministeredView& view, const ViewRequest&, const Projector::By& by) {
    return done(at, view, view.projector->resume(by));
  });
  add("prune", {}, prune);
}

}  // namespace everfold::projections
