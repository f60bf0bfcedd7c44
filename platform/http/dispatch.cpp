#include "platform/http/dispatch.hpp"

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "platform/http/errors.hpp"
#include "platform/http/text.hpp"

namespace everfold::http {
namespace {

std::optional<Rejection> refuse_media_type(const Request& request, std::string_view media_type) {
  const bool takes_body =
      request.method == Method::post || request.method == Method::put || request.method == Method::patch;
  if (!takes_body || request.body.empty()) return std::nullopt;
  const auto content_type = request.header("content-type");
  if (!equals_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))), media_type)) {
    return reject(Code::unsupported_media_type,
                  media_type == "application/json" ? "The body must be JSON, with Content-Type: application/json."
                                                   : "The body must have Content-Type: " + std::string(media_type) + ".");
  }
  const auto encoding = request.header("content-encoding");
  if (!encoding.empty() && !equals_ignoring_case(encoding, "identity")) {
    return reject(Code::unsupported_media_type, "The body must not be compressed.");
  }
  return std::nullopt;
}

void refuse_method(const Request& request, const std::vector<Method>& allowed, Responder::Exchange& exchange) {
  const auto allow = allow_header(allowed);
  auto response = error_response(reject(Code::method_not_allowed, std::string(method_name(request.method)) +
                                                                      " is not served here, but " + allow + "."),
                                 request.trace_id);
  response.headers.emplace_back("Allow", allow);
  exchange.answer(std::move(response));
}

}  // namespace

void dispatch(const Router::Impl& router, ParsedRequest parsed, const std::shared_ptr<Responder::Exchange>& exchange,
              const ServerOptions& options) {
  auto& request = parsed.request;
  auto match = router.match(request.method, parsed.segments);
  if (!match.handler && match.allowed.empty())
    return exchange->reject(reject(Code::not_found, "There is nothing here."));
  if (!match.handler) return refuse_method(request, match.allowed, *exchange);
  if (const auto refusal = refuse_media_type(request, match.media_type)) return exchange->reject(*refusal);
  if (match.counted && !exchange->begin((options.max_requests + options.threads - 1) / options.threads))
    return exchange->reject(reject(Code::unavailable, "More requests are being answered than this program can answer "
                                                      "in time. Nothing was done; try again."));
  request.params = std::move(match.params);
  // What was asked, for the report: the request itself is the handler's.
  const auto asked = std::string(method_name(request.method)) + ' ' + request.target;
  try {
    (*match.handler)(std::move(request), Responder(exchange));
  } catch (const std::exception& error) {
    options.on_error("the handler of " + asked + " threw: " + error.what());
    exchange->reject(reject(Code::internal, "Something went wrong here."));
  }
}

}  // namespace everfold::http
