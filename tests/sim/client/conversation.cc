#include "sim/client/conversation.h"

#include <array>
#include <span>
#include <utility>

#include "base/tick.h"
#include "sim/broken.h"

namespace wsd::sim {
namespace {

// So many messages of the client may be under way, which is far below the limit of a send queue.
constexpr std::size_t kUnderWay = 4;

constexpr CloseCode kServersCode{4'001};
constexpr std::string_view kReason = "enough";

// A deadline is rounded up to a tick, and its timer fires in the turn after it.
constexpr std::uint64_t kRoundingMs = std::uint64_t{3} * kTickMs;

const char* name_of(CloseCause cause) { return close_cause_name(cause).data(); }

}  // namespace

Conversation::Conversation(int number, FarEnd end, Random& random, Trace& trace)
    : number_(number),
      end_(end),
      random_(random),
      trace_(trace),
      closer_(static_cast<Closer>(random.below(3))),
      outside_(random.chance(30)),
      greetings_(random.below(4)) {
  static constexpr std::array<std::size_t, 8> kSizes = {0, 1, 125, 126, 300, 5'000, 65'536, 70'000};
  for (std::uint64_t left = random.below(10); left != 0; --left) {
    sizes_.push_back(random.one_of(std::span<const std::size_t>(kSizes)));
  }
}

std::string Conversation::text_of(std::size_t index, char from) const {
  std::string text(1, from);
  text += std::to_string(number_) + ":" + std::to_string(index) + ":";
  if (from == 'c' && text.size() < sizes_[index]) {
    text.resize(sizes_[index], static_cast<char>('a' + index));
  }
  return text;
}

void Conversation::begin(Client& client, const Network& network, const ConversationPlan& plan) {
  begun_at_ms_ = Kernel::current().now_ms();
  connect_ms_ = plan.connect_timeout_ms;
  handshake_ms_ = plan.handshake_timeout_ms;
  ConnectOptions options;
  options.deflate = plan.deflate;
  options.connect_timeout_ms = plan.connect_timeout_ms;
  options.handshake_timeout_ms = plan.handshake_timeout_ms;
  const std::string url =
      "ws://" + network.address_of(end_, number_) + "/" + std::to_string(number_);
  trace_.note("%8lu  client %d: connect to %s", begun_at_ms_, number_, url.c_str());
  const std::string error = client.connect(url, std::move(options), handlers(),
                                           [this](const ConnectError& why) { client_failed(why); });
  if (!error.empty()) broken("connect: %s", error.c_str());
}

Handlers Conversation::handlers() {
  Handlers handlers;
  handlers.open = [this](Connection& server) { client_open(server); };
  handlers.message = [this](Connection& server, const Message& message) {
    client_message(server, message);
  };
  handlers.close = [this](Connection&, const CloseInfo& info) { client_close(info); };
  return handlers;
}

// The client's end

bool Conversation::can_speak() const noexcept {
  return outside_ && opened_ && !closed_ && said_ < sizes_.size() && said_ - echoes_ < kUnderWay;
}

void Conversation::speak() { say(server_); }

void Conversation::say(const Connection& server) {
  const std::string text = text_of(said_, 'c');
  const SendResult result = said_ % 2 == 0 ? server.send_text(text) : server.send_binary(text);
  if (result == SendResult::kSent) {
    ++said_;
  } else if (!disturbed_ && closer_ != Closer::kServer) {
    broken("client %d cannot send message %zu: %d", number_, said_, static_cast<int>(result));
  }
}

void Conversation::client_open(Connection& server) {
  trace_.note("%8lu  client %d: open", Kernel::current().now_ms(), number_);
  if (opened_ || failed_) broken("client %d: the open handler is called too often", number_);
  if (end_ != FarEnd::kServer) broken("client %d has no server, and opens", number_);
  if (server.path() != "/" + std::to_string(number_)) broken("client %d: wrong path", number_);
  opened_ = true;
  server_ = server;
  while (!outside_ && said_ < sizes_.size() && said_ < kUnderWay) say(server);
  if (closer_ == Closer::kClient && sizes_.empty()) {
    server.close(CloseCode::kNormalClosure, kReason);
  }
}

void Conversation::client_message(Connection& server, const Message& message) {
  if (!opened_ || closed_) broken("client %d: a message outside of its connection", number_);
  if (greeted_ < greetings_) {
    if (message.payload != text_of(greeted_++, 's')) broken("client %d: greeting", number_);
    return;
  }
  if (echoes_ == said_) broken("client %d: an echo of nothing", number_);
  if (message.payload != text_of(echoes_, 'c')) broken("client %d: wrong echo", number_);
  const MessageType type = echoes_ % 2 == 0 ? MessageType::kText : MessageType::kBinary;
  if (message.type != type) broken("client %d: an echo of another type", number_);
  ++echoes_;
  if (!outside_ && said_ < sizes_.size()) say(server);
  if (closer_ == Closer::kClient && echoes_ == sizes_.size()) {
    server.close(CloseCode::kNormalClosure, kReason);
  }
}

void Conversation::client_close(const CloseInfo& info) {
  trace_.note("%8lu  client %d: close, %s", Kernel::current().now_ms(), number_,
              name_of(info.cause));
  trace_.count('C', static_cast<std::uint64_t>(number_), static_cast<std::uint64_t>(info.cause));
  if (!opened_ || closed_) broken("client %d: the close handler is called too often", number_);
  closed_ = true;
  client_info_ = info;
  client_info_.reason = {};  // the view ends with this call
  if (disturbed_) return;
  if (closer_ == Closer::kNobody) {
    broken("client %d is closed without a reason: %s", number_, name_of(info.cause));
  }
  const bool own = closer_ == Closer::kClient;
  if (info.cause != (own ? CloseCause::kApplicationClosed : CloseCause::kPeerClosed) ||
      !info.clean || info.received != (own ? CloseCode::kNormalClosure : kServersCode) ||
      info.sent != info.received || info.reason != kReason) {
    broken("client %d: %s, clean %d, codes %d and %d", number_, name_of(info.cause),
           static_cast<int>(info.clean), static_cast<int>(info.sent),
           static_cast<int>(info.received));
  }
}

void Conversation::client_failed(const ConnectError& error) {
  trace_.note("%8lu  client %d: %s", Kernel::current().now_ms(), number_, error.text.c_str());
  trace_.count('F', static_cast<std::uint64_t>(number_), static_cast<std::uint64_t>(error.cause));
  if (opened_ || failed_) broken("client %d: the connect handler is called too often", number_);
  failed_ = true;
  check_failure(error);
}

void Conversation::check_failure(const ConnectError& error) const {
  static constexpr std::array kExpected = {ConnectCause::kDisconnected, ConnectCause::kUnreachable,
                                           ConnectCause::kTimeout,      ConnectCause::kTimeout,
                                           ConnectCause::kRejected,     ConnectCause::kBadResponse,
                                           ConnectCause::kDisconnected};
  if (disturbed_) return;
  const bool expected = error.cause == kExpected[static_cast<std::size_t>(end_)];
  if (end_ == FarEnd::kServer || !expected) {
    broken("client %d fails with: %s", number_, error.text.c_str());
  }
  if (error.http_status != (end_ == FarEnd::kRejects ? 404 : 0)) {
    broken("client %d: HTTP status %d", number_, error.http_status);
  }
  if (error.cause != ConnectCause::kTimeout) return;
  const std::uint64_t waited = Kernel::current().now_ms() - begun_at_ms_;
  const std::uint64_t timeout = end_ == FarEnd::kLost ? connect_ms_ : handshake_ms_;
  if (waited + kRoundingMs < timeout || waited > timeout + kRoundingMs) {
    broken("client %d times out after %lu ms, not %lu ms", number_, waited, timeout);
  }
}

// The server's end

void Conversation::server_open(Connection& client) {
  if (std::exchange(server_opened_, true)) broken("server %d: opened twice", number_);
  for (std::size_t i = 0; i < greetings_; ++i) client.send_text(text_of(i, 's'));
  if (closer_ == Closer::kServer && sizes_.empty()) client.close(kServersCode, kReason);
}

void Conversation::server_message(Connection& client, const Message& message) {
  if (server_closed_) broken("server %d: a message after the close", number_);
  if (heard_ == said_) broken("server %d: a message that was not sent", number_);
  if (message.payload != text_of(heard_, 'c')) broken("server %d: wrong message", number_);
  ++heard_;
  if (client.send(message) != SendResult::kSent) broken("server %d cannot send", number_);
  if (closer_ == Closer::kServer && heard_ == sizes_.size()) client.close(kServersCode, kReason);
}

void Conversation::server_close(const CloseInfo& info) {
  trace_.note("%8lu  server %d: close, %s", Kernel::current().now_ms(), number_,
              name_of(info.cause));
  if (!server_opened_ || std::exchange(server_closed_, true)) {
    broken("server %d: the close handler is called too often", number_);
  }
  server_info_ = info;
  server_info_.reason = {};  // the view ends with this call
  if (disturbed_) return;
  const bool own = closer_ == Closer::kServer;
  if (info.cause != (own ? CloseCause::kApplicationClosed : CloseCause::kPeerClosed) ||
      !info.clean) {
    broken("server %d: %s, clean %d", number_, name_of(info.cause), static_cast<int>(info.clean));
  }
}

// Checks

void Conversation::check_at_rest() const {
  if (disturbed_ || end_ != FarEnd::kServer) return;
  if (!opened_ || !server_opened_) broken("client %d is not open", number_);
  // A client that closes at once gets no messages after that.
  const bool closes_at_once = closer_ == Closer::kClient && sizes_.empty();
  if (greeted_ != greetings_ && !closes_at_once) broken("client %d misses greetings", number_);
  if (heard_ != said_ || echoes_ != said_) {
    broken("client %d: %zu said, %zu heard, %zu came back", number_, said_, heard_, echoes_);
  }
  if (closer_ == Closer::kNobody || said_ < sizes_.size()) {
    if (closed_ || server_closed_) broken("client %d is closed", number_);
  } else if (!closed_ || !server_closed_) {
    broken("client %d: the close is not complete", number_);
  }
}

void Conversation::check_over() const {
  if (!over()) broken("client %d gets no last call", number_);
  if (server_opened_ != server_closed_) broken("server %d gets no last call", number_);
  if (disturbed_ || !closed_ || !server_closed_) return;
  if (client_info_.sent != server_info_.received || client_info_.received != server_info_.sent) {
    broken("client %d: the ends report different codes", number_);
  }
}

}  // namespace wsd::sim
