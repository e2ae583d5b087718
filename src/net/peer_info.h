// What the opening handshake settled about a connection, packed: one allocation, no slack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace wsd::net {

class PeerInfo {
 public:
  PeerInfo() = default;
  PeerInfo(std::string_view remote, std::string_view path, std::string_view user,
           std::string_view subprotocol, std::string_view via = {});

  // The socket's peer, or whom a trusted proxy names.
  [[nodiscard]] std::string_view remote() const noexcept { return part(0); }
  [[nodiscard]] std::string_view path() const noexcept { return part(1); }
  [[nodiscard]] std::string_view user() const noexcept { return part(2); }
  [[nodiscard]] std::string_view subprotocol() const noexcept { return part(3); }
  // The proxy that has named remote(): then the socket's peer. Empty: it is remote() itself.
  [[nodiscard]] std::string_view via() const noexcept { return part(4); }
  // The peer's reason in its Close frame; empty until set_close_reason().
  [[nodiscard]] std::string_view close_reason() const noexcept { return part(5); }
  // Views handed out before are dead. Where memory runs out (std::bad_alloc) nothing has changed.
  void set_close_reason(std::string_view reason);

 private:
  static constexpr std::size_t kParts = 6;

  PeerInfo(std::string_view remote, std::string_view path, std::string_view user,
           std::string_view subprotocol, std::string_view via, std::string_view close_reason);
  [[nodiscard]] std::string_view part(std::size_t index) const noexcept;

  std::unique_ptr<std::uint8_t[]> block_;  // the parts' sizes, then the parts
};

}  // namespace wsd::net
