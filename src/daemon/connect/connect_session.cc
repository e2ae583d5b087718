#include "daemon/connect/connect_session.h"

#include <wsd/check.h>
#include <wsd/http.h>

#include <algorithm>
#include <utility>

#include "daemon/config/load_config.h"
#include "daemon/connect/slash_command.h"
#include "daemon/text/base64.h"
#include "daemon/text/json.h"
#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

constexpr int kInterrupted = 130;  // as a shell reports SIGINT

// Returns the line for a terminal: control bytes of a server must not move the cursor or change
// the terminal's settings.
std::string printable(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  bool second_of_c1 = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool c0 = (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7F;
    // U+0080 to U+009F are C2 80 to C2 9F in UTF-8.
    const bool first_of_c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
    if (c0 || first_of_c1 || second_of_c1) {
      ((out += "\\x") += kDigits[byte >> 4U]) += kDigits[byte & 0xFU];
    } else {
      out += text[i];
    }
    second_of_c1 = first_of_c1;
  }
  return out;
}

// The head that Nchan's subprotocol puts before the payload: lines "NAME: VALUE" and an empty line.
struct Head {
  std::string_view id = {};
  std::string_view content_type = {};
  std::string_view payload = {};
};

Head split_head(std::string_view message) {
  Head head{.payload = message};
  const std::size_t end = message.find("\n\n");
  if (!message.starts_with("id: ") || end == std::string_view::npos) return head;
  for (const std::string_view line : split(message.substr(0, end), '\n')) {
    constexpr std::string_view kId = "id: ";
    constexpr std::string_view kType = "content-type: ";
    if (line.starts_with(kId)) head.id = line.substr(kId.size());
    if (line.starts_with(kType)) head.content_type = line.substr(kType.size());
  }
  head.payload = message.substr(end + 2);
  return head;
}

// Returns the code that ended the connection, or kAbnormalClosure.
CloseCode deciding_code(const ConnectionEnd& end) noexcept {
  if (end.cause == CloseCause::kPeerClosed) return end.received;
  return end.sent == CloseCode::kNoStatus ? CloseCode::kAbnormalClosure : end.sent;
}

std::string sentence_of(const ConnectionEnd& end) {
  std::string text;
  if (end.cause == CloseCause::kPeerClosed) {
    text = end.received == CloseCode::kNoStatus
               ? "the server closed the connection without a code"
               : "the server closed the connection with " +
                     std::to_string(static_cast<int>(end.received));
  } else if (end.cause == CloseCause::kApplicationClosed && end.clean) {
    text = "closed";
  } else {
    text = "the connection was lost: " + std::string(close_cause_name(end.cause));
  }
  return end.reason.empty() ? text : text + ": " + quote(end.reason);
}

}  // namespace

int connect_status(const ConnectionEnd& end) noexcept {
  if (end.cause == CloseCause::kApplicationClosed) return end.clean ? kExitClean : kExitFailed;
  const CloseCode code = deciding_code(end);
  if (code == CloseCode::kNormalClosure || code == CloseCode::kGoingAway ||
      code == CloseCode::kNoStatus) {
    return kExitClean;
  }
  const int number = static_cast<int>(code);
  if (code == CloseCode::kAbnormalClosure) return kExitFailed;
  if (number >= 1002 && number <= 1014) return number - 900;
  if (number >= 3000 && number <= 3999) return 120;
  if (number >= 4000 && number <= 4999) return 121;
  return kExitFailed;
}

void ConnectSession::print_json(std::string object) { output_.text += std::move(object) + '\n'; }

void ConnectSession::opened(std::string_view subprotocol, std::uint64_t now_ms) {
  if (phase_ != Phase::kConnecting) return;
  phase_ = Phase::kOpen;
  subprotocol_ = subprotocol;
  if (command_.json) {
    JsonObject event;
    event.add("event", "open").add("url", command_.url).add("subprotocol", subprotocol);
    print_json(event.take());
  } else {
    std::string note = "connected to " + command_.url;
    if (!subprotocol.empty()) note += " with the subprotocol " + quote(subprotocol);
    output_.notes.push_back(std::move(note));
  }
  if (input_over_) close_after_input(now_ms);
}

void ConnectSession::failed(std::string_view cause, int http_status, const std::string& sentence) {
  if (phase_ == Phase::kFinished) return;
  phase_ = Phase::kFinished;
  if (!failed_) status_ = kExitCannotBind;
  if (command_.json) {
    JsonObject event;
    event.add("event", "error").add("cause", cause);
    event.add("status", static_cast<unsigned>(std::max(http_status, 0))).add("text", sentence);
    print_json(event.take());
  }
  output_.notes.push_back(sentence);
}

void ConnectSession::print_message(MessageType type, std::string_view payload) {
  const bool is_text = type == MessageType::kText;
  if (command_.json) {
    JsonObject event;
    event.add("event", "message");
    Head head{.payload = payload};
    if (subprotocol_ == kNchanSubprotocol) head = split_head(payload);
    if (!head.id.empty()) event.add("id", head.id);
    if (!head.content_type.empty()) event.add("content_type", head.content_type);
    event.add(is_text ? "text" : "base64",
              is_text ? std::string(head.payload) : base64(head.payload));
    print_json(event.take());
  } else if (command_.binary) {
    output_.text += payload;
  } else {
    const std::string line = is_text ? std::string(payload) : base64(payload);
    output_.text += terminal_ ? printable(line) : line;
    output_.text += '\n';
  }
}

void ConnectSession::received(MessageType type, std::string_view payload, std::uint64_t now_ms) {
  if (phase_ != Phase::kOpen) return;
  print_message(type, payload);
  ++received_;
  if (command_.messages != 0 && received_ >= command_.messages) {
    close();
  } else if (close_at_ms_) {
    close_at_ms_ = now_ms + command_.wait_ms;
  }
}

