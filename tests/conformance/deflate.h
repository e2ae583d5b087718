// permessage-deflate (RFC 7692) from the client's side.
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

// The value of Sec-WebSocket-Extensions for these offers, the preferred one first.
[[nodiscard]] std::string offered(const std::vector<Offer>& offers);

struct DeflateAnswer {
  std::optional<DeflateTerms> terms = std::nullopt;  // none: the server declined
  std::string problem = {};                          // the answer is not one to these offers
};
[[nodiscard]] DeflateAnswer judge_answer(const std::vector<Offer>& offers, std::string_view answer);

[[nodiscard]] bool have_zlib();

class Deflater {
 public:
  explicit Deflater(const DeflateTerms& terms);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  [[nodiscard]] std::string compress(std::string_view message);
  // Nothing: the bytes are not what the agreed window and context allow.
  [[nodiscard]] std::optional<std::string> decompress(std::string_view compressed);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wsconform
