// Client frames and scripted sessions for tests. The encoder is written from RFC 6455 §5.2 and
// shares nothing with src/protocol, so that a mistake there cannot cancel itself out here.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "protocol/request_support.h"
#include "protocol/session.h"

namespace wsd::protocol {

enum class LengthForm { kMinimal, k7Bit, k16Bit, k64Bit };

// A client frame. The defaults make a correct one.
struct ClientFrame {
  int opcode = 1;
  std::string payload = {};
  bool fin = true;
  int rsv = 0;
  bool masked = true;
  std::array<std::uint8_t, 4> key = {0x37, 0xFA, 0x21, 0x3D};  // §5.7
  LengthForm form = LengthForm::kMinimal;
  std::optional<std::uint64_t> announced = std::nullopt;  // instead of the length of the payload

  [[nodiscard]] std::string header() const {
    const std::uint64_t length = announced.value_or(payload.size());
    LengthForm wire_form = form;
    if (form == LengthForm::kMinimal) {
      wire_form = length < 126     ? LengthForm::k7Bit
                  : length < 65536 ? LengthForm::k16Bit
                                   : LengthForm::k64Bit;
    }
    std::string out;
    const auto put = [&out](std::uint64_t byte) { out += static_cast<char>(byte & 0xFF); };
    const unsigned mask_bit = masked ? 128 : 0;
    put((fin ? 128U : 0U) + static_cast<unsigned>(rsv) * 16 + static_cast<unsigned>(opcode));
    if (wire_form == LengthForm::k7Bit) {
      put(mask_bit + length % 128);
    } else {
      const bool wide = wire_form == LengthForm::k64Bit;
      put(mask_bit + (wide ? 127 : 126));
      for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8) put(length >> shift);
    }
    if (masked) std::for_each(key.begin(), key.end(), put);
    return out;
  }

  [[nodiscard]] std::string wire() const {
    std::string out = header();
    for (std::size_t i = 0; i < payload.size(); ++i) {
      const auto byte = static_cast<std::uint8_t>(payload[i]);
      out += static_cast<char>(masked ? byte ^ key[i % 4] : byte);
    }
    return out;
  }
};

