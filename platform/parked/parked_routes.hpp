// What operators do about parked records, by HTTP; role admin. Any node answers for all: it acts through the parking
// topic. An id is "<consumer>/<log>:<offset>", such as translators/orders.3:1042.
//
// GET  /admin/parked                        {"parked": [...], "total": 2}: of each parked aggregate the first record,
//                                           1,000 a consumer at most, and how many there are; ?skipped=true those that
//                                           were skipped, ?consumer=… one consumer's
// GET  /admin/parked/{consumer}/{record}    it, and the record itself, read again and decoded; notes who has looked
// POST /admin/parked/{consumer}/{record}/retry
// POST /admin/parked/{consumer}/{record}/skip   {"reason": "…"}: of an aggregate the first only; kept with who and why
// POST /admin/parked/retry                  all of them; answers how many at once
// The POSTs about one record answer 202 when the wish is in the topic.
#pragma once

#include <vector>

#include "platform/auth/token_verifier.hpp"
#include "platform/http/server.hpp"
#include "runtime/parking/parking.hpp"

namespace everfold::parked {

// Everything must outlive the server.
void add_routes(http::Router& router, const auth::TokenVerifier& tokens, std::vector<Parking*> consumers);

}  // namespace everfold::parked
