// Group 6: UTF-8. Sections 5 and later send the sequences of Markus Kuhn's "UTF-8 decoder
// capability and stress test", in the order of its sections.
#include <initializer_list>
#include <string_view>

#include "conformance/bytes.h"
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

using namespace std::string_view_literals;
using Bytes = std::string_view;

constexpr Bytes kMixed = "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!";
constexpr std::size_t kMixedHalf = 6 + 2 + 1 + 6;
constexpr Bytes kGreek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
constexpr Bytes kSurrogate = "\xed\xa0\x80";
constexpr Bytes kTooLarge = "\xf4\x90\x80\x80";  // U+110000; its second byte makes it invalid
constexpr Bytes kEnd = "edited";

ExpectedClose not_utf8() {
  ExpectedClose close = peer_fails(1007);
  close.wrong_end_is_fatal = true;
  return close;
}

Script echoed(Bytes whole, std::vector<Step> steps) {
  return {.steps = std::move(steps), .ok = {text(std::string(whole))}};
}

Script rejected(std::vector<Step> steps) {
  return {.steps = std::move(steps), .ok = {}, .close = not_utf8()};
}

Script one_frame(Bytes bytes, bool valid) {
  std::vector<Step> steps = {send(kText, std::string(bytes))};
  return valid ? echoed(bytes, std::move(steps)) : rejected(std::move(steps));
}

Script three_parts(Bytes middle) {
  return echoed(middle, {send_part(kText, ""), send_part(kContinuation, std::string(middle)),
                         send(kContinuation, "")});
}

std::string invalid_text(Bytes middle) {
  return std::string(kGreek) + std::string(middle) + std::string(kEnd);
}

Step waits(Step::Kind kind, const char* what, double seconds) {
  return {.kind = kind, .frame = {.payload = what}, .seconds = seconds, .only_if_open = true};
}

Step if_open(Step step) {
  step.only_if_open = true;
  return step;
}

constexpr const char* kFirstTaken = "still open after the valid part";
constexpr const char* kSecondTaken = "still open after the invalid part";

Script fail_fast(std::vector<Step> steps) {
  Script script = rejected(std::move(steps));
  script.ok = {mark(kFirstTaken)};
  script.non_strict = Events{mark(kFirstTaken), mark(kSecondTaken)};
  return script;
}

// The bytes from `bad_from` to `bad_to` are a message part that makes the text invalid. The
// original waits one second after each part. A Ping and its Pong find out sooner whether the
// connection is still open.
Script fail_fast_frames(std::size_t bad_from, std::size_t bad_to) {
  const std::string whole = invalid_text(kTooLarge);
  return fail_fast({send_part(kText, whole.substr(0, bad_from)),
                    waits(Step::Kind::barrier, kFirstTaken, 0),
                    if_open(send_part(kContinuation, whole.substr(bad_from, bad_to - bad_from))),
                    waits(Step::Kind::barrier, kSecondTaken, 0),
                    if_open(send(kContinuation, whole.substr(bad_to)))});
}

// Sends the same parts as pieces of one frame that is not final, and an empty final continuation.
// No Ping may interrupt a frame, so the suite must wait to see whether the connection is still
// open.
Script fail_fast_inside(std::size_t bad_from, std::size_t bad_to) {
  const std::string whole = invalid_text(kTooLarge);
  const auto part = [&](std::size_t from, std::size_t to) {
    return if_open(
        {.kind = Step::Kind::raw_payload, .frame = {.payload = whole.substr(from, to - from)}});
  };
  return fail_fast(
      {{.kind = Step::Kind::raw_header, .frame = {.fin = false}, .count = whole.size()},
       part(0, bad_from),
       waits(Step::Kind::quiet, kFirstTaken, 0.1),
       part(bad_from, bad_to),
       waits(Step::Kind::quiet, kSecondTaken, 1),
       part(bad_to, whole.size()),
       if_open(send(kContinuation))});
}

constexpr const char* kFails = "the peer fails the connection with 1007";
constexpr const char* kFailsAtOnce =
    "the peer fails the connection with 1007 after the second part, not before and not later";

Cases fixed() {
  return {
      {{6, 1, 1}, "an empty text", "its echo", [] { return one_frame("", true); }},
      {{6, 1, 2}, "a text in three empty fragments", "its echo", [] { return three_parts(""); }},
      {{6, 1, 3},
       "a text in three fragments, the outer ones empty",
       "its echo",
       [] { return three_parts("middle frame payload"); }},
      {{6, 2, 1},
       "a text with two-byte characters",
       "its echo",
       [] { return one_frame(kMixed, true); }},
      {{6, 2, 2},
       "a text in two fragments, divided between characters",
       "its echo",
       [] {
         return echoed(kMixed, {send_part(kText, std::string(kMixed.substr(0, kMixedHalf))),
                                send(kContinuation, std::string(kMixed.substr(kMixedHalf)))});
       }},
      {{6, 2, 3},
       "a text in fragments of one byte, then an empty one",
       "its echo",
       [] { return echoed(kMixed, fragmented(kText, kMixed, 1)); }},
      {{6, 2, 4},
       "a Greek text in fragments of one byte, then an empty one",
       "its echo",
       [] { return echoed(kGreek, fragmented(kText, kGreek, 1)); }},
      {{6, 3, 1},
       "a text with a surrogate",
       kFails,
       [] { return one_frame(invalid_text(kSurrogate), false); }},
      {{6, 3, 2},
       "a text with a surrogate in fragments of one byte, then an empty one",
       kFails,
       [] { return rejected(fragmented(kText, invalid_text(kSurrogate), 1)); }},
      {{6, 4, 1},
       "a text in three fragments, the second not UTF-8",
       kFailsAtOnce,
       [] { return fail_fast_frames(kGreek.size(), kGreek.size() + kTooLarge.size()); }},
      {{6, 4, 2},
       "a text in three fragments, the second only the byte that makes it invalid",
       kFailsAtOnce,
       [] { return fail_fast_frames(12, 13); }},
      {{6, 4, 3},
       "a text in one non-final frame, in three pieces, the second not UTF-8; then an empty "
       "fragment",
       kFailsAtOnce,
       [] { return fail_fast_inside(kGreek.size(), kGreek.size() + kTooLarge.size()); }},
      {{6, 4, 4},
       "a text in one non-final frame, in three pieces, the second only the byte that makes it "
       "invalid; then an empty fragment",
       kFailsAtOnce,
       [] { return fail_fast_inside(12, 13); }},
  };
}

