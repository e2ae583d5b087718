// Bearer tokens (RFC 6750): finds the token of a request and compares tokens in constant time.
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

// Checks that a token has 16 to 512 visible ASCII characters. Returns an empty string, or a clause
// that does not contain the token ("has 3 characters; ...").
[[nodiscard]] std::string token_error(std::string_view token);

// Returns the part of an Authorization field after "Bearer", in any case (RFC 6750 §2.1,
// RFC 9110 §11.1). Returns std::nullopt for any other scheme.
[[nodiscard]] std::optional<std::string_view> bearer_of(std::string_view authorization);

// Returns whether an Authorization field carries `token`. Compares with same_secret().
[[nodiscard]] bool brings_token(std::string_view authorization, std::string_view token);

// A client that offers this subprotocol offers its token as the next one. Otherwise a page in a
// browser could send a token only as a cookie or in the URL. The server selects this subprotocol,
// never the token.
inline constexpr std::string_view kBearerSubprotocol = "bearer";

// The token of a request: from the first place, in the order of Place, that holds anything.
struct PresentedToken {
  enum class Place : std::uint8_t { kNone, kAuthorization, kSubprotocol, kCookie, kQuery };
  Place place = Place::kNone;
  std::string token;       // as received; from a query percent-decoded, or empty if malformed
  bool ambiguous = false;  // more than one Authorization field: none of them counts
};

// Finds the token of `request`. Ignores an Authorization field with another scheme. Removes double
// quotes around a cookie's value (RFC 6265 §4.1.1). The first of several cookies or parameters with
// the same name counts.
[[nodiscard]] PresentedToken presented_token(const Request& request, std::string_view cookie_name);

// Returns whether the two are equal, in a time that depends only on the length of `secret`. ORs all
// differences and tests them once, as timingsafe_bcmp(3) and OpenSSL's CRYPTO_memcmp() do.
[[nodiscard]] bool same_secret(std::string_view presented, std::string_view secret) noexcept;

// A set of secrets. A search hashes the presented text with a random key, and compares it only with
// the secrets of the same bucket, each of them in constant time. Its time reveals at most the size
// of a bucket that nobody can choose, and neither the result nor how many bytes of a secret are
// right. Immutable; any thread.
class SecretSet {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  // Each secret must have at most kTokenBytesMax bytes.
  explicit SecretSet(const std::vector<std::string>& secrets);

  // Returns the index of `presented`, or kNone.
  [[nodiscard]] std::size_t find(std::string_view presented) const noexcept;
  // Returns how many secrets find() compares `presented` with. About one is expected for a wrong
  // text, and two for a secret, however many secrets there are.
  [[nodiscard]] std::size_t comparisons(std::string_view presented) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return secrets_.size(); }
  // Calls `visit(index, secret)` for each secret, in no particular order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < secrets_.size(); ++i) {
      const auto* const begin = reinterpret_cast<const char*>(block_.data() + i * stride_);
      visit(secrets_[i].index, std::string_view(begin, secrets_[i].length));
    }
  }

 private:
  struct Secret {
    std::size_t index;  // the argument's
    std::size_t length;
  };

  [[nodiscard]] std::size_t bucket_of(std::string_view text) const noexcept;

  std::uint64_t key_;
  std::size_t stride_ = 0;       // length of the longest secret
  std::vector<Secret> secrets_;  // sorted by bucket
  std::vector<std::size_t>
      begins_;  // where each bucket begins in secrets_, and the end of the last
  std::vector<std::uint8_t> block_;  // the secrets in that order, each padded with zeros to stride_
};

}  // namespace wsd::daemon
