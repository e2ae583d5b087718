#include "server/http_response.h"

#include <utility>

#include "net/clock.h"
#include "protocol/http_date.h"
#include "protocol/http_response.h"

namespace wsd::server {

RequestTraits::RequestTraits(const protocol::HttpRequest& request) noexcept
    : head_request(request.method == "HEAD"),
      // If a body is left unread, the connection must end (RFC 9112 §9.3).
      keep_alive(request.keep_alive && !request.body_due()),
      old_keep_alive(request.minor_version == 0) {}

net::RequestResult write_response(const RequestTraits& request, int status, std::string_view body,
                                  bool keep_alive, std::string_view content_type,
                                  const protocol::HeaderList& extra) {
  const protocol::HttpDate date(net::wall_clock_ms() / 1000);
  protocol::HttpResponseHead head;
  head.status = status;
  head.content_type = content_type;
  head.keep_alive = keep_alive;
  head.head_request = request.head_request;
  head.date = date.text();
  net::RequestResult result;
  result.status = status;
  result.keep_alive = keep_alive;
  protocol::write_response(result.bytes, head, body, extra);
  return result;
}

net::RequestResult build_response(const RequestTraits& request, Response response, bool last,
                                  std::string& bad_field) {
  if (const std::string* name = bad_header(response.headers);
      name != nullptr || !protocol::is_valid_header("Content-Type", response.content_type)) {
    bad_field = name == nullptr ? "Content-Type" : *name;
    response = internal_error();
  }
  const bool keep_alive = request.keep_alive && !last;
  protocol::HeaderList extra = std::move(response.headers);
  if (keep_alive && request.old_keep_alive) extra.emplace_back("Connection", "keep-alive");
  return write_response(request, response.status, response.body, keep_alive, response.content_type,
                        extra);
}

Response internal_error() {
  return Response{500, "text/plain; charset=utf-8", protocol::error_body("internal error"), {}};
}

const std::string* bad_header(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!protocol::is_valid_header(name, value)) return &name;
  }
  return nullptr;
}

}  // namespace wsd::server
