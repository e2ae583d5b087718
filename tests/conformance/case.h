// What a test case is: data. Two kinds: a script of frames with the events it must bring about, and
// a series of echoes, one at a time.
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
  int number = 0;  // 0: the group has no sections, "2.10"
  [[nodiscard]] std::string str() const;
  [[nodiscard]] auto operator<=>(const CaseId&) const = default;
};

// What the server did, in the order it came. A mark stands for a moment at which the server was
// still there although it had reason not to be, or the other way round.
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

// How bytes are cut into writes.
struct Chop {
  std::size_t octets = 0;  // 0: as the system likes
  bool flush = false;      // nothing later shares a write with this
};
inline constexpr Chop kTogether = {};
inline constexpr Chop kFrameWise = {0, true};
inline constexpr Chop kOctetWise = {1, true};

struct Step {
  enum class Kind {
    frame,        // this frame
    raw_header,   // the header of a frame of `count` bytes, without its payload
    raw_payload,  // a part of the payload of the last raw_header
    close,        // a Close: the closing handshake is ours from here on
    events,       // wait until `count` events have come
    barrier,      // a Ping of our own; if its Pong comes, the mark `frame.payload`
    quiet,        // wait a moment, no Ping being possible; if the server is still there, the mark
  };
  Kind kind = Kind::frame;
  Frame frame = {};
  Chop chop = {};
  std::size_t count = 0;
  double seconds = 0;  // of quiet
};

struct ExpectedClose {
  bool by_client = true;
  std::vector<std::uint16_t> codes = {1000};  // or none at all
  bool clean = true;
  bool wrong_end_is_fatal = false;
  bool wrong_code_is_fatal = false;
};

struct Script {
  std::vector<Step> steps;
  Events ok;
  std::optional<Events> non_strict = std::nullopt;
  ExpectedClose close = {};
  bool close_when_matched = true;  // the client begins the closing handshake
  bool informational = false;
  double bound_s = 2;  // by when it is over, or has failed
};

struct Offer {
  bool server_no_context_takeover = false;
  int server_max_window_bits = 0;  // 0: not said
};

enum class DataSet { stars, fe, json, bitmap, prose, html, document };

struct Series {
  DataSet data = DataSet::stars;
  bool binary = false;
  std::size_t length = 0;
  std::size_t fragment = 0;  // 0: not fragmented
  int count = 1000;
  double bound_s = 60;
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

// Words of the group files.
[[nodiscard]] Step send(std::uint8_t opcode, std::string payload = {}, Chop chop = {});
[[nodiscard]] Step send_part(std::uint8_t opcode, std::string payload, Chop chop = {});
[[nodiscard]] Step send_rsv(std::uint8_t opcode, std::uint8_t rsv, std::string payload = {},
                            Chop chop = {});
[[nodiscard]] Step send_close(std::optional<std::uint16_t> code, std::string reason = {});
[[nodiscard]] Step send_close_bytes(std::string payload);
// The message in frames of `size` bytes.
[[nodiscard]] std::vector<Step> fragmented(std::uint8_t opcode, std::string_view message,
                                           std::size_t size);
[[nodiscard]] ExpectedClose server_fails(std::uint16_t code);

}  // namespace wsconform
