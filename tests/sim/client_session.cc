#include "sim/client_session.h"

#include <utility>

#include "protocol/client_handshake.h"

namespace wsd::sim {
namespace {

using Kind = protocol::Event::Kind;

MutableBytes bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

ClientSession::ClientSession() : session_(limits_) {
  limits_.message.max_message_bytes = std::size_t{1} << 30;  // the server's limit is the tested one
  session_.begin_client(keys_, limits_);
}

std::string ClientSession::read_response(std::string head) {
  MutableBytes input = bytes_of(head);
  const protocol::Event event = session_.next(input, limits_);
  if (event.kind != Kind::kResponse || !input.empty()) return "got a response that breaks a rule";
  const protocol::HttpResponse& response = session_.response();
  if (response.status != 101) {
    session_.finish();
    return {};
  }
  const protocol::ClientOffer offer{.key = "dGhlIHNhbXBsZSBub25jZQ==", .subprotocols = {}};
  if (protocol::check_response(response, offer).violation != protocol::Violation::kNone) {
    return "got a 101 that a client must not accept";
  }
  session_.upgrade();
  return {};
}

std::vector<test::WireFrame> ClientSession::read(std::string bytes) {
  std::vector<test::WireFrame> frames;
  MutableBytes input = bytes_of(bytes);
  for (;;) {
    const protocol::Event event = session_.next(input, limits_);
    const std::string payload(as_text(event.payload));
    switch (event.kind) {
      case Kind::kNone:
        return frames;
      case Kind::kMessage:
        frames.push_back({static_cast<int>(event.opcode), payload});
        break;
      case Kind::kPing:
        frames.push_back({test::kPing, payload});
        break;
      case Kind::kPong:
        frames.push_back({test::kPong, payload});
        break;
      case Kind::kClose:
        frames.push_back({test::kClose, event.close_code == 0
                                            ? std::string()
                                            : test::close_payload(event.close_code, payload)});
        break;
      default:
        frames.push_back({-1, std::string(protocol::violation_name(event.violation))});
    }
  }
}

std::string ClientSession::pong(std::string_view payload) {
  return std::string(
      as_text(session_.control_frame(protocol::Opcode::kPong, as_bytes(payload)).bytes()));
}

std::string ClientSession::close(unsigned code, std::string_view reason) {
  const auto frame = session_.start_close(static_cast<std::uint16_t>(code), reason);
  return frame ? std::string(as_text(frame->bytes())) : std::string();
}

}  // namespace wsd::sim
