#include "daemon/auth/bearer.h"

#include <wsd/check.h>

#include <algorithm>

#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::string_view kScheme = "bearer";
constexpr std::string_view kQueryName = "token";

char lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

// RFC 9110 §11.1: schemes are compared without case.
bool is_bearer_scheme(std::string_view text) {
  return std::equal(text.begin(), text.end(), kScheme.begin(), kScheme.end(),
                    [](char given, char wanted) { return lower(given) == wanted; });
}

std::optional<std::string_view> of_subprotocols(const std::vector<std::string_view>& offered) {
  const auto bearer = std::find(offered.begin(), offered.end(), kBearerSubprotocol);
  if (bearer == offered.end()) return std::nullopt;
  return bearer + 1 == offered.end() ? std::string_view() : *(bearer + 1);
}

// RFC 6265 §4.2.1: semicolons separate name=value pairs.
std::optional<std::string_view> of_cookies(std::string_view field, std::string_view name) {
  for (const std::string_view piece : split(field, ';')) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos || trimmed(piece.substr(0, equals)) != name) continue;
    std::string_view value = trimmed(piece.substr(equals + 1));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> of_query(std::string_view query) {
  for (const std::string_view piece : split(query, '&')) {
    const std::size_t equals = std::min(piece.find('='), piece.size());
    if (piece.substr(0, equals) != kQueryName) continue;
    return piece.substr(std::min(equals + 1, piece.size()));
  }
  return std::nullopt;
}

// Returns the OR of all differences. The asm statement hides the value from the optimizer, so that
// the loop cannot end at the first difference.
std::size_t differences(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) noexcept {
  std::uint8_t all = 0;
  for (std::size_t i = 0; i < size; ++i) all = static_cast<std::uint8_t>(all | (a[i] ^ b[i]));
  asm volatile("" : "+r"(all));
  return all;
}

// Returns all ones for 0, and 0 for any other value, without a branch.
std::size_t ones_if_zero(std::size_t value) noexcept {
  constexpr int kTopBit = sizeof(value) * 8 - 1;
  return ((value | (0 - value)) >> kTopBit) - 1;
}

}  // namespace

std::string token_error(std::string_view token) {
  const bool visible =
      std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (!visible) return "contains a character that is not visible ASCII";
  if (token.size() < kTokenBytesMin || token.size() > kTokenBytesMax) {
    return "has " + std::to_string(token.size()) +
           (token.size() == 1 ? " character" : " characters") + "; it must have " +
           std::to_string(kTokenBytesMin) + " to " + std::to_string(kTokenBytesMax);
  }
  return {};
}

std::optional<std::string_view> bearer_of(std::string_view authorization) {
  const std::size_t space = std::min(authorization.find(' '), authorization.size());
  if (!is_bearer_scheme(authorization.substr(0, space))) return std::nullopt;
  return trimmed(authorization.substr(space));
}

bool brings_token(std::string_view authorization, std::string_view token) {
  return same_secret(bearer_of(authorization).value_or(std::string_view()), token);
}

PresentedToken presented_token(const Request& request, std::string_view cookie_name) {
  using Place = PresentedToken::Place;
  const std::vector<std::string_view> authorizations = request.headers("Authorization");
  for (const std::string_view value : authorizations) {
    const auto token = bearer_of(value);
    // RFC 9110 §5.3: the field is not a list, so two of them contradict each other.
    if (authorizations.size() > 1) return {Place::kAuthorization, {}, true};
    if (token) return {Place::kAuthorization, std::string(*token)};
  }
  if (const auto token = of_subprotocols(request.subprotocols())) {
    return {Place::kSubprotocol, std::string(*token)};
  }
  for (const std::string_view field : request.headers("Cookie")) {
    if (const auto token = of_cookies(field, cookie_name)) {
      return {Place::kCookie, std::string(*token)};
    }
  }
  if (const auto token = of_query(request.query())) {
    return {Place::kQuery, percent_decode(*token).value_or(std::string())};
  }
  return {};
}

bool same_secret(std::string_view presented, std::string_view secret) noexcept {
  // Reads exactly secret.size() bytes. A shorter text is replaced by the secret; its length still
  // differs, so the result is false.
  const std::string_view read = presented.size() < secret.size() ? secret : presented;
  const auto* const a = reinterpret_cast<const std::uint8_t*>(read.data());
  const auto* const b = reinterpret_cast<const std::uint8_t*>(secret.data());
  return (differences(a, b, secret.size()) | (presented.size() ^ secret.size())) == 0;
}

SecretSet::SecretSet(const std::vector<std::string>& secrets) {
  for (const std::string& each : secrets) stride_ = std::max(stride_, each.size());
  for (const std::string& each : secrets) {
    lengths_.push_back(each.size());
    block_.insert(block_.end(), each.begin(), each.end());
    block_.resize(lengths_.size() * stride_);
  }
}

std::size_t SecretSet::find(std::string_view presented) const noexcept {
  std::array<std::uint8_t, kTokenBytesMax> padded{};
  std::copy_n(presented.begin(), std::min(presented.size(), padded.size()), padded.begin());
  std::size_t found = kNone;
  for (std::size_t i = 0; i < lengths_.size(); ++i) {
    const std::size_t different = differences(block_.data() + i * stride_, padded.data(), stride_) |
                                  (lengths_[i] ^ presented.size());
    const std::size_t chosen = ones_if_zero(different);
    found = (i & chosen) | (found & ~chosen);
  }
  return found;
}

}  // namespace wsd::daemon
