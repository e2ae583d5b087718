#include "daemon/connect/connect_options.h"

#include <wsd/check.h>
#include <wsd/position.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include "daemon/auth/bearer.h"
#include "daemon/config/generated_texts.h"
#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kReasonMax = 123;  // bytes (RFC 6455 §5.5)

// A command line in the course of parsing.
struct Parse {
  ConnectCommand command;
  std::string last_event_id;
  bool text = false;
};

// Stores a value. Returns an empty string, or the rest of a sentence that begins with the option.
using Setter = std::string (*)(Parse& parse, const std::string& value);

std::string set_header(Parse& parse, const std::string& value) {
  const std::size_t colon = value.find(':');
  if (colon == std::string::npos || colon == 0) {
    return quote(value) + " is not NAME:VALUE, such as \"Cookie: id=7\"";
  }
  parse.command.headers.emplace_back(value.substr(0, colon), trimmed(value.substr(colon + 1)));
  return {};
}

std::string set_subprotocol(Parse& parse, const std::string& value) {
  parse.command.subprotocols.push_back(value);
  return check_subprotocol(value);
}

std::string set_token(Parse& parse, const std::string& value) {
  parse.command.token = value;
  const std::string error = token_error(value);
  return error.empty() ? error : "the token " + error;
}

std::string set_last_event_id(Parse& parse, const std::string& value) {
  parse.last_event_id = value;
  return parse_position(value) ? "" : quote(value) + " is not EPOCH:SEQ";
}

std::string set_close(Parse& parse, const std::string& value) {
  const auto code = parse_count(value, std::numeric_limits<std::uint16_t>::max());
  if (!code.ok() || !is_sendable_close_code(static_cast<std::uint16_t>(code.value))) {
    return quote(value) +
           " is not a close code that may be sent: use 1000 to 1003, 1007 to 1014 or 3000 to 4999";
  }
  parse.command.close_code = static_cast<CloseCode>(code.value);
  return {};
}

std::string set_reason(Parse& parse, const std::string& value) {
  parse.command.close_reason = value;
  if (value.size() > kReasonMax) return "the reason has more than 123 bytes: shorten it";
  return is_utf8(value) ? "" : quote(value) + " is not UTF-8";
}

std::string set_messages(Parse& parse, const std::string& value) {
  auto count = parse_count(value, std::numeric_limits<std::uint64_t>::max());
  if (count.ok() && count.value == 0) return "\"0\" is not a number of at least 1";
  parse.command.messages = count.value;
  return std::move(count.error);
}

std::string set_max_message(Parse& parse, const std::string& value) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 30;  // as check_options() has it
  auto size = parse_size(value, kMost);
  if (size.ok() && size.value == 0) return "\"0\" is not a size of at least 1";
  parse.command.max_message_bytes = static_cast<std::size_t>(size.value);
  return std::move(size.error);
}

template <std::uint32_t ConnectCommand::*Member, Zero zero>
std::string set_duration(Parse& parse, const std::string& value) {
  auto duration = parse_duration_ms(value, zero);
  parse.command.*Member = duration.value;
  return std::move(duration.error);
}

template <std::string ConnectCommand::*Member>
std::string set_text(Parse& parse, const std::string& value) {
  parse.command.*Member = value;
  return value.empty() ? "the value is empty" : "";
}

struct ValueOption {
  std::string_view name;
  Setter set;
};

constexpr std::array<ValueOption, 12> kValueOptions{{
    {"--header", &set_header},
    {"--subprotocol", &set_subprotocol},
    {"--origin", &set_text<&ConnectCommand::origin>},
    {"--token", &set_token},
    {"--token-file", &set_text<&ConnectCommand::token_file>},
    {"--last-event-id", &set_last_event_id},
    {"--close", &set_close},
    {"--reason", &set_reason},
    {"--messages", &set_messages},
    {"--wait", &set_duration<&ConnectCommand::wait_ms, Zero::kImmediate>},
    {"--timeout", &set_duration<&ConnectCommand::timeout_ms, Zero::kRefused>},
    {"--ping-interval", &set_duration<&ConnectCommand::ping_interval_ms, Zero::kOff>},
}};

