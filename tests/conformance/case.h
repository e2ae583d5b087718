// A test case as data. A case has one of two forms: a script of frames with the events that they
// must cause, or a series of messages of which each is sent after the echo of the one before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conformance/frame.h"

namespace wsconform {

struct CaseId {
  int group = 0;
  int section = 0;
  int number = 0;  // 0 in a group without sections, such as "2.10"
  [[nodiscard]] std::string str() const;
  [[nodiscard]] auto operator<=>(const CaseId&) const = default;
};

// One thing that the peer did. A mark says that the connection was still open at a certain step
// of the script.
struct Event {
  enum class Kind { text, binary, pong, mark };
  Kind kind = Kind::text;
  std::string data = {};
  [[nodiscard]] bool operator==(const Event&) const = default;
};
using Events = std::vector<Event>;

inline Event text(std::string data) { return {Event::Kind::text, std::move(data)}; }
inline Event binary(std::string data) { return {Event::Kind::binary, std::move(data)}; }
inline Event pong(std::string data) { return {Event::Kind::pong, std::move(data)}; }
inline Event mark(std::string data) { return {Event::Kind::mark, std::move(data)}; }

// How the bytes of a frame are divided into writes. The suite returns to its event loop between
// two such writes.
struct Chop {
  std::size_t octets = 0;  // the size of each write; 0 leaves it to the system
  bool alone = false;      // bytes of later frames do not share a write with this frame
};
inline constexpr Chop kTogether = {};
inline constexpr Chop kFrameWise = {0, true};
inline constexpr Chop kOctetWise = {1, true};

struct Step {
  enum class Kind {
    frame,        // sends this frame
    raw_header,   // sends only the header of a frame with a payload of `count` bytes
    raw_payload,  // sends a part of the payload that the last raw_header announced
    close,        // sends a Close; the suite has begun the closing handshake
    events,       // waits until `count` events have been received
    barrier,      // sends a Ping and waits for its Pong; then records the mark `frame.payload`
    quiet,        // waits for `seconds`, where no Ping is possible; then records the mark
  };
  Kind kind = Kind::frame;
  Frame frame = {};
  Chop chop = {};
  std::size_t count = 0;
  double seconds = 0;
  // Skips the step if a Close was sent or received. Without it, the suite goes on sending after
  // the peer has failed the connection, as the original does in most cases.
  bool only_if_open = false;
};

struct ExpectedClose {
  bool by_suite = true;
  std::vector<std::uint16_t> codes = {1000};  // a Close without a code is allowed, too
  bool clean = true;
  bool wrong_end_is_fatal = false;
  bool wrong_code_is_fatal = false;
};

struct Script {
  std::vector<Step> steps;
  Events ok;
  std::optional<Events> non_strict = std::nullopt;
  ExpectedClose close = {};
  bool close_when_matched = true;  // the suite begins the closing handshake once `ok` has come
  bool informational = false;
  double limit_s = 2;  // the suite gives up after this time; never shorter than in the original
};

struct Offer {
  bool peer_no_context_takeover = false;
  int peer_max_window_bits = 0;  // 0 leaves the parameter out
};

enum class DataSet { stars, fe, json, bitmap, prose, html, document };

struct Series {
  DataSet data = DataSet::stars;
  bool binary = false;
  std::size_t length = 0;    // of each message: bytes if binary, else characters
  std::size_t fragment = 0;  // 0: not fragmented
  int count = 1000;
  double limit_s = 60;
  std::vector<Offer> offers = {};  // empty: without permessage-deflate
};

struct Case {
  CaseId id;
  std::string sends;
  std::string expects;
  std::variant<std::function<Script()>, Series> body;
};

using Cases = std::vector<Case>;

[[nodiscard]] inline bool needs_deflate(const Case& test) {
  const auto* series = std::get_if<Series>(&test.body);
  return series != nullptr && !series->offers.empty();
}

// The functions below build the steps of the group files.

[[nodiscard]] Step send(std::uint8_t opcode, std::string payload = {}, Chop chop = {});
// Sends a frame without the FIN bit.
[[nodiscard]] Step send_part(std::uint8_t opcode, std::string payload, Chop chop = {});
[[nodiscard]] Step send_rsv(std::uint8_t opcode, std::uint8_t rsv, std::string payload = {},
                            Chop chop = {});
[[nodiscard]] Step send_close(std::optional<std::uint16_t> code, std::string reason = {});
[[nodiscard]] Step send_close_bytes(std::string payload);

// Divides a payload into the payloads of its frames. A payload of at most `size` bytes stays whole,
// and so does any payload if `size` is 0. If `size` divides the length of a longer payload, the
// last frame is empty, because the original fragments its messages so.
[[nodiscard]] std::vector<std::string_view> parts_of(std::string_view payload, std::size_t size);
// Sends the message in frames as parts_of() divides it.
[[nodiscard]] std::vector<Step> fragmented(std::uint8_t opcode, std::string_view message,
                                           std::size_t size);
[[nodiscard]] ExpectedClose peer_fails(std::uint16_t code);

}  // namespace wsconform
