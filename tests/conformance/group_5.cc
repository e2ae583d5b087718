// Group 5: fragmented messages, and frames that must not be fragmented.
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

Script fragmented_control(std::uint8_t opcode) {
  return {.steps = {send_part(opcode, "fragment1"), send(kContinuation, "fragment2")},
          .ok = {},
          .close = peer_fails(1002)};
}

Script two_parts(Chop chop) {
  return {.steps = {send_part(kText, "fragment1", chop), send(kContinuation, "fragment2", chop)},
          .ok = {text("fragment1fragment2")}};
}

Script ping_between(Chop chop) {
  return {.steps = {send_part(kText, "fragment1", chop), send(kPing, "ping payload", chop),
                    send(kContinuation, "fragment2", chop)},
          .ok = {pong("ping payload"), text("fragment1fragment2")}};
}

Script nothing_to_continue(bool fin, Chop chop) {
  Step first = send(kContinuation, "non-continuation payload", chop);
  first.frame.fin = fin;
  return {
      .steps = {first, send(kText, "Hello, world!", chop)}, .ok = {}, .close = peer_fails(1002)};
}

Script message_then_nothing_to_continue() {
  return {.steps = {send_part(kText, "fragment1"), send(kContinuation, "fragment2"),
                    send_part(kContinuation, "fragment3"), send(kText, "fragment4")},
          .ok = {text("fragment1fragment2")},
          .non_strict = Events{},
          .close = peer_fails(1002)};
}

Script continuation_then_message_twice(bool fin) {
  Script script{.steps = {}, .ok = {}, .close = peer_fails(1002)};
  for (int i = 0; i < 2; ++i) {
    script.steps.push_back(send(kContinuation, "fragment1"));
    script.steps.back().frame.fin = fin;
    script.steps.push_back(send_part(kText, "fragment2"));
    script.steps.push_back(send(kContinuation, "fragment3"));
  }
  return script;
}

Script text_in_text() {
  return {.steps = {send_part(kText, "fragment1"), send(kText, "fragment2")},
          .ok = {},
          .close = peer_fails(1002)};
}

// Sends the second half after the Pong for the first Ping. The original waits one second instead.
Script pings_and_pauses(Chop chop) {
  return {.steps = {send_part(kText, "fragment1", chop),
                    send_part(kContinuation, "fragment2", chop),
                    send(kPing, "pongme 1!", chop),
                    {.kind = Step::Kind::events, .count = 1},
                    send_part(kContinuation, "fragment3", chop),
                    send_part(kContinuation, "fragment4", chop),
                    send(kPing, "pongme 2!", chop),
                    send(kContinuation, "fragment5", chop)},
          .ok = {pong("pongme 1!"), pong("pongme 2!"),
                 text("fragment1fragment2fragment3fragment4fragment5")}};
}

constexpr const char* kFails = "the peer fails the connection with 1002";

}  // namespace

Cases group_5() {
  return {
      {{5, 1}, "a Ping in two fragments", kFails, [] { return fragmented_control(kPing); }},
      {{5, 2}, "a Pong in two fragments", kFails, [] { return fragmented_control(kPong); }},
      {{5, 3}, "a text in two fragments", "its echo", [] { return two_parts(kTogether); }},
      {{5, 4},
       "a text in two fragments, frame by frame",
       "its echo",
       [] { return two_parts(kFrameWise); }},
      {{5, 5},
       "a text in two fragments, octet by octet",
       "its echo",
       [] { return two_parts(kOctetWise); }},
      {{5, 6},
       "a text in two fragments, a Ping in between",
       "the Pong, then the echo",
       [] { return ping_between(kTogether); }},
      {{5, 7},
       "a text in two fragments, a Ping in between, frame by frame",
       "the Pong, then the echo",
       [] { return ping_between(kFrameWise); }},
      {{5, 8},
       "a text in two fragments, a Ping in between, octet by octet",
       "the Pong, then the echo",
       [] { return ping_between(kOctetWise); }},
      {{5, 9},
       "a final continuation without a message, then a text",
       kFails,
       [] { return nothing_to_continue(true, kTogether); }},
      {{5, 10},
       "a final continuation without a message, then a text, frame by frame",
       kFails,
       [] { return nothing_to_continue(true, kFrameWise); }},
      {{5, 11},
       "a final continuation without a message, then a text, octet by octet",
       kFails,
       [] { return nothing_to_continue(true, kOctetWise); }},
      {{5, 12},
       "a continuation without a message, then a text",
       kFails,
       [] { return nothing_to_continue(false, kTogether); }},
      {{5, 13},
       "a continuation without a message, then a text, frame by frame",
       kFails,
       [] { return nothing_to_continue(false, kFrameWise); }},
      {{5, 14},
       "a continuation without a message, then a text, octet by octet",
       kFails,
       [] { return nothing_to_continue(false, kOctetWise); }},
      {{5, 15},
       "a text in two fragments, a continuation without a message, a text",
       "the echo of the first text, then the peer fails the connection with 1002",
       message_then_nothing_to_continue},
      {{5, 16},
       "twice: a continuation without a message, then a text in two fragments",
       kFails,
       [] { return continuation_then_message_twice(false); }},
      {{5, 17},
       "twice: a final continuation without a message, then a text in two fragments",
       kFails,
       [] { return continuation_then_message_twice(true); }},
      {{5, 18},
       "a text in two fragments, the second with the opcode of a text",
       kFails,
       text_in_text},
      {{5, 19},
       "a text in five fragments with two Pings, a pause after the first",
       "each Pong before the message is complete, then the echo",
       [] { return pings_and_pauses(kTogether); }},
      {{5, 20},
       "a text in five fragments with two Pings, a pause after the first, frame by frame",
       "each Pong before the message is complete, then the echo",
       [] { return pings_and_pauses(kFrameWise); }},
  };
}

}  // namespace wsconform
