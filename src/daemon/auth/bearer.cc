#include "daemon/auth/bearer.h"

#include <wsd/check.h>

#include <algorithm>
#include <bit>
#include <random>

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

// The field of the hash: a prime, so that every key but 0 is a good one.
constexpr std::uint64_t kPrime = (std::uint64_t{1} << 31) - 1;

std::uint64_t random_key() {
  std::random_device entropy;
  return std::uniform_int_distribution<std::uint64_t>(1, kPrime - 1)(entropy);
}

// A polynomial of the text's bytes at the point `key` (J. L. Carter and M. N. Wegman, "Universal
// classes of hash functions", 1979): two texts that were chosen without the key have the same hash
// with a probability of their length in kPrime. The low bits of polynomials of similar texts are
// not as random, so they are mixed at the end, as in SplitMix64 by S. Vigna (public domain).
std::uint64_t keyed_hash(std::string_view text, std::uint64_t key) noexcept {
  std::uint64_t hash = text.size();
  for (const char c : text) hash = (hash * key + static_cast<unsigned char>(c)) % kPrime;
  hash = hash * key % kPrime;
  hash = (hash ^ (hash >> 30U)) * 0xBF58476D1CE4E5B9;
  hash = (hash ^ (hash >> 27U)) * 0x94D049BB133111EB;
  return hash ^ (hash >> 31U);
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

SecretSet::SecretSet(const std::vector<std::string>& secrets) : key_(random_key()) {
  std::vector<std::vector<std::size_t>> buckets(
      std::bit_ceil(std::max<std::size_t>(secrets.size(), 1)));
  begins_.assign(buckets.size(), 0);  // so that bucket_of() knows their number
  begins_.push_back(0);
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    stride_ = std::max(stride_, secrets[i].size());
    buckets[bucket_of(secrets[i])].push_back(i);
  }
  for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) {
    for (const std::size_t index : buckets[bucket]) {
      const std::string& secret = secrets[index];
      secrets_.push_back({index, secret.size()});
      block_.insert(block_.end(), secret.begin(), secret.end());
      block_.resize(secrets_.size() * stride_);
    }
    begins_[bucket + 1] = secrets_.size();
  }
}

std::size_t SecretSet::bucket_of(std::string_view text) const noexcept {
  return keyed_hash(text, key_) & (begins_.size() - 2);
}

std::size_t SecretSet::comparisons(std::string_view presented) const noexcept {
  const std::size_t bucket = bucket_of(presented);
  return begins_[bucket + 1] - begins_[bucket];
}

std::size_t SecretSet::find(std::string_view presented) const noexcept {
  std::array<std::uint8_t, kTokenBytesMax> padded{};
  if (presented.size() > padded.size()) return kNone;
  std::copy(presented.begin(), presented.end(), padded.begin());
  std::size_t found = kNone;
  const std::size_t first = begins_[bucket_of(presented)];
  const std::size_t end = first + comparisons(presented);
  for (std::size_t i = first; i < end; ++i) {
    const std::size_t different = differences(block_.data() + i * stride_, padded.data(), stride_) |
                                  (secrets_[i].length ^ presented.size());
    const std::size_t chosen = ones_if_zero(different);
    found = (secrets_[i].index & chosen) | (found & ~chosen);
  }
  return found;
}

}  // namespace wsd::daemon
