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
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/auth/token_file.h"
#include "daemon/config/load_config.h"
#include "daemon/connect/client_inbox.h"
#include "daemon/connect/connect_session.h"
#include "daemon/connect/outbox.h"
#include "daemon/service/say.h"

namespace wsd::daemon {
namespace {

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
  handlers.pong = [&inbox](Connection& /*server*/, std::string_view payload) {
    inbox.push(PongEvent{std::string(payload)});
  };
  handlers.drained = [&inbox](Connection& /*server*/) { inbox.push(DrainedEvent{}); };
  handlers.close = [&inbox](Connection& /*server*/, const CloseInfo& info) {
    inbox.push(
        ConnectionEnd{info.cause, info.sent, info.received, std::string(info.reason), info.clean});
  };
  return handlers;
}

// The messages that one task sends on the connection's reactor.
struct Batch {
  std::vector<Outgoing> messages;
  std::optional<ConnectSession::Closing> close;  // after the messages
};

void send_batch(const Connection& server, const Batch& batch) {
  for (const Outgoing& each : batch.messages) {
    switch (each.kind) {
      case Outgoing::Kind::kText:
        server.send_text(each.payload);
        break;
      case Outgoing::Kind::kBinary:
        server.send_binary(each.payload);
        break;
      case Outgoing::Kind::kPing:
        server.ping(each.payload);
        break;
    }
  }
  server.notify_drained(0);
  if (batch.close) server.close(batch.close->code, batch.close->reason);
}

// The loop of the main thread.
class ConnectLoop {
 public:
  ConnectLoop(const ConnectCommand& command, ClientInbox& inbox)
      : inbox_(inbox), session_(command, ::isatty(STDOUT_FILENO) == 1) {}

  [[nodiscard]] int run() {
    while (!session_.finished()) {
      wait();
      if (interrupted.exchange(false)) {
        outbox_.clear();  // a server that does not read must not hold up the Close
        session_.interrupted();
      }
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
  void operator()(const PongEvent& event) { session_.pong(event.payload); }
  void operator()(const DrainedEvent& /*event*/) { outbox_.drained(); }
  void operator()(const ConnectionEnd& event) { session_.ended(event); }
  void operator()(const ConnectError& error) {
    session_.failed(connect_cause_name(error.cause), error.http_status, error.text);
  }

 private:
  void wait() {
    const bool reads = session_.wants_input(outbox_.bytes());
    std::array<pollfd, 2> entries{
        {{inbox_.descriptor(), POLLIN, 0}, {reads ? STDIN_FILENO : -1, POLLIN, 0}}};
    int limit = -1;
    if (const auto deadline = session_.deadline_ms()) {
      const std::uint64_t now = now_ms();
      limit =
          static_cast<int>(std::min<std::uint64_t>(*deadline - std::min(*deadline, now), 60'000));
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
    for (Outgoing& message : output.messages) outbox_.add(std::move(message));
    if (output.close) close_ = std::move(output.close);
    send();
    for (const std::string& note : output.notes) say("wsd connect: " + note);
    return write_all(output.text);
  }

  void send() {
    Batch batch{.messages = outbox_.take(), .close = {}};
    if (outbox_.empty()) batch.close = std::exchange(close_, {});
    if (batch.messages.empty() && !batch.close) return;
    // Never refused while the connection is open, because at most two tasks wait.
    connection_.post([batch = std::move(batch)](Connection& server) { send_batch(server, batch); });
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

  ClientInbox& inbox_;
  ConnectSession session_;
  Connection connection_;
  Outbox outbox_;
  std::optional<ConnectSession::Closing> close_;  // after the messages of the outbox
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
  return ConnectLoop(command, inbox).run();
}

}  // namespace wsd::daemon