inline std::string text_frame(std::string_view payload, bool fin = true) {
  return ClientFrame{.opcode = 1, .payload = std::string(payload), .fin = fin}.wire();
}
inline std::string binary_frame(std::string_view payload, bool fin = true) {
  return ClientFrame{.opcode = 2, .payload = std::string(payload), .fin = fin}.wire();
}
inline std::string continuation_frame(std::string_view payload, bool fin) {
  return ClientFrame{.opcode = 0, .payload = std::string(payload), .fin = fin}.wire();
}
inline std::string close_frame_of(std::string_view body) {
  return ClientFrame{.opcode = 8, .payload = std::string(body)}.wire();
}
inline std::string close_body(unsigned code, std::string_view reason = {}) {
  std::string body{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return body.append(reason);
}
inline std::string close_frame(unsigned code, std::string_view reason = {}) {
  return close_frame_of(close_body(code, reason));
}
inline std::string ping_frame(std::string_view payload = {}) {
  return ClientFrame{.opcode = 9, .payload = std::string(payload)}.wire();
}
inline std::string pong_frame(std::string_view payload = {}) {
  return ClientFrame{.opcode = 10, .payload = std::string(payload)}.wire();
}

inline std::string upgrade_request(std::string_view target = "/echo") {
  return "GET " + std::string(target) +
         " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

// Sequences that are not UTF-8, with the byte that proves it (RFC 3629 §3, §4).
struct BadText {
  std::string bytes;
  std::size_t bad_at;  // bytes.size(): only the end of the text proves it
};
inline std::vector<BadText> bad_texts() {
  return {
      {"\x80", 0},
      {"\xBF", 0},
      {"\xC0\x80", 0},
      {"\xC1\xBF", 0},
      {"\xC2\x41", 1},
      {"\xC2\xC2", 1},
      {"\xE0\x80\x80", 1},
      {"\xE0\x9F\xBF", 1},
      {"\xE1\x80\x41", 2},
      {"\xED\xA0\x80", 1},
      {"\xED\xBF\xBF", 1},
      {"\xF0\x80\x80\x80", 1},
      {"\xF0\x8F\xBF\xBF", 1},
      {"\xF1\x80\x80\x41", 3},
      {"\xF4\x90\x80\x80", 1},
      {"\xF5\x80\x80\x80", 0},
      {"\xF8\x88\x80\x80\x80", 0},
      {"\xFC\x84\x80\x80\x80\x80", 0},
      {"\xFE", 0},
      {"\xFF", 0},
      {"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80"
       "edited",
       12},
      {"\xC2", 1},
      {"\xE1\x80", 2},
      {"\xF1\x80\x80", 3},
      {"abc\xF4\x8F\xBF", 6},
  };
}

// Returns a payload as a word for the event list: a short one unchanged, a long one as size and
// hash.
inline std::string payload_word(std::string_view payload) {
  if (payload.size() <= 130) return std::string(payload);
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char each : payload) {
    hash = (hash ^ static_cast<std::uint8_t>(each)) * 1099511628211U;
  }
  return std::to_string(payload.size()) + " bytes, hash " + std::to_string(hash);
}

inline std::string message_word(Opcode opcode, std::string_view payload) {
  return (opcode == Opcode::kText     ? "text "
          : opcode == Opcode::kBinary ? "binary "
                                      : "neither ") +
         payload_word(payload);
}
inline std::string text_word(std::string_view payload) {
  return message_word(Opcode::kText, payload);
}
inline std::string binary_word(std::string_view payload) {
  return message_word(Opcode::kBinary, payload);
}
inline std::string violation_word(Violation violation) {
  return "violation " + std::string(violation_name(violation));
}

using Events = std::vector<std::string>;

// The result of a session. It is the same for one stream, however it is split.
struct Outcome {
  Events events;
  bool reading = true;
  bool unfinished = false;
  bool close_received = false;
  bool operator==(const Outcome&) const = default;
};

inline void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << ::testing::PrintToString(outcome.events) << (outcome.reading ? ", reading" : "")
       << (outcome.unfinished ? ", unfinished" : "")
       << (outcome.close_received ? ", close received" : "");
}

// Feeds input to a session and records its events. Its actions depend only on the events, so they
// are the same however the stream is split.
//
// A request with an Upgrade field is upgraded. A request for "/last" is the last one. After any
// other request, another may follow, after the body if it is a POST. The message "close!" starts a
// close.
class Player {
 public:
  enum class Start { kFresh, kOpen };

  explicit Player(const SessionLimits& limits = {}, Start start = Start::kOpen)
      : limits_(limits), session_(limits_) {
    if (start == Start::kOpen) session_.upgrade();
  }

  // Feeds one input from a block that is freed at once, so that a sanitizer detects a stale view.
  Player& play(std::string_view bytes) {
    const Bytes from = as_bytes(bytes);
    std::vector<std::uint8_t> block(from.begin(), from.end());
    MutableBytes input(block);
    drain(input);
    return *this;
  }

  // Feeds the same bytes like a caller that uses the direct buffer, with at most `limit` bytes at a
  // time. Returns the number of bytes that used the direct buffer.
  std::size_t play_directly(std::string_view bytes, std::size_t limit) {
    std::size_t direct_bytes = 0;
    while (!bytes.empty()) {
      const MutableBytes room = session_.direct_buffer();
      if (room.empty()) {
        play(bytes.substr(0, limit));
        bytes.remove_prefix(std::min(limit, bytes.size()));
        continue;
      }
      const std::size_t count = std::min({room.size(), limit, bytes.size()});
      std::copy_n(as_bytes(bytes).begin(), count, room.begin());
      bytes.remove_prefix(count);
      direct_bytes += count;
      session_.received_directly(count);
      MutableBytes nothing;
      drain(nothing);
    }
    return direct_bytes;
  }

