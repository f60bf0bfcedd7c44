// The error body of the contract (query-api/openapi/openapi.json), and the one place where a refusal gets its HTTP status.
#pragma once

#include <string_view>

#include "kernel/rejection.hpp"
#include "platform/http/server.hpp"

namespace everfold::http {

struct HttpError {
  int status;
  std::string_view name;  // "ValidationError": the `error` field
};
HttpError http_error(Code code);  // an exhaustive switch

// {"error", "message", "details": [{"field", "message"}], "traceId"}; 503 and 429 carry Retry-After (1 to 3 s), 401 WWW-Authenticate.
Response error_response(const Rejection& rejection, std::string_view trace_id);

}  // namespace everfold::http
