#include "server/presence_encoder.h"

#include <new>
#include <utility>

#include "base/bytes.h"
#include "protocol/frame_writer.h"
#include "protocol/utf8.h"

namespace wsd {
namespace {

void append_code_unit(std::string& out, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u00";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

// Appends a JSON string (RFC 8259 §7). JSON is UTF-8 (§8.1), so the bytes of another text become
// the code points of their numbers.
void append_json(std::string& out, std::string_view text) {
  const bool utf8 = protocol::is_utf8(as_bytes(text));
  out += '"';
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (each == '"' || each == '\\') {
      out += '\\';
      out += each;
    } else if (byte < 0x20 || byte == 0x7F || (byte > 0x7F && !utf8)) {
      append_code_unit(out, byte);
    } else {
      out += each;
    }
  }
  out += '"';
}

}  // namespace

std::string presence_text(const PresenceEvent& event) {
  std::string text = R"({"type":)";
  text += event.kind == PresenceKind::kJoined ? R"("joined")" : R"("left")";
  text += R"(,"room":)";
  append_json(text, event.room);
  text += R"(,"member":)";
  append_json(text, event.member);
  text += R"(,"info":)";
  append_json(text, event.info);
  text += '}';
  return text;
}

namespace server {

SharedBytes PresenceEncoder::presence_frame(const PresenceEvent& event) {
  std::string text;
  if (text_) {
    try {
      text = text_(event);
    } catch (...) {  // also std::bad_alloc: the shard would call it again without end
      log_exception_();
      return {};
    }
  } else {
    text = presence_text(event);  // if memory runs out, the shard tries again
  }
  const Bytes payload = as_bytes(text);
  if (text.empty() || text.size() > max_bytes_ || !protocol::is_utf8(payload)) return {};
  SharedBytes frame = protocol::make_frame(protocol::Opcode::kText, payload);
  if (!frame) throw std::bad_alloc();
  return frame;
}

bool is_member_info(std::string_view info) noexcept {
  return info.size() <= kMaxMemberInfoBytes && protocol::is_utf8(as_bytes(info));
}

}  // namespace server
}  // namespace wsd
