// OpenSSL 3 deprecates the functions of one algorithm, for which it has no replacement that does
// without a search for the algorithm by its name. That search costs more than the digest.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "protocol/accept_key.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/assert.h"
#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 §1.3
// 128 bits in digits of 6. The 4 unused bits of the last one may have any value: RFC 4648 §3.5
// allows a decoder to accept that, and the example of RFC 6455 §4.1 (7) needs it.
constexpr std::size_t kKeyDigits = 22;

// The digest's input with the padding of FIPS 180-4, section 5.1.1: a one bit, zeros, and the
// length in bits. All but the key is constant, so the two blocks are laid out once.
constexpr std::size_t kBlocks = 2;
constexpr std::size_t kBlockBytes = SHA_CBLOCK;
constexpr auto kPaddedText = [] {
  std::array<unsigned char, kBlocks * kBlockBytes> text{};
  constexpr std::size_t kTextBytes = kKeyBytes + kGuid.size();
  static_assert(kTextBytes + 1 + sizeof(std::uint64_t) <= text.size());
  std::copy(kGuid.begin(), kGuid.end(), text.begin() + kKeyBytes);
  text[kTextBytes] = 0x80;
  constexpr std::size_t kTextBits = kTextBytes * 8;
  text[text.size() - 2] = kTextBits >> 8;
  text[text.size() - 1] = kTextBits & 0xff;
  return text;
}();

unsigned char* write_big_endian(unsigned char* at, std::uint32_t word) noexcept {
  at[0] = static_cast<unsigned char>(word >> 24 & 0xff);
  at[1] = static_cast<unsigned char>(word >> 16 & 0xff);
  at[2] = static_cast<unsigned char>(word >> 8 & 0xff);
  at[3] = static_cast<unsigned char>(word & 0xff);
  return at + sizeof(word);
}

}  // namespace

std::string make_key(const std::array<std::uint8_t, kNonceBytes>& nonce) {
  std::array<unsigned char, kKeyBytes + 1> encoded{};  // EVP_EncodeBlock adds a NUL
  const int written = EVP_EncodeBlock(encoded.data(), nonce.data(), static_cast<int>(nonce.size()));
  WSD_ASSERT(written == static_cast<int>(kKeyBytes));
  return {encoded.begin(), encoded.begin() + kKeyBytes};
}

AcceptKey accept_key(std::string_view key) noexcept {
  WSD_ASSERT(key.size() == kKeyBytes);
  auto text = kPaddedText;
  std::memcpy(text.data(), key.data(), kKeyBytes);
  SHA_CTX sha;
  WSD_ASSERT(SHA1_Init(&sha) == 1);
  SHA1_Transform(&sha, text.data());
  SHA1_Transform(&sha, text.data() + kBlockBytes);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  unsigned char* at = digest.data();
  for (const std::uint32_t word : {sha.h0, sha.h1, sha.h2, sha.h3, sha.h4}) {
    at = write_big_endian(at, word);
  }

  std::array<unsigned char, kAcceptKeyBytes + 1> encoded;  // EVP_EncodeBlock adds a NUL
  const int written =
      EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  WSD_ASSERT(written == static_cast<int>(kAcceptKeyBytes));
  AcceptKey result;
  std::memcpy(result.data(), encoded.data(), kAcceptKeyBytes);
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