struct Sequence {
  bool valid;
  std::string bytes;
};

std::vector<Sequence> all(bool valid, std::initializer_list<Bytes> list) {
  std::vector<Sequence> out;
  for (const Bytes bytes : list) out.push_back({valid, std::string(bytes)});
  return out;
}

std::vector<Sequence> prefixes_of_greek() {
  std::vector<Sequence> out;
  for (std::size_t size = 1; size <= kGreek.size(); ++size) {
    const bool whole = size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
    out.push_back({whole, std::string(kGreek.substr(0, size))});
  }
  return out;
}

std::vector<Sequence> boundaries() {
  std::vector<Sequence> out =
      all(true, {"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"});
  out.push_back({false, "\xf4\x90\x80\x80"});
  return out;
}

std::string bytes_between(int first, int end, Bytes after) {
  std::string out;
  for (int byte = first; byte < end; ++byte) {
    out.push_back(static_cast<char>(byte));
    out.append(after);
  }
  return out;
}

std::vector<Sequence> lone_continuations() {
  std::vector<Sequence> out =
      all(false, {"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf",
                  "\x80\xbf\x80\xbf\x80", "\x80\xbf\x80\xbf\x80\xbf"});
  out.push_back({false, bytes_between(0x80, 0xbf, "")});
  return out;
}

std::vector<Sequence> lone_starts() {
  return {{false, bytes_between(0xc0, 0xdf, " ")},
          {false, bytes_between(0xe0, 0xef, " ")},
          {false, bytes_between(0xf0, 0xf7, " ")},
          {false, bytes_between(0xf8, 0xfb, " ")},
          {false, bytes_between(0xfc, 0xfd, " ")}};
}

std::vector<Sequence> last_byte_missing() {
  return all(false,
             {"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
              "\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf"});
}

std::vector<Sequence> last_byte_missing_joined() {
  std::string joined;
  for (const Sequence& sequence : last_byte_missing()) joined += sequence.bytes;
  return {{false, joined}};
}

// U+FFFE and U+FFFF, and the last two code points of each other plane. They are not characters, but
// their encodings are valid UTF-8.
std::vector<Sequence> noncharacters() {
  std::vector<Sequence> out;
  for (unsigned plane = 0; plane <= 16; ++plane) {
    for (unsigned last = 0xbe; last <= 0xbf; ++last) {
      std::string bytes = "\xef";
      if (plane > 0) {
        bytes = static_cast<char>(0xf0 + plane / 4);
        bytes.push_back(static_cast<char>(0x8f + 0x10 * (plane % 4)));
      }
      bytes.push_back('\xbf');
      bytes.push_back(static_cast<char>(last));
      out.push_back({true, bytes});
    }
  }
  return out;
}

// Returns the sections in order, beginning with 6.5.
std::vector<std::vector<Sequence>> sections() {
  return {
      all(true, {"hello$world", "hello\xc2\xa2world", "hello\xe2\x82\xacworld",
                 "hello\xf0\xa4\xad\xa2world", kGreek}),
      prefixes_of_greek(),
      all(true, {"\x00"sv, "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}),
      all(false, {"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"}),
      all(true, {"\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}),
      all(false, {"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"}),
      boundaries(),
      lone_continuations(),
      lone_starts(),
      last_byte_missing(),
      last_byte_missing_joined(),
      all(false, {"\xfe", "\xff", "\xfe\xfe\xff\xff"}),
      // Overlong encodings of '/', of the largest code point that has a shorter one, and of 0.
      all(false, {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf",
                  "\xfc\x80\x80\x80\x80\xaf"}),
      all(false, {"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf",
                  "\xfc\x83\xbf\xbf\xbf\xbf"}),
      all(false, {"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80",
                  "\xfc\x80\x80\x80\x80\x80"}),
      all(false, {"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80",
                  "\xed\xbe\x80", "\xed\xbf\xbf"}),
      all(false,
          {"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf", "\xed\xad\xbf\xed\xb0\x80",
           "\xed\xad\xbf\xed\xbf\xbf", "\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf",
           "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf"}),
      noncharacters(),
      all(true, {"\xef\xbf\xb9", "\xef\xbf\xba", "\xef\xbf\xbb", "\xef\xbf\xbc", "\xef\xbf\xbd",
                 "\xef\xbf\xbe", "\xef\xbf\xbf"}),
  };
}

}  // namespace

Cases group_6() {
  Cases cases = fixed();
  int section = 4;
  for (const auto& sequences : sections()) {
    ++section;
    int number = 0;
    for (const Sequence& sequence : sequences) {
      cases.push_back({.id = {6, section, ++number},
                       .sends = "the text 0x" + hex(sequence.bytes),
                       .expects = sequence.valid ? "its echo" : kFails,
                       .body = [sequence] { return one_frame(sequence.bytes, sequence.valid); }});
    }
  }
  return cases;
}

}  // namespace wsconform
