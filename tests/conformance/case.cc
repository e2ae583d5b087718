#include "conformance/case.h"

#include <algorithm>
#include <utility>

namespace wsconform {

std::string CaseId::str() const {
  std::string out = std::to_string(group) + '.' + std::to_string(section);
  if (number > 0) out += '.' + std::to_string(number);
  return out;
}

Step send(std::uint8_t opcode, std::string payload, Chop chop) {
  return {.frame = {.opcode = opcode, .payload = std::move(payload)}, .chop = chop};
}

Step send_part(std::uint8_t opcode, std::string payload, Chop chop) {
  return {.frame = {.opcode = opcode, .payload = std::move(payload), .fin = false}, .chop = chop};
}

Step send_rsv(std::uint8_t opcode, std::uint8_t rsv, std::string payload, Chop chop) {
  return {.frame = {.opcode = opcode, .payload = std::move(payload), .rsv = rsv}, .chop = chop};
}

Step send_close_bytes(std::string payload) {
  return {.kind = Step::Kind::close, .frame = {.opcode = kClose, .payload = std::move(payload)}};
}

Step send_close(std::optional<std::uint16_t> code, std::string reason) {
  std::string payload;
  if (code) {
    payload.push_back(static_cast<char>(*code >> 8));
    payload.push_back(static_cast<char>(*code & 0xff));
  }
  return send_close_bytes(payload + reason);
}

std::vector<std::string_view> parts_of(std::string_view payload, std::size_t size) {
  if (size == 0 || payload.size() <= size) return {payload};
  std::vector<std::string_view> parts;
  std::size_t at = 0;
  for (; at + size <= payload.size(); at += size) parts.push_back(payload.substr(at, size));
  parts.push_back(payload.substr(at));
  return parts;
}

std::vector<Step> fragmented(std::uint8_t opcode, std::string_view message, std::size_t size) {
  std::vector<Step> steps;
  for (const std::string_view part : parts_of(message, size)) {
    steps.push_back(send_part(steps.empty() ? opcode : kContinuation, std::string(part)));
  }
  steps.back().frame.fin = true;
  return steps;
}

ExpectedClose peer_fails(std::uint16_t code) {
  return {.by_suite = false, .codes = {code}, .clean = false};
}

}  // namespace wsconform
