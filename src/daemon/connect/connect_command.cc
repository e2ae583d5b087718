#include "daemon/connect/connect_command.h"

#include <poll.h>
#include <unistd.h>
#include <wsd/client.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/auth/token_file.h"
#include "daemon/config/load_config.h"
#include "daemon/connect/client_inbox.h"
#include "daemon/connect/connect_session.h"
#include "daemon/service/say.h"

namespace wsd::daemon {
namespace {

// How often the loop looks at a send queue that is too full to read more input. The queue drains on
// the reactor's thread, which does not report it.
constexpr int kCongestedMs = 2;

std::atomic<bool> interrupted = false;
std::atomic<const ClientInbox*> woken_by_signal = nullptr;

extern "C" void on_interrupt(int /*number*/) {
  interrupted = true;
  if (const ClientInbox* inbox = woken_by_signal; inbox != nullptr) inbox->wake();
}

// The second signal of a kind ends the process at once.
void handle_signals(const ClientInbox& inbox) {
  woken_by_signal = &inbox;
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    action.sa_handler = &on_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    static_cast<void>(::sigaction(number, &action, nullptr));
  }
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
}

class InboxEnd {
 public:
  explicit InboxEnd(ClientInbox& inbox) : inbox_(inbox) {}
  InboxEnd(const InboxEnd&) = delete;
  InboxEnd& operator=(const InboxEnd&) = delete;
  ~InboxEnd() {
    woken_by_signal = nullptr;
    inbox_.close();
  }

 private:
  ClientInbox& inbox_;
};

std::uint64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

ClientOptions client_options(const ConnectCommand& command) {
  ClientOptions options;
  options.heartbeat.ping_interval_ms = command.ping_interval_ms;
  // A server that is silent, but answers Pings, is waited for.
  options.heartbeat.read_timeout_ms = 0;
  options.limits.max_message_bytes = command.max_message_bytes;
  options.limits.max_output_bytes =
      std::max(options.limits.max_output_bytes,
               options.limits.max_message_bytes + options.limits.send_queue_bytes);
  return options;
}

ConnectOptions connect_options(const ConnectCommand& command) {
  ConnectOptions options;
  options.headers = command.headers;
  if (!command.token.empty()) {
    options.headers.emplace_back("Authorization", "Bearer " + command.token);
  }
  options.subprotocols = command.subprotocols;
  options.origin = command.origin;
  options.connect_timeout_ms = command.timeout_ms;
  options.handshake_timeout_ms = command.timeout_ms;
  return options;
}

Handlers handlers_for(ClientInbox& inbox) {
  Handlers handlers;
  handlers.open = [&inbox](Connection& server) {
    inbox.push(OpenedEvent{server, std::string(server.subprotocol())});
  };
  handlers.message = [&inbox](Connection& /*server*/, const Message& message) {
    inbox.push(MessageEvent{message.type, std::string(message.payload)});
  };
  handlers.close = [&inbox](Connection& /*server*/, const CloseInfo& info) {
    inbox.push(
        ConnectionEnd{info.cause, info.sent, info.received, std::string(info.reason), info.clean});
  };
  return handlers;
}

// The loop of the main thread.
class ConnectLoop {
 public:
  ConnectLoop(const ConnectCommand& command, Client& client, ClientInbox& inbox)
      : command_(command),
        client_(client),
        inbox_(inbox),
        session_(command, ::isatty(STDOUT_FILENO) == 1) {}

  [[nodiscard]] int run() {
    while (!session_.finished()) {
      wait();
      if (interrupted.exchange(false)) session_.interrupted();
      for (ClientEvent& event : inbox_.take()) std::visit(*this, event);
      session_.tick(now_ms());
      act();
    }
    return session_.exit_status();
  }

  void operator()(const OpenedEvent& event) {
    connection_ = event.connection;
    session_.opened(event.subprotocol, now_ms());
  }
  void operator()(const MessageEvent& event) {
    session_.received(event.type, event.payload, now_ms());
  }
  void operator()(const ConnectionEnd& event) { session_.ended(event); }
  void operator()(const ConnectError& error) {
    session_.failed(connect_cause_name(error.cause), error.http_status, error.text);
  }

