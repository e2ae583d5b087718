#include "engine/fake_reply.h"

namespace wsd::engine {

void FakeReply::append_to(std::string& out, int protocol) const {
  switch (type) {
    case Type::kNone:
      return;
    case Type::kStatus:
      out += "+" + text + "\r\n";
      return;
    case Type::kError:
      out += "-" + text + "\r\n";
      return;
    case Type::kNumber:
      out += ":" + std::to_string(number) + "\r\n";
      return;
    case Type::kBulk:
      out += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
      return;
    case Type::kVerbatim:
      out += protocol == 3 ? "=" + std::to_string(text.size() + 4) + "\r\ntxt:"
                           : "$" + std::to_string(text.size()) + "\r\n";
      out += text + "\r\n";
      return;
    case Type::kNull:
      out += protocol == 3 ? "_\r\n" : "$-1\r\n";
      return;
    case Type::kArray:
      out += "*" + std::to_string(items.size()) + "\r\n";
      break;
    case Type::kMap:
      out += protocol == 3 ? "%" + std::to_string(items.size() / 2) + "\r\n"
                           : "*" + std::to_string(items.size()) + "\r\n";
      break;
  }
  for (const FakeReply& each : items) each.append_to(out, protocol);
}

}  // namespace wsd::engine
