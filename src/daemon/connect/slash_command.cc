#include "daemon/connect/slash_command.h"

#include <wsd/check.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kPingMax = 125;    // bytes of a control frame (RFC 6455 §5.5)
constexpr std::size_t kReasonMax = 123;  // the same, without the code

// Returns the text before the first space, and the text after it.
std::pair<std::string_view, std::string_view> split_word(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == text.npos) return {text, {}};
  return {text.substr(0, space), text.substr(space + 1)};
}

SlashCommand wrong(std::string sentence) { return {.error = std::move(sentence)}; }

SlashCommand parse_close(std::string_view arguments) {
  SlashCommand command{.close = true};
  if (arguments.empty()) return command;
  const auto [code, reason] = split_word(arguments);
  const auto number = parse_count(std::string(code), std::numeric_limits<std::uint16_t>::max());
  if (!number.ok() || !is_sendable_close_code(static_cast<std::uint16_t>(number.value))) {
    return wrong(quote(code) +
                 " is not a close code that may be sent: use 1000 to 1003, 1007 to 1014 or 3000 to "
                 "4999");
  }
  if (reason.size() > kReasonMax) return wrong("the reason has more than 123 bytes: shorten it");
  if (!is_utf8(reason)) return wrong("the reason is not UTF-8");
  command.close_code = static_cast<CloseCode>(number.value);
  command.text = reason;
  return command;
}

}  // namespace

SlashCommand parse_slash_command(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto [name, arguments] = split_word(line);
  if (name == "/close") return parse_close(arguments);
  if (name != "/ping") {
    return wrong(
        quote(name) +
        " is not a command: write /ping [DATA] or /close [CODE [REASON]], or begin the line "
        "with // to send it");
  }
  if (arguments.size() > kPingMax) return wrong("the Ping has more than 125 bytes: shorten it");
  return {.text = std::string(arguments)};
}

}  // namespace wsd::daemon
