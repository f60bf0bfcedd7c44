// What every GET has in common: who asks, which position the answer must have reached, on which thread it is worked
// out, how long that took.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kernel/rejection.hpp"
#include "platform/auth/token_verifier.hpp"
#include "platform/http/server.hpp"
#include "query-api/http/caller.hpp"
#include "query-api/reads/live_views.hpp"
#include "runtime/worker_pool.hpp"

namespace everfold::query {

// One GET, once its view is as new as it must be.
struct Read {
  const http::Request& request;
  const Caller& caller;
  const ViewReader& view;
};
using Answer = Decided<http::Response>;

struct ReadStep {
  enum class Work {
    point,  // microseconds: on the thread at hand
    scan,   // may take longer: on the scan pool
  };
  std::string view;
  Work work = Work::point;
  std::function<Answer(const Read&)> read;
};

class ReadRoutes {
 public:
  using Warn = std::function<void(std::string_view sentence)>;  // from any thread

  // All must outlive the server that `router` goes to. Stop `views` before `pool` ends.
  ReadRoutes(http::Router& router, LiveViews& views, WorkerPool& pool, const auth::TokenVerifier& tokens, Warn warn);

  void add(std::string_view pattern, ReadStep step);
  // `as_of` answers requests with the parameter asOf.
  void add(std::string_view pattern, ReadStep now, ReadStep as_of);

 private:
  struct Desk {
    LiveViews& views;
    WorkerPool& pool;
    const auth::TokenVerifier& tokens;
    Warn warn;
  };
  struct Visit;
  static void serve(std::shared_ptr<Visit> visit);

  http::Router& router_;
  std::shared_ptr<const Desk> desk_;
};

}  // namespace everfold::query
