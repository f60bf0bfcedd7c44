// What operators do to the views, by HTTP; role admin. docs/operations.md, "Rebuilding views".
//
// GET  /admin/views                      {"views": [...]}: where each stands, its generations, what is being made
// GET  /admin/views/{view}               one of these
// GET  /admin/views/{view}/differences   what the last comparison found, both rows as JSON
// POST /admin/views/{view}/rebuild       {"from"?: "earliest"|"<time>"|{"orders.3": 1042}, "verify"?: bool,
//                                         "switch"?: "auto"|"manual"} → 202
//                                        {"key": "<row>"} → 200: that row alone, with all others of its aggregate
// POST /admin/views/{view}/switch        to the one that is ready → 202
// POST /admin/views/{view}/rollback      to the one before, brought to the present first → 202; of both the answer waits
//                                        ten seconds at most, and tells which generation is live then
// POST /admin/views/{view}/stop          what is being made
// POST /admin/views/{view}/pause         it is served as it stands, and not folded on, until it is resumed
// POST /admin/views/{view}/resume
// POST /admin/views/{view}/checkpoint    {"directory"}: a copy of the live generation, to be kept or shipped
// POST /admin/views/{view}/restore       {"directory"} → 202: as a new generation, brought to the present and switched to
// POST /admin/views/{view}/prune         takes away every generation that is neither live nor being made
// GET  /admin/operations                 {"operations": [...]}: what was done, when, by whom; oldest first
// Each POST takes {"expected": N} too, the live generation: 409 when another one is. So is what does not go with what
// is under way. 503: nothing was done.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/auth/token_verifier.hpp"
#include "platform/http/server.hpp"
#include "runtime/views/projector.hpp"
#include "runtime/worker_pool.hpp"

namespace everfold::projections {

struct AdministeredView {
  Projector* projector;
  std::string row_type;
};

struct AdminEdges {
  std::function<std::map<LogId, int64_t>()> ends;  // of the logs, as of a second ago; what is not known yet is missing
  std::function<int64_t()> wall_ms;
  std::function<std::vector<StoredEvent>()> operations;  // throws std::runtime_error when they cannot be read now
};

// Everything must outlive the server. `workers`: an answer may wait for the end of a batch.
void add_admin_routes(http::Router& router, const auth::TokenVerifier& tokens, WorkerPool& workers,
                      std::vector<AdministeredView> views, AdminEdges edges);

}  // namespace everfold::projections
