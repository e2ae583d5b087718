// Bearer tokens (RFC 6750): how one comes with a request, and how it is compared.
#pragma once

#include <wsd/http.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {

inline constexpr std::size_t kTokenBytesMin = 16;
inline constexpr std::size_t kTokenBytesMax = 512;

// Why `token` can be none, as a clause that does not have it in it ("has 3 characters; ..."); empty
// when it can: 16 to 512 visible ASCII characters.
[[nodiscard]] std::string token_error(std::string_view token);

// What an Authorization field's value brings behind "Bearer", whose case is free (RFC 6750 §2.1,
// RFC 9110 §11.1); std::nullopt where its scheme is another.
[[nodiscard]] std::optional<std::string_view> bearer_of(std::string_view authorization);

// Whether an Authorization field's value brings `token`; see same_secret().
[[nodiscard]] bool brings_token(std::string_view authorization, std::string_view token);

// The subprotocol whose name announces that the next one offered is a token, since a page of a
// browser can put one nowhere else but into a cookie or the URL. It is chosen, the token never is.
inline constexpr std::string_view kBearerSubprotocol = "bearer";

// What a request brought in the first of these places, in this order, that holds anything.
struct PresentedToken {
  enum class Place : std::uint8_t { kNone, kAuthorization, kSubprotocol, kCookie, kQuery };
  Place place = Place::kNone;
  std::string token;       // as it came, percent-decoded from a query; empty where it is malformed
  bool ambiguous = false;  // more than one Authorization field: nothing of them is to be believed
};

// Authorization of another scheme is none of ours and is passed over. In a cookie the value may
// stand in double quotes (RFC 6265 §4.1.1); of several cookies or parameters of the name the first
// counts.
[[nodiscard]] PresentedToken presented_token(const Request& request, std::string_view cookie_name);

// Whether the two are equal, in a time that depends on the length of `secret` alone: differences
// are OR-ed together and looked at once, as in timingsafe_bcmp(3) and OpenSSL's CRYPTO_memcmp().
[[nodiscard]] bool same_secret(std::string_view presented, std::string_view secret) noexcept;

// Secrets that one presented is looked for among, all of them each time: the time tells neither
// whether nor where it was found, nor how much of any secret it has right. Constant; any thread.
class SecretSet {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  // Each at most kTokenBytesMax bytes.
  explicit SecretSet(const std::vector<std::string>& secrets);

  // Its place among them, or kNone.
  [[nodiscard]] std::size_t find(std::string_view presented) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return lengths_.size(); }

 private:
  std::size_t stride_ = 0;           // the longest one's length
  std::vector<std::uint8_t> block_;  // each filled up to stride_ with zeros
  std::vector<std::size_t> lengths_;
};

}  // namespace wsd::daemon
