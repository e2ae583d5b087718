#include "support/wire.h"

#include <algorithm>
#include <array>

namespace e2e {
namespace {

constexpr std::array<unsigned char, 4> kMaskingKey{0x37, 0xfa, 0x21, 0x3d};

void append_number(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

LengthForm minimal_form(std::uint64_t length) {
  if (length <= 125) return LengthForm::k7;
  return length <= 65535 ? LengthForm::k16 : LengthForm::k64;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string frame(const FrameSpec& spec) {
  const std::uint64_t length = spec.claimed_length.value_or(spec.payload.size());
  const LengthForm form = spec.form == LengthForm::kMinimal ? minimal_form(length) : spec.form;
  const unsigned mask_bit = spec.mask ? 0x80U : 0U;
  std::string out;
  out.reserve(spec.payload.size() + 14);
  out.push_back(static_cast<char>((spec.fin ? 0x80U : 0U) | (static_cast<unsigned>(spec.rsv) << 4) |
                                  static_cast<unsigned>(spec.opcode)));
  if (form == LengthForm::k7) {
    out.push_back(static_cast<char>(mask_bit | (length & 0x7f)));
  } else {
    out.push_back(static_cast<char>(mask_bit | (form == LengthForm::k16 ? 126U : 127U)));
    append_number(out, length, form == LengthForm::k16 ? 2 : 8);
  }
  if (!spec.mask) return out + spec.payload;
  for (const unsigned char byte : kMaskingKey) out.push_back(static_cast<char>(byte));
  for (std::size_t i = 0; i < spec.payload.size(); ++i) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(spec.payload[i]) ^
                                    kMaskingKey[i % kMaskingKey.size()]));
  }
  return out;
}

std::string text_frame(std::string_view payload, bool fin) {
  return frame({.opcode = kText, .payload = std::string(payload), .fin = fin});
}

std::string binary_frame(std::string_view payload, bool fin) {
  return frame({.opcode = kBinary, .payload = std::string(payload), .fin = fin});
}

std::string continuation_frame(std::string_view payload, bool fin) {
  return frame({.opcode = kContinuation, .payload = std::string(payload), .fin = fin});
}

std::string ping_frame(std::string_view payload) {
  return frame({.opcode = kPing, .payload = std::string(payload)});
}

std::string pong_frame(std::string_view payload) {
  return frame({.opcode = kPong, .payload = std::string(payload)});
}

std::string close_payload(unsigned code, std::string_view reason) {
  std::string payload;
  append_number(payload, code, 2);
  payload += reason;
  return payload;
}

std::string close_frame(unsigned code, std::string_view reason) {
  return frame({.opcode = kClose, .payload = close_payload(code, reason)});
}

unsigned Frame::close_code() const {
  if (payload.size() < 2) return 0;
  return static_cast<unsigned>(static_cast<unsigned char>(payload[0])) << 8 |
         static_cast<unsigned char>(payload[1]);
}

std::string Frame::describe() const {
  static constexpr std::array<const char*, 16> kNames{
      "continuation", "text",       "binary",     "reserved3", "reserved4", "reserved5",
      "reserved6",    "reserved7",  "close",      "ping",      "pong",      "reserved11",
      "reserved12",   "reserved13", "reserved14", "reserved15"};
  std::string out = kNames[static_cast<std::size_t>(opcode)];
  if (!fin) out += " without FIN";
  if (rsv != 0) out += " with RSV " + std::to_string(rsv);
  if (masked) out += ", masked";
  if (opcode == kClose) out += " " + std::to_string(close_code());
  return out + " of " + std::to_string(payload.size()) + " bytes: " + printable(payload);
}

RequestText RequestText::upgrade(std::string_view target) {
  RequestText request = get(target);
  request.add("Upgrade", "websocket")
      .add("Connection", "Upgrade")
      .add("Sec-WebSocket-Key", kSampleKey)
      .add("Sec-WebSocket-Version", "13");
  return request;
}

RequestText RequestText::get(std::string_view target) {
  RequestText request;
  request.line_ = "GET " + std::string(target) + " HTTP/1.1";
  request.add("Host", "localhost");
  return request;
}

RequestText& RequestText::line(std::string_view request_line) {
  line_ = request_line;
  return *this;
}

RequestText& RequestText::set(std::string_view name, std::string_view value) {
  for (auto& [field, content] : fields_) {
    if (equals_without_case(field, name)) {
      content = value;
      return *this;
    }
  }
  return add(name, value);
}

RequestText& RequestText::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, value);
  return *this;
}

RequestText& RequestText::raw(std::string_view field_line) {
  fields_.emplace_back(std::string(), field_line);
  return *this;
}

RequestText& RequestText::remove(std::string_view name) {
  std::erase_if(fields_, [&](const auto& field) { return equals_without_case(field.first, name); });
  return *this;
}

std::string RequestText::text() const {
  std::string out = line_ + "\r\n";
  for (const auto& [name, value] : fields_) {
    if (!name.empty()) out += name + ": ";
    out += value + "\r\n";
  }
  return out + "\r\n";
}

bool equals_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool HttpResponse::has(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return equals_without_case(header.first, name); });
}

std::string HttpResponse::get(std::string_view name) const {
  std::string out;
  for (const auto& [field, value] : headers) {
    if (!equals_without_case(field, name)) continue;
    if (!out.empty()) out += ", ";
    out += value;
  }
  return out;
}

bool HttpResponse::has_token(std::string_view name, std::string_view token) const {
  const std::string list = get(name);
  std::string_view rest = list;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    if (equals_without_case(trim(rest.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return false;
}

std::string HttpResponse::describe() const {
  std::string out = version + " " + std::to_string(status) + " " + reason;
  for (const auto& [name, value] : headers) out += " | " + name + ": " + value;
  return out + " | body: " + printable(body);
}

std::optional<HttpResponse> parse_response_head(std::string_view head) {
  HttpResponse response;
  bool first = true;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.empty()) return first || !head.empty() ? std::nullopt : std::optional(response);
    if (line.find_first_of("\r\n") != std::string_view::npos) return std::nullopt;
    if (first) {
      if (line.size() < 13 || !line.starts_with("HTTP/1.") || line[8] != ' ' || line[12] != ' ') {
        return std::nullopt;
      }
      response.version = line.substr(0, 8);
      for (const char digit : line.substr(9, 3)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        response.status = response.status * 10 + (digit - '0');
      }
      response.reason = line.substr(13);
      first = false;
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
    response.headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return std::nullopt;
}

std::string printable(std::string_view bytes) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::size_t kEnough = 300;
  std::string out;
  for (const char c : bytes.substr(0, kEnough)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out.push_back(c);
    } else {
      out += "\\x";
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return bytes.size() > kEnough ? out + "..." : out;
}

}  // namespace e2e
