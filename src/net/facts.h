// What the opening handshake settled about a connection, packed: one allocation, no slack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace wsd::net {

class Facts {
 public:
  Facts() = default;
  Facts(std::string_view remote, std::string_view path, std::string_view user,
        std::string_view subprotocol);

  [[nodiscard]] std::string_view remote() const noexcept { return part(0); }
  [[nodiscard]] std::string_view path() const noexcept { return part(1); }
  [[nodiscard]] std::string_view user() const noexcept { return part(2); }
  [[nodiscard]] std::string_view subprotocol() const noexcept { return part(3); }

 private:
  static constexpr std::size_t kParts = 4;
  using Sizes = std::array<std::uint32_t, kParts>;

  [[nodiscard]] std::string_view part(std::size_t index) const noexcept;

  std::unique_ptr<char[]> block_;  // sizes, then the texts
};

}  // namespace wsd::net
