// Group 7: the closing handshake, begun by the suite.
#include "conformance/bytes.h"
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

const std::string kHello = "Hello World!";

// Expects only the reply to the Close, with one of the codes or without a code.
Script closing(std::vector<Step> steps, std::vector<std::uint16_t> codes = {1000},
               bool clean = true) {
  return {.steps = std::move(steps),
          .ok = {},
          .close = {.codes = std::move(codes), .clean = clean, .wrong_code_is_fatal = true},
          .close_when_matched = false};
}

Script message_then_close() {
  return {
      .steps = {send(kText, kHello)}, .ok = {text(kHello)}, .close = {.wrong_code_is_fatal = true}};
}

Script close_inside_message() {
  return closing(
      {send_part(kText, "fragment1"), send_close(1000), send(kContinuation, "fragment2")});
}

Script messages_then_close() {
  const std::string large = repeated("BAsd7&jh23", 256 * 1024);
  Script script = closing({send(kText, large), send(kText, kHello), send_close(1000), send(kPing)});
  script.ok = {text(large), text(kHello)};
  script.informational = true;
  return script;
}

Script bad_reason() {
  return closing({send_close(1000,
                             "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65\x64\x69"
                             "\x74\x65\x64")},
                 {1002, 1007}, false);
}

Script valid_code(std::uint16_t code) { return closing({send_close(code)}, {1000, code}); }

Script invalid_code(std::uint16_t code) { return closing({send_close(code)}, {1002}, false); }

Script unknown_code(std::uint16_t code) {
  Script script = closing({send_close(code)}, {1000, code, 1002}, false);
  script.informational = true;
  return script;
}

constexpr std::uint16_t kValid[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009,
                                    1010, 1011, 3000, 3999, 4000, 4999};
constexpr std::uint16_t kInvalid[] = {0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999};

constexpr const char* kReply = "a Close with 1000, the end of the connection, and nothing else";
constexpr const char* kFails = "a Close with 1002, or the end of the connection";

Cases fixed() {
  return {
      {{7, 1, 1}, "a text, then a Close", "the echo, then a Close with 1000", message_then_close},
      {{7, 1, 2},
       "two Closes",
       kReply,
       [] {
         return closing({send_close(1000), send(kClose)});
       }},
      {{7, 1, 3},
       "a Close, then a Ping",
       kReply,
       [] {
         return closing({send_close(1000), send(kPing)});
       }},
      {{7, 1, 4},
       "a Close, then a text",
       kReply,
       [] {
         return closing({send_close(1000), send(kText, kHello)});
       }},
      {{7, 1, 5}, "a Close inside a fragmented message", kReply, close_inside_message},
      {{7, 1, 6},
       "a text of 256 KiB, a short text, a Close and a Ping",
       "not defined by RFC 6455: the peer may send the Close before the echoes",
       messages_then_close},
      {{7, 3, 1}, "an empty Close", kReply, [] { return closing({send_close({})}); }},
      {{7, 3, 2},
       "a Close of one byte",
       kFails,
       [] { return closing({send_close_bytes("a")}, {1002}, false); }},
      {{7, 3, 3}, "a Close with a code", kReply, [] { return closing({send_close(1000)}); }},
      {{7, 3, 4},
       "a Close with a code and a reason",
       kReply,
       [] { return closing({send_close(1000, kHello)}); }},
      {{7, 3, 5},
       "a Close with a reason of 123 bytes",
       kReply,
       [] { return closing({send_close(1000, repeated("*", 123))}); }},
      {{7, 3, 6},
       "a Close with a reason of 124 bytes",
       kFails,
       [] { return closing({send_close(1000, repeated("*", 124))}, {1002}, false); }},
      {{7, 5, 1},
       "a Close with a reason that is not UTF-8",
       "a Close with 1002 or 1007, or the end of the connection",
       bad_reason},
  };
}

}  // namespace

Cases group_7() {
  Cases cases = fixed();
  const auto codes = [&](int section, auto& list, const char* expects, auto make) {
    int number = 0;
    for (const std::uint16_t code : list) {
      cases.push_back({.id = {7, section, ++number},
                       .sends = "a Close with the code " + std::to_string(code),
                       .expects = expects,
                       .body = [make, code] { return make(code); }});
    }
  };
  constexpr std::uint16_t kUnknown[] = {5000, 65535};
  codes(7, kValid, "a Close with this code or 1000, and the end of the connection", valid_code);
  codes(9, kInvalid, kFails, invalid_code);
  codes(13, kUnknown, "not defined by RFC 6455", unknown_code);
  return cases;
}

}  // namespace wsconform
