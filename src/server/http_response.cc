#include "server/http_response.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "net/clock.h"
#include "protocol/http_date.h"
#include "protocol/http_response.h"

namespace wsd::server {
namespace {

// Fields that delimit the response, or that control the connection or the handshake.
bool is_of_the_server(std::string_view name) {
  constexpr std::string_view kHandshake = "Sec-WebSocket-";
  static constexpr auto kFields =
      std::to_array<std::string_view>({"Connection", "Content-Length", "Content-Type", "Date",
                                       "Keep-Alive", "Transfer-Encoding", "Upgrade"});
  return protocol::equals_ignore_case(name.substr(0, kHandshake.size()), kHandshake) ||
         std::any_of(kFields.begin(), kFields.end(), [&](std::string_view each) {
           return protocol::equals_ignore_case(each, name);
         });
}

std::string invalid_field(std::string_view name) {
  return "the application's header field " + std::string(name) +
         " has an invalid name or value, so the client got 500: correct it";
}

ResponseError response_error(const Response& response) {
  // RFC 9110 §15.2: a response of class 1xx is not final, so the client would wait for another one.
  if (response.status < 200 || response.status > 599) {
    return {true, "the handler returned status " + std::to_string(response.status) +
                      ", so the client got 500: return 200 to 599"};
  }
  std::string error = headers_error(response.headers);
  if (error.empty() && !protocol::is_valid_header("Content-Type", response.content_type)) {
    error = invalid_field("Content-Type");
  }
  return {false, std::move(error)};
}

}  // namespace

RequestTraits::RequestTraits(const protocol::HttpRequest& request) noexcept
    : head_request(request.method == "HEAD"),
      // If a body is left unread, the connection must end (RFC 9112 §9.3).
      keep_alive(request.keep_alive && !request.body_due()) {}

net::RequestResult write_response(const RequestTraits& request, int status, std::string_view body,
                                  std::uint32_t keep_alive_s, std::string_view content_type,
                                  const protocol::HeaderList& extra) {
  const protocol::HttpDate date(net::wall_clock_ms() / 1000);
  protocol::HttpResponseHead head;
  head.status = status;
  head.content_type = content_type;
  head.keep_alive = keep_alive_s != 0;
  head.keep_alive_s = keep_alive_s;
  head.head_request = request.head_request;
  head.date = date.text();
  net::RequestResult result;
  result.status = status;
  result.keep_alive = head.keep_alive;
  protocol::write_response(result.bytes, head, body, extra);
  return result;
}

net::RequestResult build_response(const RequestTraits& request, Response response,
                                  std::uint32_t keep_alive_s, ResponseError& error) {
  error = response_error(response);
  if (!error.text.empty()) response = internal_error();
  return write_response(request, response.status, response.body,
                        request.keep_alive ? keep_alive_s : 0, response.content_type,
                        response.headers);
}

Response internal_error() {
  return Response{500, "text/plain; charset=utf-8", protocol::error_body("internal error"), {}};
}

std::string headers_error(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!protocol::is_valid_header(name, value)) return invalid_field(name);
    if (is_of_the_server(name)) {
      return "the application's header field " + name +
             " is one that the server writes itself, so the client got 500: remove it";
    }
  }
  return {};
}

}  // namespace wsd::server
