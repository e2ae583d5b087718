// The library's own client at the peer's end: a session in the client's role. It reads what the
// server sends, and masks what the peer answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/peer.h"
#include "protocol/masking_keys.h"
#include "protocol/session.h"

namespace wsd::sim {

class ClientSession {
 public:
  ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  // Reads a response head, which answers test::upgrade_request(). Returns an error, or an empty
  // string. After a 101 the session reads frames.
  [[nodiscard]] std::string read_response(std::string head);
  // Reads bytes of the server. Returns the complete frames and messages as frames; the opcode is -1
  // if the server has broken a rule.
  [[nodiscard]] std::vector<test::WireFrame> read(std::string bytes);
  // Returns whether a frame or a message is incomplete.
  [[nodiscard]] bool unfinished() const noexcept { return session_.unfinished(); }

  [[nodiscard]] std::string pong(std::string_view payload);
  [[nodiscard]] std::string close(unsigned code, std::string_view reason);

 private:
  protocol::SessionLimits limits_;
  protocol::MaskingKeys keys_;
  protocol::Session session_;
};

}  // namespace wsd::sim
