#include "platform/http_client/client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>

#include "kernel/check.hpp"

namespace everfold {
namespace {

constexpr long connect_timeout_ms = 3'000;

struct CurlFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, CurlFree>;

// libcurl wants one initialization before the first handle, on one thread.
void initialize_once() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  check(result == CURLE_OK, "libcurl can't be initialized");
}

void append(HeaderList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  check(longer != nullptr, "out of memory");
  (void)list.release();
  list.reset(longer);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

struct Receiving {
  HttpResponse response;
  std::size_t max_body_bytes;
  bool too_big = false;
};

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* to) {
  auto& response = static_cast<Receiving*>(to)->response;
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) response.headers.clear();  // after "100 Continue" the real head begins anew
  if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    response.headers.emplace_back(lower(trimmed(line.substr(0, colon))), trimmed(line.substr(colon + 1)));
  }
  return size * count;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto& receiving = *static_cast<Receiving*>(to);
  if (receiving.response.body.size() + size * count > receiving.max_body_bytes) {
    receiving.too_big = true;
    return 0;  // tells libcurl to give up
  }
  receiving.response.body.append(data, size * count);
  return size * count;
}

TransportError::Kind kind_of(CURLcode code) {
  switch (static_cast<int>(code)) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return TransportError::Kind::not_sent;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return TransportError::Kind::not_valid;
    default:
      return TransportError::Kind::in_doubt;
  }
}

}  // namespace

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

struct HttpClient::Impl {
  std::unique_ptr<CURL, CurlFree> curl;
  std::size_t max_body_bytes;
  std::array<char, CURL_ERROR_SIZE> error{};

  void prepare(const HttpRequest& request, const HeaderList& headers, Receiving& receiving) {
    CURL* handle = curl.get();
    curl_easy_reset(handle);  // options only: connections stay open
    curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error.data());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &receiving);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &receiving);
    if (request.method == "HEAD") {
      curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET") {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
      curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }
};

HttpClient::HttpClient(std::size_t max_body_bytes) {
  initialize_once();
  impl_ = std::make_unique<Impl>(Impl{std::unique_ptr<CURL, CurlFree>(curl_easy_init()), max_body_bytes, {}});
  check(impl_->curl != nullptr, "libcurl gives no handle");
}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

HttpResult HttpClient::send(const HttpRequest& request) {
  HeaderList headers;
  append(headers, "Expect:");  // no round trip before a body
  bool typed = false;
  for (const auto& [name, value] : request.headers) {
    if ((name + value).find_first_of("\r\n") != std::string::npos) {
      return TransportError{TransportError::Kind::not_valid, "header " + name + " has a line break in it"};
    }
    typed |= lower(name) == "content-type";
    append(headers, value.empty() ? name + ";" : name + ": " + value);
  }
  if (!typed) append(headers, "Content-Type:");  // libcurl would call every body a form

  Receiving receiving{{}, impl_->max_body_bytes};
  impl_->prepare(request, headers, receiving);
  impl_->error[0] = 0;
  const CURLcode code = curl_easy_perform(impl_->curl.get());
  if (receiving.too_big) {
    return TransportError{TransportError::Kind::not_valid,
                          "the answer is larger than " + std::to_string(impl_->max_body_bytes) + " bytes"};
  }
  if (code != CURLE_OK) {
    return TransportError{kind_of(code), impl_->error[0] != 0 ? impl_->error.data() : curl_easy_strerror(code)};
  }
  long status = 0;
  curl_easy_getinfo(impl_->curl.get(), CURLINFO_RESPONSE_CODE, &status);
  receiving.response.status = static_cast<int>(status);
  return std::move(receiving.response);
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  return out;
}

}  // namespace everfold