void ConnectSession::ended(const ConnectionEnd& end) {
  if (phase_ == Phase::kFinished) return;
  phase_ = Phase::kFinished;
  if (!failed_) status_ = connect_status(end);
  const CloseCode code =
      end.received == CloseCode::kAbnormalClosure ? deciding_code(end) : end.received;
  if (command_.json) {
    JsonObject event;
    event.add("event", "close").add("code", static_cast<unsigned>(code)).add("reason", end.reason);
    event.add("cause", close_cause_name(end.cause)).add_bool("clean", end.clean);
    print_json(event.take());
  } else {
    output_.notes.push_back(sentence_of(end));
  }
}

void ConnectSession::pong(std::string_view payload) {
  // Without --slash no Ping was sent, and a server may send Pongs unasked (RFC 6455 §5.5.3).
  if (phase_ != Phase::kOpen || !command_.slash) return;
  if (command_.json) {
    JsonObject event;
    event.add("event", "pong");
    const bool is_text = is_utf8(payload);
    event.add(is_text ? "text" : "base64", is_text ? std::string(payload) : base64(payload));
    print_json(event.take());
  } else {
    output_.notes.push_back(payload.empty() ? "pong" : "pong " + quote(payload));
  }
}

void ConnectSession::close() { close({command_.close_code, command_.close_reason}); }

void ConnectSession::close(Closing how) {
  if (phase_ != Phase::kOpen) return;
  phase_ = Phase::kClosing;
  close_at_ms_.reset();
  output_.close = std::move(how);
}

void ConnectSession::fail_input(std::string sentence) {
  output_.notes.push_back(std::move(sentence));
  failed_ = true;
  status_ = kExitFailed;
  input_over_ = true;
  close();
}

void ConnectSession::take_line(std::string_view line) {
  ++lines_;
  if (command_.slash && line.starts_with("//")) {
    send_line(line.substr(1));
  } else if (command_.slash && line.starts_with('/')) {
    run_command(line);
  } else {
    send_line(line);
  }
}

// A wrong command sends nothing, and the connection goes on, so that the user can correct it.
void ConnectSession::run_command(std::string_view line) {
  const SlashCommand command = parse_slash_command(line);
  if (!command.error.empty()) {
    output_.notes.push_back("line " + std::to_string(lines_) + " of the input: " + command.error);
  } else if (command.close) {
    input_over_ = true;
    close({command.close_code, command.text});
  } else {
    output_.messages.push_back({Outgoing::Kind::kPing, command.text});
  }
}

void ConnectSession::send_line(std::string_view line) {
  if (line.size() > command_.max_message_bytes) {
    fail_input("line " + std::to_string(lines_) + " of the input exceeds --max-message " +
               format_size(command_.max_message_bytes) + ": raise it");
  } else if (!is_utf8(line)) {
    fail_input("line " + std::to_string(lines_) +
               " of the input is not UTF-8: send the input with --binary");
  } else {
    output_.messages.push_back({Outgoing::Kind::kText, std::string(line)});
  }
}

void ConnectSession::take_lines(std::size_t searched) {
  std::size_t from = 0;
  for (std::size_t end = partial_.find('\n', searched); end != std::string::npos && !input_over_;
       end = partial_.find('\n', from)) {
    take_line(std::string_view(partial_).substr(from, end - from));
    from = end + 1;
  }
  partial_.erase(0, from);
  // A line without an end must not grow beyond the limit.
  const std::size_t most = command_.max_message_bytes + (command_.slash ? 1 : 0);
  if (!input_over_ && partial_.size() > most) {
    ++lines_;
    send_line(partial_);
  }
}

void ConnectSession::input(std::string_view bytes) {
  if (phase_ != Phase::kOpen || input_over_) return;
  if (!command_.binary) {
    const std::size_t searched = partial_.size();
    partial_ += bytes;
    take_lines(searched);
    return;
  }
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, command_.max_message_bytes);
    output_.messages.push_back({Outgoing::Kind::kBinary, std::string(piece)});
    bytes.remove_prefix(piece.size());
  }
}

void ConnectSession::input_ended(std::uint64_t now_ms) {
  if (input_over_) return;
  input_over_ = true;
  // The last line may have no end.
  if (!partial_.empty()) take_line(std::exchange(partial_, {}));
  close_after_input(now_ms);
}

void ConnectSession::close_after_input(std::uint64_t now_ms) {
  if (phase_ != Phase::kOpen) return;
  if (command_.wait_ms != 0) {
    close_at_ms_ = now_ms + command_.wait_ms;
  } else if (command_.messages == 0) {
    close();
  }
}

void ConnectSession::input_failed(const std::string& sentence) { fail_input(sentence); }

void ConnectSession::output_failed() {
  if (failed_) return;
  fail_input("cannot write to standard output");
}

void ConnectSession::interrupted() {
  if (phase_ == Phase::kConnecting) {
    phase_ = Phase::kFinished;
    status_ = kInterrupted;
  }
  input_over_ = true;
  close();
}

void ConnectSession::tick(std::uint64_t now_ms) {
  if (close_at_ms_ && now_ms >= *close_at_ms_) close();
}

bool ConnectSession::wants_input(std::size_t queued) const noexcept {
  return phase_ == Phase::kOpen && !input_over_ && !command_.no_input && queued <= kQueueMark;
}

std::optional<std::uint64_t> ConnectSession::deadline_ms() const noexcept { return close_at_ms_; }

ConnectSession::Output ConnectSession::take() { return std::exchange(output_, {}); }

}  // namespace wsd::daemon
