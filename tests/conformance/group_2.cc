// Group 2: Pings and Pongs.
#include "conformance/bytes.h"
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

Script ping(const std::string& payload, Chop chop = {}) {
  return {.steps = {send(kPing, payload, chop)}, .ok = {pong(payload)}};
}

Script too_long() {
  return {.steps = {send(kPing, repeated("\xfe", 126))}, .ok = {}, .close = peer_fails(1002)};
}

Script lone_pong(const std::string& payload) {
  return {.steps = {send(kPong, payload), send_close(1000)}, .ok = {}};
}

Script pong_then_ping() {
  return {.steps = {send(kPong, "unsolicited pong payload"), send(kPing, "ping payload")},
          .ok = {pong("ping payload")}};
}

Script ten(Chop chop) {
  Script script;
  for (int i = 0; i < 10; ++i) {
    const std::string payload = "payload-" + std::to_string(i);
    script.steps.push_back(send(kPing, payload, chop));
    script.ok.push_back(pong(payload));
  }
  script.limit_s = 3;
  return script;
}

const std::string kNoText("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8);

}  // namespace

Cases group_2() {
  return {
      {{2, 1}, "an empty Ping", "its Pong", [] { return ping(""); }},
      {{2, 2}, "a Ping with text", "its Pong", [] { return ping("Hello, world!"); }},
      {{2, 3}, "a Ping with bytes that are not UTF-8", "its Pong", [] { return ping(kNoText); }},
      {{2, 4}, "a Ping of 125 bytes", "its Pong", [] { return ping(repeated("\xfe", 125)); }},
      {{2, 5}, "a Ping of 126 bytes", "the peer fails the connection with 1002", too_long},
      {{2, 6},
       "a Ping of 125 bytes, octet by octet",
       "its Pong",
       [] { return ping(repeated("\xfe", 125), kOctetWise); }},
      {{2, 7},
       "an empty Pong, then a Close",
       "a Close with 1000 and nothing else",
       [] { return lone_pong(""); }},
      {{2, 8},
       "a Pong with text, then a Close",
       "a Close with 1000 and nothing else",
       [] { return lone_pong("unsolicited pong payload"); }},
      {{2, 9}, "a Pong, then a Ping", "only the Pong for the Ping", pong_then_ping},
      {{2, 10}, "10 Pings", "their Pongs, in order", [] { return ten(kTogether); }},
      {{2, 11},
       "10 Pings, octet by octet",
       "their Pongs, in order",
       [] { return ten(kOctetWise); }},
  };
}

}  // namespace wsconform
