// Group 3: reserved bits without an extension that defines them.
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

const std::string kHello = "Hello, world!";
const std::string kNoText("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8);

Script alone(std::uint8_t opcode, std::uint8_t rsv, const std::string& payload) {
  return {.steps = {send_rsv(opcode, rsv, payload)}, .ok = {}, .close = peer_fails(1002)};
}

Script after_message(std::uint8_t rsv, Chop chop) {
  return {.steps = {send(kText, kHello, chop), send_rsv(kText, rsv, kHello, chop),
                    send(kPing, "", chop)},
          .ok = {text(kHello)},
          .non_strict = Events{},
          .close = peer_fails(1002)};
}

constexpr const char* kFails = "the peer fails the connection with 1002";
constexpr const char* kEchoThenFails =
    "the echo of the first message, then the peer fails the connection with 1002; no Pong";

}  // namespace

Cases group_3() {
  return {
      {{3, 1}, "a text with reserved bits 1", kFails, [] { return alone(kText, 1, kHello); }},
      {{3, 2},
       "a text, a text with reserved bits 2, a Ping",
       kEchoThenFails,
       [] { return after_message(2, kTogether); }},
      {{3, 3},
       "a text, a text with reserved bits 3, a Ping, frame by frame",
       kEchoThenFails,
       [] { return after_message(3, kFrameWise); }},
      {{3, 4},
       "a text, a text with reserved bits 4, a Ping, octet by octet",
       kEchoThenFails,
       [] { return after_message(4, kOctetWise); }},
      {{3, 5}, "a binary with reserved bits 5", kFails, [] { return alone(kBinary, 5, kNoText); }},
      // The title in the original says Ping, but its frame has the binary opcode.
      {{3, 6}, "a binary with reserved bits 6", kFails, [] { return alone(kBinary, 6, kHello); }},
      {{3, 7}, "a Close with reserved bits 7", kFails, [] { return alone(kClose, 7, ""); }},
  };
}

}  // namespace wsconform
