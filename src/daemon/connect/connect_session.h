// The logic of `wsd connect`, without I/O: events of the connection and of the input come in, and
// messages, output and the exit status come out.
#pragma once

#include <wsd/close.h>
#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/connect/connect_options.h"
#include "daemon/connect/outbox.h"

namespace wsd::daemon {

// The result of a connection that was open, as CloseInfo has it.
struct ConnectionEnd {
  CloseCause cause = CloseCause::kEof;
  CloseCode sent = CloseCode::kNoStatus;
  CloseCode received = CloseCode::kAbnormalClosure;
  std::string reason = {};
  bool clean = false;
};

// Returns the exit status of `wsd connect` for this end of its connection.
[[nodiscard]] int connect_status(const ConnectionEnd& end) noexcept;

class ConnectSession {
 public:
  // Input is read while at most this many bytes wait to be sent.
  static constexpr std::size_t kQueueMark = std::size_t{256} << 10;
  static constexpr std::size_t kReadBytes = std::size_t{64} << 10;  // of one input() at most

  struct Closing {
    CloseCode code = CloseCode::kNormalClosure;
    std::string reason = {};
  };
  // The tasks of the caller, in this order.
  struct Output {
    std::vector<Outgoing> messages;  // send these
    std::optional<Closing> close;    // then close so
    std::string text;                // write this to the standard output
    std::vector<std::string> notes;  // lines for the standard error
  };

  // `terminal` means that the output is shown on a terminal. `command` must outlive the session.
  ConnectSession(const ConnectCommand& command, bool terminal)
      : command_(command), terminal_(terminal) {}

  // The events. `now_ms` is the time of a clock that never goes back. Call take() after each event.

  // The connection is open. `subprotocol` is the server's choice, or empty.
  void opened(std::string_view subprotocol, std::uint64_t now_ms);
  // The connection was not opened. The arguments are the parts of a ConnectError.
  void failed(std::string_view cause, int http_status, const std::string& sentence);
  // A message of the server has come. Messages after the end of the connection began are ignored.
  void received(MessageType type, std::string_view payload, std::uint64_t now_ms);
  // The server has answered a Ping of the input with this payload.
  void pong(std::string_view payload);
  // The connection that was open has ended.
  void ended(const ConnectionEnd& end);
  // Bytes of the standard input, at most kReadBytes of them. Only if wants_input() was true.
  void input(std::string_view bytes);
  // The standard input has ended. A last line without a line end is sent.
  void input_ended(std::uint64_t now_ms);
  // The standard input or output has failed. Closes the connection, and the exit status is 1.
  void input_failed(const std::string& sentence);
  void output_failed();
  // Ctrl-C or SIGTERM. Closes the connection, or gives up if it is not open yet.
  void interrupted();
  // deadline_ms() has passed.
  void tick(std::uint64_t now_ms);

  // Returns whether the standard input should be read now, if `queued` bytes wait to be sent.
  [[nodiscard]] bool wants_input(std::size_t queued) const noexcept;
  // Returns when tick() is next due.
  [[nodiscard]] std::optional<std::uint64_t> deadline_ms() const noexcept;
  // Returns true after failed(), ended(), or interrupted() before the connection was open.
  [[nodiscard]] bool finished() const noexcept { return phase_ == Phase::kFinished; }
  [[nodiscard]] int exit_status() const noexcept { return status_; }
  [[nodiscard]] Output take();

 private:
  enum class Phase : std::uint8_t { kConnecting, kOpen, kClosing, kFinished };

  // `searched` bytes of partial_ are known to have no line end.
  void take_lines(std::size_t searched);
  void take_line(std::string_view line);
  void send_line(std::string_view line);
  void run_command(std::string_view line);
  void fail_input(std::string sentence);
  void close();
  void close(Closing how);
  void close_after_input(std::uint64_t now_ms);
  void print_message(MessageType type, std::string_view payload);
  void print_json(std::string object);

  const ConnectCommand& command_;
  bool terminal_;
  Phase phase_ = Phase::kConnecting;
  bool input_over_ = false;
  std::string partial_;  // an incomplete line
  std::uint64_t lines_ = 0;
  std::uint64_t received_ = 0;
  std::string subprotocol_;
  std::optional<std::uint64_t> close_at_ms_;
  bool failed_ = false;  // the exit status is decided, whatever the end of the connection is
  int status_ = 0;
  Output output_;
};

}  // namespace wsd::daemon
