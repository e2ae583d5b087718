// The identity of the peer of a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace wsd::net {

// Packed into one allocation without slack, because every open connection has one.
class PeerInfo {
 public:
  PeerInfo() = default;
  PeerInfo(std::string_view remote, std::string_view path, std::string_view user,
           std::string_view subprotocol, std::string_view via = {});

  // Returns the address of the socket's peer, or of the client that a trusted proxy names.
  [[nodiscard]] std::string_view remote() const noexcept { return part(0); }
  [[nodiscard]] std::string_view path() const noexcept { return part(1); }
  [[nodiscard]] std::string_view user() const noexcept { return part(2); }
  [[nodiscard]] std::string_view subprotocol() const noexcept { return part(3); }
  // Returns the address of the proxy that has named remote(), or an empty string if remote() is the
  // socket's peer.
  [[nodiscard]] std::string_view via() const noexcept { return part(4); }
  // Returns the reason in the peer's Close frame. Empty until set_close_reason().
  [[nodiscard]] std::string_view close_reason() const noexcept { return part(5); }
  // Invalidates all views. If it throws std::bad_alloc, nothing has changed.
  void set_close_reason(std::string_view reason);

 private:
  static constexpr std::size_t kParts = 6;

  PeerInfo(std::string_view remote, std::string_view path, std::string_view user,
           std::string_view subprotocol, std::string_view via, std::string_view close_reason);
  [[nodiscard]] std::string_view part(std::size_t index) const noexcept;

  std::unique_ptr<std::uint8_t[]> block_;  // the parts' sizes, then the parts
};

}  // namespace wsd::net
