// From a request that could be read to its handler, or to the refusal that it earns on the way.
#pragma once

#include <memory>

#include "platform/http/exchange.hpp"
#include "platform/http/request_parser.hpp"
#include "platform/http/router.hpp"

namespace everfold::http {

void dispatch(const Router::Impl& router, ParsedRequest parsed, const std::shared_ptr<Responder::Exchange>& exchange,
              const ServerOptions& options);

}  // namespace everfold::http
