// permessage-deflate (RFC 7692) in both roles.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/case.h"
#include "conformance/frame.h"

namespace wsconform {

struct DeflateTerms {
  bool own_no_context_takeover = false;  // of the suite
  bool peer_no_context_takeover = false;
  int own_max_window_bits = 15;
  int peer_max_window_bits = 15;
};

// In the role of the client: returns the value of Sec-WebSocket-Extensions for these offers, in
// order of preference.
[[nodiscard]] std::string offered(const std::vector<Offer>& offers);

struct DeflateAnswer {
  std::optional<DeflateTerms> terms = std::nullopt;  // nothing if the server declined
  std::string problem = {};                          // how the peer violated RFC 7692
  std::string response = {};  // in the role of the server: the value of the response's field
};
// In the role of the client: checks the server's Sec-WebSocket-Extensions, which is empty if the
// response has none.
[[nodiscard]] DeflateAnswer judge_answer(const std::vector<Offer>& offers, std::string_view answer);
// In the role of the server: accepts the first of `wanted` that one of the client's offers allows.
// `offers` is the client's Sec-WebSocket-Extensions.
[[nodiscard]] DeflateAnswer accept_offer(const std::vector<Offer>& wanted, std::string_view offers);

[[nodiscard]] bool have_zlib();

// Compresses and decompresses the messages of one connection. Requires zlib.
class Deflater {
 public:
  explicit Deflater(const DeflateTerms& terms);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  [[nodiscard]] std::string compress(std::string_view message);
  // Returns nothing if the bytes are not valid with the agreed window and context.
  [[nodiscard]] std::optional<std::string> decompress(std::string_view compressed);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wsconform
