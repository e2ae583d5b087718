#include "conformance/upgrade_request.h"

#include <algorithm>

#include "conformance/bytes.h"
#include "conformance/http.h"

namespace wsconform {

namespace {

// Returns true for the base64 of 16 bytes: 22 characters, of which the last has four zero bits, and
// two for padding.
bool is_key(std::string_view key) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.size() == 24 && key.ends_with("==") &&
         key.substr(0, 22).find_first_not_of(kAlphabet) == std::string_view::npos &&
         kAlphabet.find(key[21]) % 16 == 0;
}

// Returns the number of header fields with this name.
std::size_t count(std::string_view head, std::string_view name) {
  std::size_t fields = 0;
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2);
    fields += same_name(line.substr(0, std::min(line.find(':'), line.size())), name);
  }
  return fields;
}

std::string judge_fields(std::string_view head, std::string_view key) {
  if (count(head, "Host") != 1) return "the request does not have one Host";
  if (!has_token(field(head, "Upgrade").value_or(""), "websocket")) {
    return "the request has no 'Upgrade: websocket'";
  }
  if (!has_token(field(head, "Connection").value_or(""), "upgrade")) {
    return "the Connection field of the request does not name 'upgrade'";
  }
  if (!is_key(key)) return "Sec-WebSocket-Key is not the base64 of 16 bytes: " + described(key);
  if (field(head, "Sec-WebSocket-Version") != "13") return "Sec-WebSocket-Version is not 13";
  return {};
}

}  // namespace

UpgradeRequest parse_upgrade_request(const Link::Head& head) {
  if (!head.problem.empty()) return {.problem = head.problem};
  const std::string_view text = head.text;
  const std::string_view line = text.substr(0, text.find("\r\n"));
  const std::size_t first = std::min(line.find(' '), line.size());
  const std::size_t last = std::max(line.rfind(' ') + 1, first + 1);
  const std::string_view target =
      last > first + 1 ? line.substr(first + 1, last - first - 2) : std::string_view();
  const std::size_t mark = std::min(target.find('?'), target.size());
  UpgradeRequest request{.path = std::string(target.substr(0, mark)),
                         .query = std::string(target.substr(std::min(mark + 1, target.size()))),
                         .key = field(text, "Sec-WebSocket-Key").value_or(""),
                         .extensions = field(text, "Sec-WebSocket-Extensions").value_or("")};
  if (line != "GET " + std::string(target) + " HTTP/1.1") {
    request.problem = "expected a GET with HTTP/1.1, got " + described(line);
  } else if (request.problem = judge_fields(text, request.key);
             request.problem.empty() && !head.rest.empty()) {
    request.problem = "the peer sent bytes before it had the response";
  }
  return request;
}

std::string upgrade_response(const UpgradeRequest& request, const std::string& extensions) {
  std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_for(request.key) + "\r\n";
  if (!extensions.empty()) head += "Sec-WebSocket-Extensions: " + extensions + "\r\n";
  return head + "\r\n";
}

std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) {
      return std::string(pair.substr(std::min(equals + 1, pair.size())));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

}  // namespace wsconform
