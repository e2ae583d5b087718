// The client's role of a session, alone and against a session in the server's role.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame_support.h"
#include "protocol/frame_writer.h"
#include "protocol/masking_keys.h"
#include "protocol/session.h"

namespace wsd::protocol {
namespace {

const std::string kResponse = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

std::string server_frame(Opcode opcode, std::string_view payload) {
  return std::string(as_text(make_frame(opcode, as_bytes(payload)).bytes()));
}

std::string masked(Opcode opcode, std::string_view payload) {
  return std::string(as_text(make_masked_frame(opcode, as_bytes(payload), {1, 2, 3, 4}).bytes()));
}

// Plays a stream in pieces of `piece` bytes to a client, which upgrades at the response.
Events play(std::string_view stream, std::size_t piece, const SessionLimits& limits = {}) {
  MaskingKeys keys;
  Session session(limits);
  session.begin_client(keys, limits);
  Events events;
  while (!stream.empty()) {
    std::string block(stream.substr(0, piece));
    stream.remove_prefix(block.size());
    MutableBytes input(reinterpret_cast<std::uint8_t*>(block.data()), block.size());
    for (;;) {
      const Event event = session.next(input, limits);
      if (event.kind == Event::Kind::kNone) break;
      switch (event.kind) {
        case Event::Kind::kResponse:
          events.push_back("response " + std::to_string(session.response().status));
          session.upgrade();
          break;
        case Event::Kind::kMessage:
          events.push_back(message_word(event.opcode, as_text(event.payload)));
          break;
        case Event::Kind::kPing:
          events.push_back("ping " + payload_word(as_text(event.payload)));
          break;
        case Event::Kind::kClose:
          events.push_back("close " + std::to_string(event.close_code));
          break;
        case Event::Kind::kViolation:
          events.push_back(violation_word(event.violation));
          break;
        default:
          events.emplace_back("other");
      }
    }
  }
  return events;
}

void expect_client_events(std::string_view stream, const Events& events,
                          const SessionLimits& limits = {}) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{50}, stream.size()}) {
    EXPECT_EQ(play(stream, piece, limits), events) << "in pieces of " << piece;
  }
}