bool* switch_of(Parse& parse, std::string_view argument) {
  ConnectCommand& command = parse.command;
  if (argument == "--help" || argument == "-h") return &command.help;
  if (argument == "--text") return &parse.text;
  if (argument == "--binary") return &command.binary;
  if (argument == "--json") return &command.json;
  if (argument == "--no-input") return &command.no_input;
  if (argument == "--slash") return &command.slash;
  return nullptr;
}

Setter setter_of(std::string_view name) {
  if (name == "--max-message") return &set_max_message;
  const auto* found = std::find_if(kValueOptions.begin(), kValueOptions.end(),
                                   [&](const ValueOption& each) { return each.name == name; });
  return found == kValueOptions.end() ? nullptr : found->set;
}

// Returns the error of options that do not fit together, or an empty string.
std::string contradiction(const Parse& parse) {
  const ConnectCommand& command = parse.command;
  if (parse.text && command.binary) return "--text and --binary exclude each other: give one";
  if (command.json && command.binary) {
    return "--binary has no effect with --json, which prints binary messages in base64: leave it "
           "out";
  }
  if (command.slash && command.binary) {
    return "--slash has no effect with --binary, whose input has no lines: leave it out";
  }
  if (!command.token.empty() && !command.token_file.empty()) {
    return "--token and --token-file exclude each other: give one";
  }
  return {};
}

std::string with_position(std::string url, const std::string& last_event_id) {
  if (last_event_id.empty()) return url;
  url += url.find('?') == std::string::npos ? '?' : '&';
  return url + "last_event_id=" + last_event_id;
}

// Parses the option at `at` with its value, and moves `at` to its last argument. Returns an empty
// string or a sentence.
std::string take_option(Parse& parse, const std::vector<std::string>& arguments, std::size_t& at) {
  const std::string& argument = arguments[at];
  if (bool* const given = switch_of(parse, argument); given != nullptr) {
    *given = true;
    return {};
  }
  const std::size_t equals = std::min(argument.find('='), argument.size());
  const std::string name = argument.substr(0, equals);
  const Setter set = setter_of(name);
  if (set == nullptr) {
    return quote(argument) + " is not an option of wsd connect: see wsd connect --help";
  }
  if (equals == argument.size() && at + 1 == arguments.size()) return name + " has no value";
  const std::string value =
      equals < argument.size() ? argument.substr(equals + 1) : arguments[++at];
  const std::string error = set(parse, value);
  return error.empty() ? error : name + ": " + error;
}

}  // namespace

ConnectCommand parse_connect_arguments(const std::vector<std::string>& arguments) {
  Parse parse;
  ConnectCommand& command = parse.command;
  bool has_url = false;
  for (std::size_t i = 0; i < arguments.size() && command.error.empty(); ++i) {
    const std::string& each = arguments[i];
    if (each.starts_with("-")) {
      command.error = take_option(parse, arguments, i);
    } else if (has_url) {
      command.error = quote(each) + " is a second URL: give one";
    } else {
      command.url = each;
      has_url = true;
    }
  }
  if (command.error.empty()) command.error = contradiction(parse);
  if (command.help) command.error.clear();
  command.url = with_position(std::move(command.url), parse.last_event_id);
  return std::move(command);
}

std::string connect_help() {
  return R"(Usage: wsd connect [URL] [--OPTION VALUE | --OPTION=VALUE]...

Connects to a WebSocket server. Each line of the standard input is sent as a text message, and each
message is printed as a line to the standard output. All else goes to the standard error. The end of
the input or Ctrl-C closes the connection. URL is ws://HOST[:PORT][/PATH], or unix:/SOCKET[:/PATH]
for a Unix socket; the default is ws://127.0.0.1:9001/, the echo of a local wsd.

)" + command_options_text("connect") +
         R"(
A binary message is printed in base64, unless --binary or --json is given. On a terminal, control
bytes of a message are printed as \xNN. With --json the events are "open", "message", "pong",
"close" and "error". The members of a message are its "text", or its "base64" if it is binary. With
the subprotocol ws+meta.nchan, a message of a room also has its position as "id".

Exit status:
)" + command_statuses_text("connect");
}

}  // namespace wsd::daemon
