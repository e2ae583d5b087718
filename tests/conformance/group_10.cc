// Group 10: a message in fragments. Their size does not divide its length.
#include "conformance/bytes.h"
#include "conformance/catalogue.h"

namespace wsconform {

Cases group_10() {
  const auto script = [] {
    const std::string message = repeated("*", 65536);
    return Script{.steps = fragmented(kText, message, 1300), .ok = {text(message)}, .limit_s = 10};
  };
  return {{.id = {10, 1, 1},
           .sends = "a text message of 65536 bytes in fragments of 1300",
           .expects = "its echo",
           .body = script}};
}

}  // namespace wsconform
