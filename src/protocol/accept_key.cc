// OpenSSL 3 deprecates the functions of one algorithm, for which it has no replacement that does
// without a search for the algorithm by its name. That search costs more than the digest.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "protocol/accept_key.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>

#include "base/assert.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 §1.3
constexpr std::size_t kKeyBytes = 24;                                       // base64 of 16 bytes
// 128 bits in digits of 6. The 4 unused bits of the last one may have any value: RFC 4648 §3.5
// allows a decoder to accept that, and the example of RFC 6455 §4.1 (7) needs it.
constexpr std::size_t kKeyDigits = 22;

}  // namespace

AcceptKey accept_key(std::string_view key) noexcept {
  WSD_ASSERT(key.size() == kKeyBytes);
  std::array<unsigned char, kKeyBytes + kGuid.size()> text{};
  std::copy(kGuid.begin(), kGuid.end(), std::copy(key.begin(), key.end(), text.begin()));

  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA_CTX sha;
  WSD_ASSERT(SHA1_Init(&sha) == 1 && SHA1_Update(&sha, text.data(), text.size()) == 1 &&
             SHA1_Final(digest.data(), &sha) == 1);

  std::array<unsigned char, kAcceptKeyBytes + 1> encoded{};  // EVP_EncodeBlock adds a NUL
  const int written =
      EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  WSD_ASSERT(written == static_cast<int>(kAcceptKeyBytes));
  AcceptKey result{};
  std::copy_n(encoded.begin(), kAcceptKeyBytes, result.begin());
  return result;
}

// Written by hand, because EVP_DecodeBlock skips whitespace.
bool is_valid_key(std::string_view key) noexcept {
  if (key.size() != kKeyBytes || !key.ends_with("==")) return false;
  const std::string_view digits = key.substr(0, kKeyDigits);
  return std::all_of(digits.begin(), digits.end(),
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/'; });
}

}  // namespace wsd::protocol
