#include "query-api/http/read_routes.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "platform/metrics/metrics.hpp"
#include "query-api/reads/history.hpp"
#include "runtime/views/view_shelf.hpp"

namespace everfold::query {
namespace {

bool has_as_of(const http::Request& request) {
  return std::ranges::any_of(request.query, [](const auto& parameter) { return parameter.first == "asOf"; });
}

metrics::Histogram& duration_of(std::string_view pattern) {
  return metrics::histogram("everfold_query_duration_seconds",
                            "From a request's arrival to its answer, waits included.", metrics::latency_bounds_s(),
                            {{"route", std::string(pattern)}});
}

}  // namespace

// A request on its way through the threads.
struct ReadRoutes::Visit {
  using Clock = std::chrono::steady_clock;

  std::shared_ptr<const Desk> desk;
  std::shared_ptr<const ReadStep> step;
  metrics::Histogram& duration;
  http::Request request;
  http::Responder responder;
  Caller caller;
  Clock::time_point since;

  void answer() {
    try {
      finish(step->read({request, caller, desk->views.reader(step->view)}));
    } catch (const UnreadableEvent& unreadable) {
      finish(reject(Code::unavailable, unreadable.what()));
    } catch (const ViewDamaged& damage) {
      desk->warn("the view " + step->view + " cannot be read: " + damage.what());
      finish(reject(Code::unavailable, "the view " + step->view + " cannot be read just now; try again"));
    } catch (const std::exception& bug) {
      desk->warn("answering " + request.path + " threw: " + bug.what());
      finish(reject(Code::internal, "this answer could not be worked out; the fault is ours"));
    }
  }

  void finish(Answer answer) {
    duration.observe(std::chrono::duration<double>(Clock::now() - since).count());
    if (answer) {
      responder.send(std::move(answer).value());
    } else {
      responder.reject(answer.error());
    }
  }
};

ReadRoutes::ReadRoutes(http::Router& router, LiveViews& views, WorkerPool& pool, const auth::TokenVerifier& tokens,
                       Warn warn)
    : router_(router), desk_(std::make_shared<const Desk>(Desk{views, pool, tokens, std::move(warn)})) {}

void ReadRoutes::add(std::string_view pattern, ReadStep step) {
  auto as_of = step;
  add(pattern, std::move(step), std::move(as_of));
}

void ReadRoutes::add(std::string_view pattern, ReadStep now, ReadStep as_of) {
  auto now_step = std::make_shared<const ReadStep>(std::move(now));
  auto as_of_step = std::make_shared<const ReadStep>(std::move(as_of));
  auto& duration = duration_of(pattern);
  router_.add(http::Method::get, pattern,
              [desk = desk_, now_step, as_of_step, &duration](http::Request&& request, http::Responder responder) {
                auto caller = Caller::of(request, desk->tokens);
                if (!caller) return responder.reject(caller.error());
                const auto& step = has_as_of(request) ? as_of_step : now_step;
                serve(std::make_shared<Visit>(Visit{desk, step, duration, std::move(request), std::move(responder),
                                                    std::move(caller).value(), Visit::Clock::now()}));
              });
}

void ReadRoutes::serve(std::shared_ptr<Visit> visit) {
  auto wanted = parse_position(visit->request.header("everfold-position"));
  if (!wanted) return visit->finish(wanted.error());
  visit->desk->views.when_applied(visit->step->view, wanted.value(), [visit](std::optional<Rejection> refusal) {
    if (refusal) return visit->finish(*std::move(refusal));
    if (visit->step->work == ReadStep::Work::point) return visit->answer();
    if (visit->desk->pool.submit([visit] { visit->answer(); })) return;
    visit->finish(reject(Code::too_many_requests, "too many lists are being read already; try again"));
  });
}

}  // namespace everfold::query
