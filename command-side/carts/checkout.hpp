// A cart becomes an order: two commands, one answer.
#pragma once

#include "command-side/edge/edge.hpp"

namespace everfold::carts {

// Checks the cart out, then places the order by the very command that the saga's translator would send, so that the
// order is there when the client is answered and is placed once however often it is asked for. `tokens` must outlive
// the server.
Decided<edge::Wish> check_out(const edge::Call& call, const auth::TokenVerifier& tokens);

}  // namespace everfold::carts
