#include "sim/stamp.h"

#include <cstdio>

namespace wsd::sim {
namespace {

char filler(const Stamp& stamp, std::size_t at) noexcept {
  return static_cast<char>('A' +
                           (at * 7 + stamp.number * 3 + static_cast<std::size_t>(stamp.from)) % 26);
}

}  // namespace

std::string stamped(const Stamp& stamp, std::size_t size) {
  std::string text{static_cast<char>(stamp.kind), stamp.room};
  text += ' ' + std::to_string(stamp.from) + ' ' + std::to_string(stamp.to) + ' ' +
          std::to_string(stamp.number) + ' ';
  while (text.size() < size) text += filler(stamp, text.size());
  return text;
}

std::optional<Stamp> read_stamp(std::string_view text) {
  // A bounded copy. The longest stamp is far shorter.
  const std::string head(text.substr(0, 64));
  Stamp stamp;
  char kind = 0;
  int used = 0;
  if (std::sscanf(head.c_str(), "%c%c %d %d %u %n", &kind, &stamp.room, &stamp.from, &stamp.to,
                  &stamp.number, &used) != 5) {
    return std::nullopt;
  }
  stamp.kind = static_cast<Stamp::Kind>(kind);
  const std::string begin = stamped(stamp, 0);
  if (text.substr(0, begin.size()) != begin) return std::nullopt;
  for (std::size_t i = begin.size(); i < text.size(); ++i) {
    if (text[i] != filler(stamp, i)) return std::nullopt;
  }
  return stamp;
}

}  // namespace wsd::sim