TEST(SessionClient, FramesInTheSameInputAsTheResponse) {
  expect_client_events(kResponse + server_frame(Opcode::kText, "Hello") +
                           server_frame(Opcode::kBinary, std::string(70'000, 'b')) +
                           server_frame(Opcode::kPing, "p") +
                           server_frame(Opcode::kClose, close_body(1000)),
                       {"response 101", "text Hello", binary_word(std::string(70'000, 'b')),
                        "ping p", "close 1000"});
}

TEST(SessionClient, Rfc6455_5_1_MaskedFramesFail) {
  const Events events = {"response 101", "violation Masked"};
  expect_client_events(kResponse + masked(Opcode::kText, "Hello"), events);
  expect_client_events(kResponse + masked(Opcode::kPing, ""), events);
  expect_client_events(kResponse + masked(Opcode::kBinary, std::string(70'000, 'b')), events);
}

TEST(SessionClient, RulesOfFramesHold) {
  const SessionLimits limits{.head = {}, .message = {.max_message_bytes = 10}};
  const auto expect = [&](const std::string& frame, const char* violation) {
    expect_client_events(kResponse + frame, {"response 101", violation}, limits);
  };
  expect(server_frame(Opcode::kText, "\xff"), "violation TextNotUtf8");
  expect(server_frame(Opcode::kText, "12345678901"), "violation MessageTooBig");
  expect(server_frame(static_cast<Opcode>(3), ""), "violation ReservedOpcode");
  expect(server_frame(Opcode::kClose, "x"), "violation ClosePayloadTooShort");
  expect(std::string("\x91\x00", 2), "violation ReservedBit");
}

TEST(SessionClient, ABadResponseIsAViolation) {
  expect_client_events("SSH-2.0", {"violation BadStatusLine"});
  expect_client_events("HTTP/1.1 101 x\r\nA b\r\n\r\n", {"violation BadFieldName"});
}

TEST(SessionClient, HoldsAnIncompleteResponse) {
  MaskingKeys keys;
  Session session({});
  session.begin_client(keys, {});
  EXPECT_TRUE(session.is_client());
  EXPECT_FALSE(session.unfinished());
  EXPECT_EQ(session.held_bytes(), 0U);
  EXPECT_FALSE(session.fast_path_ready());
  std::string half = kResponse.substr(0, 40);
  MutableBytes input(reinterpret_cast<std::uint8_t*>(half.data()), half.size());
  EXPECT_EQ(session.next(input, {}).kind, Event::Kind::kNone);
  EXPECT_TRUE(session.unfinished());
  EXPECT_GE(session.held_bytes(), 40U);
  EXPECT_FALSE(session.in_body());
  EXPECT_FALSE(session.asks_head());
  session.finish();
  session.release();
  EXPECT_EQ(session.held_bytes(), 0U);
  EXPECT_TRUE(session.start_close(1000, "").has_value()) << "a released client still has keys";
}

TEST(SessionClient, Rfc6455_5_3_ControlFramesAreMaskedWithFreshKeys) {
  MaskingKeys keys;
  Session session({});
  session.begin_client(keys, {});
  session.upgrade();
  const ControlFrame first = session.control_frame(Opcode::kPing, as_bytes("same"));
  const ControlFrame second = session.control_frame(Opcode::kPing, as_bytes("same"));
  EXPECT_EQ(first.size, 2 + 4 + 4);
  EXPECT_NE(first.storage, second.storage);
  expect_events(std::string(as_text(first.bytes())) + std::string(as_text(second.bytes())),
                {"ping same", "ping same"});
  const auto close = session.start_close(1000, std::string(200, 'r'));
  ASSERT_TRUE(close);
  EXPECT_EQ(close->size, 2 + 4 + 125);
  expect_events(std::string(as_text(close->bytes())), {"close 1000 " + std::string(123, 'r')});
}

TEST(SessionClient, AServerSendsControlFramesUnmasked) {
  Session session({});
  session.upgrade();
  EXPECT_EQ(as_text(session.control_frame(Opcode::kPong, as_bytes("p")).bytes()),
            as_text(make_control_frame(Opcode::kPong, as_bytes("p")).bytes()));
}

// One end of the simulated pair below.
struct End {
  Session session{SessionLimits{}};
  std::string arriving;          // in the network
  std::deque<std::string> sent;  // and not received by the other end yet
  bool closed = false;
};

// Both roles exchange random messages in random pieces, with compression in half of the runs. Each
// end must receive what the other one has sent, in its order, and both must see the Close.
class SessionPair {
 public:
  explicit SessionPair(unsigned seed) : random_(seed), pool_(1) {
    client_.session.begin_client(keys_, {});
    std::string request = upgrade_request();
    MutableBytes input(reinterpret_cast<std::uint8_t*>(request.data()), request.size());
    EXPECT_EQ(server_.session.next(input, {}).kind, Event::Kind::kRequest);
    client_.arriving = kResponse;
    deflates_ = have_deflate() && draw(2) == 0;
    if (!deflates_) {
      server_.session.upgrade();
    } else {
      terms_.server_no_context_takeover = draw(2) == 0;
      terms_.client_no_context_takeover = draw(2) == 0;
      server_.session.upgrade(terms_, pool_);
    }
  }

  void run() {
    for (int step = 0; step < 400; ++step) {
      pool_.end_turn(false);
      End& from = draw(2) == 0 ? client_ : server_;
      if (draw(3) == 0) send(from);
      receive(from);
      if (step == 300) close(draw(2) == 0 ? client_ : server_);
    }
    while (!client_.arriving.empty() || !server_.arriving.empty() || client_.session.inflating() ||
           server_.session.inflating()) {
      pool_.end_turn(false);
      receive(client_);
      receive(server_);
    }
    EXPECT_TRUE(client_.closed && server_.closed);
    EXPECT_TRUE(client_.session.close_sent() && server_.session.close_sent());
  }

 private:
  std::size_t draw(std::size_t below) { return random_() % below; }
  End& other(const End& end) { return &end == &client_ ? server_ : client_; }

  void send(End& from) {
    const bool ready = &from == &server_ || upgraded_;
    if (!ready || from.session.close_sent() || !from.session.reading()) return;
    const bool text = draw(2) == 0;
    std::string payload(draw(10) == 0 ? draw(100'000) : draw(200), text ? 'a' : '\xff');
    for (std::size_t i = 0; i < payload.size(); i += 1 + draw(5)) payload[i] = 'z';
    const Opcode opcode = text ? Opcode::kText : Opcode::kBinary;
    Bytes bytes = as_bytes(payload);
    bool compressed = false;
    if (Compression* const compression = from.session.compression()) {
      const Bytes deflated = compression->deflate(bytes);
      compressed = !deflated.empty();
      if (compressed) bytes = deflated;
    }
    const SharedBytes frame =
        from.session.is_client()
            ? make_masked_frame(opcode, bytes, from.session.next_key(), compressed)
            : make_frame(opcode, bytes, compressed);
    other(from).arriving += as_text(frame.bytes());
    from.sent.push_back(message_word(opcode, payload));
  }

  void close(End& from) {
    if (&from == &client_ && !upgraded_) return close(server_);
    if (const auto frame = from.session.start_close(1000, "")) {
      other(from).arriving += as_text(frame->bytes());
    }
  }

  void receive(End& end) {
    std::string block;
    if (!end.session.inflating()) {
      block = end.arriving.substr(0, 1 + draw(draw(2) == 0 ? 20 : 50'000));
      end.arriving.erase(0, block.size());
    }
    if (Compression* const compression = end.session.compression()) {
      compression->pool().begin_inflating();
    }
    MutableBytes input(reinterpret_cast<std::uint8_t*>(block.data()), block.size());
    for (;;) {
      const Event event = end.session.next(input, {});
      if (event.kind == Event::Kind::kNone) return;
      on_event(end, event);
    }
  }

  void on_event(End& end, const Event& event) {
    End& from = other(end);
    switch (event.kind) {
      case Event::Kind::kResponse: {
        upgraded_ = true;
        DeflateParameters mine = terms_;
        std::swap(mine.server_no_context_takeover, mine.client_no_context_takeover);
        std::swap(mine.server_max_window_bits, mine.client_max_window_bits);
        if (deflates_) {
          end.session.upgrade(mine, pool_);
        } else {
          end.session.upgrade();
        }
        break;
      }
      case Event::Kind::kMessage:
        ASSERT_FALSE(from.sent.empty());
        EXPECT_EQ(message_word(event.opcode, as_text(event.payload)), from.sent.front());
        from.sent.pop_front();
        break;
      case Event::Kind::kClose:
        end.closed = true;
        close(end);
        break;
      default:
        ADD_FAILURE() << "event " << static_cast<int>(event.kind) << " "
                      << violation_name(event.violation);
        end.arriving.clear();
    }
  }

  std::minstd_rand random_;
  MaskingKeys keys_;
  DeflatePool pool_;
  DeflateParameters terms_;
  bool deflates_ = false;
  bool upgraded_ = false;
  End client_;
  End server_;
};

TEST(SessionClient, BothRolesUnderstandEachOther) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    SessionPair(seed).run();
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace wsd::protocol
