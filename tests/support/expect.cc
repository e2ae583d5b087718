#include "support/expect.h"

#include <algorithm>
#include <string>

namespace e2e {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionSuccess;

AssertionResult nothing_came(RawClient& client, const char* wanted) {
  return AssertionFailure() << "no " << wanted << ": " << end_name(client.end()) << " after '"
                            << printable(client.pending()) << "'";
}

AssertionResult ends_in_fin(RawClient& client) {
  const End end = client.read_end();
  if (end == End::kFin) return AssertionSuccess();
  return AssertionFailure() << "FIN expected, but: " << end_name(end) << " '"
                            << printable(client.pending()) << "'";
}

AssertionResult is_server_frame(const Frame& frame) {
  if (frame.fin && frame.rsv == 0 && !frame.masked) return AssertionSuccess();
  return AssertionFailure() << "not a valid server frame: " << frame.describe();
}

AssertionResult is_close(const Frame& frame, unsigned code) {
  if (auto result = is_server_frame(frame); !result) return result;
  if (frame.opcode == kClose && frame.close_code() == code && frame.payload.size() <= 125) {
    return AssertionSuccess();
  }
  return AssertionFailure() << "Close " << code << " expected, but: " << frame.describe();
}

}  // namespace

AssertionResult is_upgraded(RawClient& client) {
  const auto response = client.read_response();
  if (!response) return nothing_came(client, "response");
  if (response->status == 101 && response->version == "HTTP/1.1" &&
      response->has_token("Upgrade", "websocket") && response->has_token("Connection", "upgrade") &&
      response->get("Sec-WebSocket-Accept") == kSampleAccept && !response->has("Content-Length") &&
      !response->has("Transfer-Encoding") && !response->has("Sec-WebSocket-Extensions")) {
    return AssertionSuccess();
  }
  return AssertionFailure() << "a correct 101 expected, but: " << response->describe();
}

AssertionResult opens(RawClient& client, std::string_view target) {
  if (!client.connected()) return AssertionFailure() << "not connected";
  client.send(RequestText::upgrade(target).text());
  return is_upgraded(client);
}

AssertionResult receives(RawClient& client, int opcode, std::string_view payload) {
  const auto frame = client.read_frame();
  if (!frame) return nothing_came(client, "frame");
  if (auto result = is_server_frame(*frame); !result) return result;
  if (frame->opcode == opcode && frame->payload == payload) return AssertionSuccess();
  return AssertionFailure() << "opcode " << opcode << " with '" << printable(payload) << "' ("
                            << payload.size() << " bytes) expected, but: " << frame->describe();
}

AssertionResult receives_text(RawClient& client, std::string_view payload) {
  return receives(client, kText, payload);
}

AssertionResult echoes(RawClient& client, std::string_view payload) {
  client.send(text_frame(payload));
  return receives_text(client, payload);
}

AssertionResult is_ended_with(RawClient& client, unsigned code) {
  const auto frame = client.read_frame();
  if (!frame) return nothing_came(client, "frame");
  if (auto result = is_close(*frame, code); !result) return result;
  return ends_in_fin(client);
}

AssertionResult is_ended_at_last_with(RawClient& client, unsigned code) {
  for (;;) {
    const auto frame = client.read_frame();
    if (!frame) return nothing_came(client, "Close frame");
    if (frame->opcode != kClose) continue;
    if (auto result = is_close(*frame, code); !result) return result;
    return ends_in_fin(client);
  }
}

AssertionResult is_closed_with(RawClient& client, unsigned code) {
  const auto frame = client.read_frame();
  if (!frame) return nothing_came(client, "frame");
  if (auto result = is_close(*frame, code); !result) return result;
  client.send(close_frame(code));
  return ends_in_fin(client);
}

AssertionResult closes_normally(RawClient& client) {
  client.send(close_frame(1000));
  return is_ended_with(client, 1000);
}

AssertionResult is_refused(RawClient& client, const std::vector<int>& statuses,
                           HttpResponse* response, bool head_request) {
  const auto answer = client.read_response(head_request);
  if (!answer) return nothing_came(client, "response");
  if (response != nullptr) *response = *answer;
  if (std::find(statuses.begin(), statuses.end(), answer->status) == statuses.end()) {
    auto failure = AssertionFailure() << "status";
    for (const int status : statuses) failure << " " << status;
    return failure << " expected, but: " << answer->describe();
  }
  if (!answer->has_token("Connection", "close")) {
    return AssertionFailure() << "Connection: close expected, but: " << answer->describe();
  }
  return ends_in_fin(client);
}

}  // namespace e2e
