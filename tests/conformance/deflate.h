// The client side of permessage-deflate (RFC 7692).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/case.h"

namespace wsconform {

struct DeflateTerms {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  int server_max_window_bits = 15;
  int client_max_window_bits = 15;
};

// Returns the value of Sec-WebSocket-Extensions for these offers, in order of preference.
[[nodiscard]] std::string offered(const std::vector<Offer>& offers);

struct DeflateAnswer {
  std::optional<DeflateTerms> terms = std::nullopt;  // nothing if the server declined
  std::string problem = {};                          // why the answer does not match the offers
};
// Checks the server's Sec-WebSocket-Extensions, which is empty if the response has none.
[[nodiscard]] DeflateAnswer judge_answer(const std::vector<Offer>& offers, std::string_view answer);

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
