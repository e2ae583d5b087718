// Bytes of HTTP/1.1 and RFC 6455 as a client writes them, correct or deliberately wrong. It uses no
// codec of the server: its knowledge of the wire comes only from the RFCs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace e2e {

// RFC 6455 §5.2.
inline constexpr int kContinuation = 0;
inline constexpr int kText = 1;
inline constexpr int kBinary = 2;
inline constexpr int kClose = 8;
inline constexpr int kPing = 9;
inline constexpr int kPong = 10;

enum class LengthForm { kMinimal, k7, k16, k64 };

// A client frame. The defaults make a correct one.
struct FrameSpec {
  int opcode = kText;
  std::string payload = {};
  bool fin = true;
  int rsv = 0;  // 4: RSV1, 2: RSV2, 1: RSV3
  bool mask = true;
  LengthForm form = LengthForm::kMinimal;
  // instead of the length of the payload
  std::optional<std::uint64_t> claimed_length = std::nullopt;
};

[[nodiscard]] std::string frame(const FrameSpec& spec);
[[nodiscard]] std::string text_frame(std::string_view payload, bool fin = true);
[[nodiscard]] std::string binary_frame(std::string_view payload, bool fin = true);
[[nodiscard]] std::string continuation_frame(std::string_view payload, bool fin);
[[nodiscard]] std::string ping_frame(std::string_view payload = {});
[[nodiscard]] std::string pong_frame(std::string_view payload = {});
// A Close frame's payload: the code, then the reason.
[[nodiscard]] std::string close_payload(unsigned code, std::string_view reason = {});
[[nodiscard]] std::string close_frame(unsigned code, std::string_view reason = {});

// A frame as received.
struct Frame {
  bool fin = false;
  int rsv = 0;
  int opcode = 0;
  bool masked = false;
  std::string payload;

  // The code of a Close frame; 0 without a payload.
  [[nodiscard]] unsigned close_code() const;
  [[nodiscard]] std::string describe() const;
};

// The key of RFC 6455 §1.3 and the accept value that the RFC gives for it.
inline constexpr std::string_view kSampleKey = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view kSampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// An HTTP request head. upgrade() makes a correct opening handshake and get() a plain request. The
// other functions alter it.
class RequestText {
 public:
  [[nodiscard]] static RequestText upgrade(std::string_view target = "/echo");
  [[nodiscard]] static RequestText get(std::string_view target);

  // Replaces the request line.
  RequestText& line(std::string_view request_line);
  // Replaces the first field of that name, or adds one.
  RequestText& set(std::string_view name, std::string_view value);
  // Adds a field, even if there is already one of that name.
  RequestText& add(std::string_view name, std::string_view value);
  // Adds bytes in place of a field line, followed by CRLF.
  RequestText& raw(std::string_view field_line);
  RequestText& remove(std::string_view name);
  [[nodiscard]] std::string text() const;
  operator std::string() const { return text(); }  // NOLINT: a row of a table reads as bytes

 private:
  std::string line_;
  std::vector<std::pair<std::string, std::string>> fields_;  // raw lines have an empty name
};

struct HttpResponse {
  int status = 0;
  std::string version;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  [[nodiscard]] bool has(std::string_view name) const;
  // Returns all values of that name, joined by ", ", or "" if there is none.
  [[nodiscard]] std::string get(std::string_view name) const;
  // Returns whether the list under `name` has that token, ignoring case.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;
  [[nodiscard]] std::string describe() const;
};

// Parses a response head that ends in an empty line. Returns nothing if a line does not end in
// CRLF, or is not "HTTP/1.1 NNN reason" or "name: value".
[[nodiscard]] std::optional<HttpResponse> parse_response_head(std::string_view head);

[[nodiscard]] bool equals_without_case(std::string_view a, std::string_view b);
// Returns a printable form for messages: escaped, and cut after a few hundred bytes.
[[nodiscard]] std::string printable(std::string_view bytes);

}  // namespace e2e
