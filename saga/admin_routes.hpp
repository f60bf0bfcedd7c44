// What operators do about checkouts that linger, by HTTP; role admin. GET /api/checkouts lists them.
//
// POST /admin/checkouts/{id}/poke   asks again for whatever the checkout waits for (saga/checkout/README.md): 200
//                                   {"id", "version", "asked": ["PaymentReversalRequested"]}, nothing asked when
//                                   nothing is awaited. Whoever is asked knows what was done: poking twice does nothing
//                                   twice.
// 404: there is no such checkout. 503: another node owns its log, see its /status.
#pragma once

#include "platform/auth/token_verifier.hpp"
#include "platform/http/server.hpp"
#include "runtime/writer/command_bus.hpp"

namespace everfold::saga {

// Everything must outlive the server.
void add_admin_routes(http::Router& router, const auth::TokenVerifier& tokens, CommandBus& processes);

}  // namespace everfold::saga