 private:
  // Returns the bytes that have been read from the input and not been sent.
  [[nodiscard]] std::size_t queued() const {
    const ServerStats stats = client_.stats();
    return static_cast<std::size_t>(stats.send_queue_bytes + stats.pending_publish_bytes);
  }

  void wait() {
    const std::size_t waiting = queued();
    const bool reads = unsent_.empty() && session_.wants_input(waiting);
    const bool congested = !unsent_.empty() || (!reads && session_.wants_input(0) && waiting > 0);
    std::array<pollfd, 2> entries{
        {{inbox_.descriptor(), POLLIN, 0}, {reads ? STDIN_FILENO : -1, POLLIN, 0}}};
    int limit = congested ? kCongestedMs : -1;
    if (const auto deadline = session_.deadline_ms()) {
      const std::uint64_t now = now_ms();
      const auto left =
          static_cast<int>(std::min<std::uint64_t>(*deadline - std::min(*deadline, now), 60'000));
      limit = limit < 0 ? left : std::min(limit, left);
    }
    if (::poll(entries.data(), entries.size(), limit) > 0 && entries[1].revents != 0) read_input();
  }

  void read_input() {
    std::array<char, ConnectSession::kReadBytes> buffer;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got > 0) {
      session_.input({buffer.data(), static_cast<std::size_t>(got)});
    } else if (got == 0) {
      session_.input_ended(now_ms());
    } else if (errno != EAGAIN && errno != EINTR) {
      session_.input_failed(std::string("cannot read standard input: ") + std::strerror(errno));
    }
  }

  void act() {
    if (act_once()) return;
    session_.output_failed();
    static_cast<void>(act_once());
  }

  // Returns false if the output takes no more bytes.
  [[nodiscard]] bool act_once() {
    ConnectSession::Output output = session_.take();
    for (auto& message : output.messages) unsent_.push_back(std::move(message));
    closing_ = closing_ || output.close;
    send();
    for (const std::string& note : output.notes) say("wsd connect: " + note);
    return write_all(output.text);
  }

  void send() {
    while (!unsent_.empty()) {
      const ConnectSession::Outgoing& next = unsent_.front();
      if (connection_.send(next.type, next.payload) == SendResult::kCongested) return;
      unsent_.pop_front();
    }
    if (closing_) connection_.close(command_.close_code, command_.close_reason);
    closing_ = false;
  }

  static bool write_all(std::string_view text) {
    while (!text.empty()) {
      ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
      if (count < 0 && errno == EAGAIN) {
        pollfd entry{STDOUT_FILENO, POLLOUT, 0};
        count = std::min(::poll(&entry, 1, -1), 0);
      }
      if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
      if (count >= 0) continue;
      if (errno != EINTR) return false;
      // An output that is not read must not keep Ctrl-C from closing the connection.
      if (interrupted) return true;
    }
    return true;
  }

  const ConnectCommand& command_;
  Client& client_;
  ClientInbox& inbox_;
  ConnectSession session_;
  Connection connection_;
  std::deque<ConnectSession::Outgoing> unsent_;
  bool closing_ = false;
};

}  // namespace

int run_connect(ConnectCommand command, const std::function<int(int, const std::string&)>& fail) {
  if (!command.token_file.empty()) {
    TokenFile file = read_token_file("--token-file", command.token_file);
    if (!file.error.empty()) return fail(kExitBadConfiguration, file.error);
    if (!file.warning.empty()) say("wsd connect: warning: " + file.warning);
    command.token = std::move(file.token);
  }
  ClientInbox inbox;
  handle_signals(inbox);
  Client client(client_options(command));
  std::string error = client.start();
  if (!error.empty()) return fail(kExitFailed, error);
  error = client.connect(command.url, connect_options(command), handlers_for(inbox),
                         [&inbox](const ConnectError& why) { inbox.push(why); });
  if (!error.empty()) return fail(kExitUsage, error);
  // Also after an exception, the client must not wait for a reactor that waits for the inbox.
  const InboxEnd end(inbox);
  return ConnectLoop(command, client, inbox).run();
}

}  // namespace wsd::daemon