  [[nodiscard]] Session& session() { return session_; }
  [[nodiscard]] const Events& events() const { return events_; }
  [[nodiscard]] Outcome outcome() const {
    return {events_, session_.reading(), session_.unfinished(), session_.close_received()};
  }

 private:
  void drain(MutableBytes& input) {
    for (;;) {
      const Event event = session_.next(input, limits_);
      if (event.kind == Event::Kind::kNone) break;
      EXPECT_FALSE(ended_) << "an event after the end";
      record(event);
    }
    EXPECT_TRUE(input.empty()) << "input left after kNone";
  }

  void record(const Event& event) {
    const std::string_view payload = as_text(event.payload);
    switch (event.kind) {
      case Event::Kind::kNone:
        break;
      case Event::Kind::kProxied: {
        const auto source = session_.proxy_source();
        events_.push_back("proxied " + (source ? source->text() : "nobody"));
        break;
      }
      case Event::Kind::kRequest:
        answer(*event.request);
        break;
      case Event::Kind::kResponse:
        events_.emplace_back("response");
        break;
      case Event::Kind::kMessage:
        if (payload == "close!") {
          EXPECT_TRUE(session_.start_close(1000, "bye").has_value());
        }
        // After start_close(): the view remains valid until next().
        events_.push_back(message_word(event.opcode, payload));
        break;
      case Event::Kind::kPing:
        events_.push_back("ping " + payload_word(payload));
        break;
      case Event::Kind::kPong:
        events_.push_back("pong " + payload_word(payload));
        break;
      case Event::Kind::kClose:
        ended_ = true;
        events_.push_back("close " + std::to_string(event.close_code) + " " +
                          payload_word(payload));
        break;
      case Event::Kind::kViolation:
        ended_ = true;
        EXPECT_NE(event.violation, Violation::kNone);
        events_.push_back(violation_word(event.violation));
        break;
      case Event::Kind::kNoMemory:
        ended_ = true;
        events_.emplace_back("no memory");
        break;
    }
  }

  void answer(const HttpRequest& request) {
    events_.push_back("request " + std::string(request.method) + " " + std::string(request.target) +
                      " " + std::string(request.host) +
                      (request.body.empty() ? "" : " with " + payload_word(request.body)));
    if (request.method == "POST" && request.body_due()) {
      session_.read_body();
    } else if (request.find("Upgrade") != nullptr) {
      session_.upgrade();
    } else if (request.path == "/last") {
      session_.finish();
      ended_ = true;
    } else {
      session_.next_request();
    }
  }

  SessionLimits limits_;
  Session session_;
  Events events_;
  bool ended_ = false;
};

// Plays `stream` whole, at every split into two and byte by byte. The results must be equal.
inline Outcome play_every_way(std::string_view stream, const SessionLimits& limits = {},
                              Player::Start start = Player::Start::kOpen) {
  const Outcome whole = Player(limits, start).play(stream).outcome();
  for (std::size_t split = 0; split <= stream.size(); ++split) {
    Player in_two(limits, start);
    in_two.play(stream.substr(0, split)).play(stream.substr(split));
    EXPECT_EQ(in_two.outcome(), whole) << "split at " << split;
  }
  Player bytewise(limits, start);
  for (const char& each : stream) bytewise.play({&each, 1});
  EXPECT_EQ(bytewise.outcome(), whole) << "byte by byte";
  return whole;
}

inline void expect_events(std::string_view stream, const Events& events,
                          const SessionLimits& limits = {},
                          Player::Start start = Player::Start::kOpen) {
  EXPECT_EQ(play_every_way(stream, limits, start).events, events);
}

// Expects that the stream breaks only this rule, and that the session has ended.
inline void expect_violation(std::string_view stream, Violation violation,
                             const SessionLimits& limits = {}) {
  const Outcome outcome = play_every_way(stream, limits);
  EXPECT_EQ(outcome.events, Events{violation_word(violation)});
  EXPECT_FALSE(outcome.reading);
}

}  // namespace wsd::protocol
