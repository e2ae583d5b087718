#include "server/server_core.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/entropy.h"
#include "net/clock.h"
#include "protocol/frame_writer.h"
#include "server/end_fields.h"
#include "server/exception_text.h"
#include "server/option_name.h"
#include "server/reactor_settings.h"

namespace wsd {
namespace {

// Returns the message as a frame, or an empty one if memory runs out. On a reactor thread it throws
// std::bad_alloc instead, which ends the connection whose handler is running.
SharedBytes frame_of(MessageType type, std::string_view payload, bool on_reactor) {
  SharedBytes frame = protocol::make_frame(static_cast<protocol::Opcode>(type), as_bytes(payload));
  if (!frame && on_reactor) throw std::bad_alloc();
  return frame;
}

// Calls the callback that the application passed to publish() or query().
template <class Call>
class Listener final : public hub::RoomStateCallback {
 public:
  Listener(ServerCore& core, const char* name, Call call)
      : core_(core), name_(name), call_(std::move(call)) {}
  void run(const RoomState& state) noexcept override {
    try {
      call_(state);
    } catch (...) {
      core_.log_handler_exception(name_);
    }
  }

 private:
  ServerCore& core_;
  const char* name_;
  Call call_;
};

template <class Call>
std::unique_ptr<hub::RoomStateCallback> listener(ServerCore& core, const char* name, Call call) {
  return std::make_unique<Listener<Call>>(core, name, std::move(call));
}

}  // namespace

ServerCore::ServerCore(ServerOptions options)
    : options_(std::move(options)),
      log_(options_.log),
      requests_(*this),
      reactor_choice_(server::reactor_count(options_)),
      reactor_count_(reactor_choice_.count),
      node_(wsd_random_word()),
      presence_encoder_(options_.presence.text, options_.limits.max_message_bytes,
                        [this] { log_handler_exception("presence.text"); }) {}

// A handler that destroys its own server would wait for itself for ever, so the process ends.
// NOLINTNEXTLINE(bugprone-exception-escape)
ServerCore::~ServerCore() {
  stop();
  wait();
  gone_->store(true, std::memory_order_release);
  // Before the hub, because the reactors' connections leave the hub's shards.
  reactors_.clear();
}

void ServerCore::route(std::string_view pattern, Handlers handlers, RouteOptions options) {
  if (begun_.load()) throw std::logic_error("the server has started: call route() before start()");
  requests_.route(pattern, std::move(handlers), std::move(options));
}

void ServerCore::http(std::string_view method, std::string_view pattern,
                      server::HttpRoutes::Served served) {
  if (begun_.load()) throw std::logic_error("the server has started: call http() before start()");
  requests_.http(method, pattern, std::move(served));
}

std::string ServerCore::listen(std::string_view address) {
  if (begun_.load()) return "the server has started: call listen() before start()";
  net::ListenAddress parsed;
  if (std::string error = net::parse_listen_address(address, parsed); !error.empty()) return error;
  net::Listener listener;
  const std::string error = listener.open(parsed, reactor_count_, listen_options());
  if (error.empty()) listeners_.push_back(std::move(listener));
  return server::with_option_names(options_, error);
}

std::string ServerCore::adopt(int fd) {
  if (begun_.load()) return "the server has started: call adopt() before start()";
  net::Listener listener;
  std::string error = listener.adopt(fd, reactor_count_, listen_options());
  if (error.empty()) listeners_.push_back(std::move(listener));
  return error;
}

net::ListenOptions ServerCore::listen_options() const noexcept {
  net::ListenOptions options{options_.listen_backlog, options_.upgrade.socket_send_buffer,
                             options_.notsent_lowat};
  if (options_.socket_mode) options.socket_file.mode = static_cast<int>(*options_.socket_mode);
  return options;
}

std::vector<std::string> ServerCore::addresses() const {
  std::vector<std::string> names;
  for (const net::Listener& listener : listeners_) names.push_back(listener.name());
  return names;
}

void ServerCore::drain() {
  draining_.store(true);
  if (started_.load()) hub_->command(net::Reactor::kDrain);
}

void ServerCore::stop() {
  stopping_.store(true);
  draining_.store(true);
  over_.store(true);
  if (started_.load()) hub_->command(net::Reactor::kStop);
}

// A reactor that waited would never end, and neither would the wait.
void ServerCore::expect_no_reactor() const {
  if (own_reactor() == nullptr) return;
  throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                          "stop() and wait() must not be called on a reactor thread");
}

void ServerCore::wait() {
  expect_no_reactor();
  const std::lock_guard lock(life_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  if (started_.load()) over_.store(true);
  if (engines_ != nullptr) engines_->stop();
  if (redis_ != nullptr) redis_->stop();
}

bool ServerCore::rejects_handshakes() const noexcept {
  if (!draining()) return false;
  const net::Reactor* const reactor = net::Reactor::current();
  return settings_.drain_delay == 0 || reactor == nullptr || reactor->draining();
}

bool ServerCore::ends_after_response() const noexcept {
  // A server that replaces its oldest connection needs no response to make room.
  const std::uint32_t most = settings_.replace_oldest ? 0 : settings_.max_connections;
  return draining() || (most != 0 && counts_.connections.load(std::memory_order_relaxed) >= most);
}

std::size_t ServerCore::connection_count() const noexcept {
  return counts_.connections.load(std::memory_order_acquire);
}

std::size_t ServerCore::forced_closes() const noexcept {
  return counts_.forced_closes.load(std::memory_order_relaxed);
}

bool ServerCore::check_liveness() {
  if (!started_.load()) return false;
  const std::uint64_t all = ~std::uint64_t{0} >> (hub::Hub::kMaxShards - reactor_count_);
  // A reactor that has not answered still has the previous command.
  if (liveness_asked_ && counts_.answered.load(std::memory_order_relaxed) != all) return false;
  counts_.answered.store(0, std::memory_order_relaxed);
  try {
    hub_->command(net::Reactor::kReportAlive);
    liveness_asked_ = true;
  } catch (const std::bad_alloc&) {
    liveness_asked_ = false;  // some reactors did not get the command
  }
  return true;
}

template <class Fill>
void ServerCore::write_line(LogLevel level, std::string_view event, Fill fill) noexcept {
  if (!log_.wants(level)) return;
  try {
    LogLine line = log_.line(level, event);
    fill(line);
    log_.write(line);
  } catch (const std::bad_alloc&) {
    log_.lost();
  }
}

void ServerCore::log(LogLevel level, std::string_view event, std::string_view text) {
  write_line(level, event,
             [&](LogLine& line) { line.add("text", server::with_option_names(options_, text)); });
}

void ServerCore::log_engine_event(LogLevel level, std::string_view event, std::uint32_t reactor,
                                  std::string_view room, std::string_view text) noexcept {
  write_line(level, event, [&](LogLine& line) {
    line.add("reactor", reactor);
    if (!room.empty()) line.add("room", room);
    line.add("text", server::with_option_names(options_, text));
  });
}

// Methods of Connection and Hub

net::Reactor* ServerCore::own_reactor() const noexcept {
  net::Reactor* const current = net::Reactor::current();
  if (current == nullptr) return nullptr;
  const std::uint32_t index = current->shard().index();
  return index < reactors_.size() && reactors_[index].get() == current ? current : nullptr;
}

net::Connection* ServerCore::find_local(ConnectionId id) const noexcept {
  net::Reactor* const reactor = own_reactor();
  return reactor == nullptr ? nullptr : reactor->find(id);
}

bool ServerCore::too_big(std::string_view payload) const noexcept {
  return payload.size() > options_.limits.max_message_bytes;
}

// Returns the result of a call on a reactor thread. A call that makes a shard wait is accepted, but
// pauses the connection that caused it.
SendResult ServerCore::accepted(net::Reactor& reactor, hub::PublishOutcome outcome) {
  if (outcome == hub::PublishOutcome::kCongested) reactor.pause_publisher();
  return SendResult::kSent;
}

SendResult ServerCore::send(ConnectionId id, MessageType type, std::string_view payload) {
  if (!serves()) return SendResult::kClosed;
  net::Reactor* const reactor = own_reactor();
  if (reactor != nullptr && hub::shard_of(id) == reactor->shard().index()) {
    net::Connection* const connection = reactor->find(id);
    return connection == nullptr ? SendResult::kClosed : connection->send(type, as_bytes(payload));
  }
  if (too_big(payload)) return SendResult::kTooBig;
  SharedBytes frame = frame_of(type, payload, reactor != nullptr);
  if (!frame) return SendResult::kCongested;
  if (reactor == nullptr) return hub_->send(id, std::move(frame));
  return accepted(*reactor, reactor->shard().send_away(id, std::move(frame)));
}

SendResult ServerCore::publish(std::string_view room, MessageType type, std::string_view payload,
                               Hub::Receipt receipt, ConnectionId except) {
  if (!serves()) return SendResult::kClosed;
  if (too_big(payload)) return SendResult::kTooBig;
  net::Reactor* const reactor = own_reactor();
  SharedBytes frame = frame_of(type, payload, reactor != nullptr);
  if (!frame) return SendResult::kCongested;
  std::unique_ptr<hub::RoomStateCallback> waiting;
  if (receipt) {
    waiting = listener(*this, "receipt",
                       [call = std::move(receipt)](const RoomState& state) { call(state.last); });
  }
  if (reactor == nullptr) {
    return hub_->publish(room, std::move(frame), std::move(waiting), nullptr, except);
  }
  // A publisher with a receipt learns of a refusal by it.
  const ConnectionId publisher = waiting == nullptr ? reactor->reading() : hub::kNoPublisher;
  return accepted(*reactor, reactor->shard().publish(room, std::move(frame), std::move(waiting),
                                                     publisher, except));
}

SendResult ServerCore::publish_once(std::string_view room, MessageType type,
                                    std::string_view payload, std::string_view key,
                                    Hub::Receipt receipt) {
  if (!serves()) return SendResult::kClosed;
  if (too_big(payload) || key.empty() || key.size() > hub::kMostKeyBytes) {
    return SendResult::kTooBig;
  }
  net::Reactor* const reactor = own_reactor();
  SharedBytes frame = frame_of(type, payload, reactor != nullptr);
  if (!frame) return SendResult::kCongested;
  auto waiting = listener(
      *this, "receipt", [call = std::move(receipt)](const RoomState& state) { call(state.last); });
  auto once = std::make_unique<hub::PublishKey>(
      hub::PublishKey{std::string(key), hub::fingerprint_of(type, payload), {}});
  if (reactor == nullptr) {
    return hub_->publish(room, std::move(frame), std::move(waiting), std::move(once));
  }
  return accepted(*reactor, reactor->shard().publish_once(room, std::move(frame), std::move(once),
                                                          std::move(waiting)));
}

SendResult ServerCore::query(std::string_view room, Hub::StateCallback callback) {
  if (!serves()) return SendResult::kClosed;
  auto waiting = listener(*this, "answer", std::move(callback));
  net::Reactor* const reactor = own_reactor();
  if (reactor == nullptr) return hub_->query(room, std::move(waiting));
  return accepted(*reactor, reactor->shard().query(room, std::move(waiting)));
}

void ServerCore::post(std::unique_ptr<hub::Mail> task) noexcept {
  const ConnectionId member = std::get<hub::MemberTaskMail>(task->body).member;
  hub_->shard(hub::shard_of(member)).post(std::move(task));
}

void ServerCore::close(ConnectionId id, CloseCode code, std::string_view reason) {
  if (!started_.load(std::memory_order_acquire)) return;
  if (net::Connection* const connection = find_local(id)) {
    connection->close(CloseCause::kApplicationClosed, code, reason);
  } else {
    hub_->close(id, code, reason);
  }
}

SendResult ServerCore::join(ConnectionId id, std::string_view room, const Since& since,
                            std::string_view info) {
  if (!serves()) return SendResult::kClosed;
  net::Reactor* const reactor = own_reactor();
  if (reactor == nullptr) return hub_->join(id, room, since, info);
  hub::Shard& shard = reactor->shard();
  if (hub::shard_of(id) != shard.index()) {
    return accepted(*reactor, shard.join_away(id, room, since, info));
  }
  net::Connection* const connection = reactor->find(id);
  if (connection == nullptr || !connection->open()) return SendResult::kClosed;
  return accepted(*reactor, shard.join(*connection, room, since, info));
}

SendResult ServerCore::leave(ConnectionId id, std::string_view room) {
  if (!serves()) return SendResult::kClosed;
  net::Reactor* const reactor = own_reactor();
  if (reactor == nullptr) return hub_->leave(id, room);
  hub::Shard& shard = reactor->shard();
  if (hub::shard_of(id) != shard.index()) return accepted(*reactor, shard.leave_away(id, room));
  net::Connection* const connection = reactor->find(id);
  if (connection == nullptr) return SendResult::kClosed;
  return accepted(*reactor, shard.leave(*connection, room));
}

// net::Application

void ServerCore::log_handler_exception(std::string_view where) noexcept {
  std::uint64_t suppressed = 0;
  if (!log_.wants(LogLevel::kError) || !exception_log_limit_.take(net::monotonic_ms(), suppressed))
    return;
  write_line(LogLevel::kError, "handler_exception", [&](LogLine& line) {
    line.add("text", std::string(where) + ": " + server::current_exception_text());
    if (suppressed != 0) line.add("suppressed", suppressed);
  });
}

// Called within a catch clause. Not inlined, so that its code stays out of the message path.
[[gnu::noinline]] void ServerCore::handler_exception(net::Connection& connection,
                                                     const char* handler) noexcept {
  log_handler_exception(handler);
  connection.fail(CloseCause::kHandlerError, close_code_for(CloseCause::kHandlerError),
                  "internal error");
}

void ServerCore::run_opened(ConnectionId id, const std::function<void(Connection&)>& opened) {
  net::Connection* const connection = find_local(id);
  if (connection == nullptr) return;
  Connection handle(this, id);
  guarded(*connection, "opened", [&] { opened(handle); });
}

net::RequestResult ServerCore::on_request(net::Connection& connection,
                                          const protocol::HttpRequest& request) {
  return request.body_read ? requests_.on_body(connection, request)
                           : requests_.on_head(connection, request);
}

void ServerCore::on_open(net::Connection& connection) {
  const Handlers& handlers = requests_.handlers(connection.route());
  if (!handlers.open) return;
  Connection handle(this, connection.id());
  guarded(connection, "open", [&] { handlers.open(handle); });
}

void ServerCore::on_message(net::Connection& connection, const Message& message) {
  const Handlers& handlers = requests_.handlers(connection.route());
  if (!handlers.message) return;
  Connection handle(this, connection.id());
  guarded(connection, "message", [&] { handlers.message(handle, message); });
}

MutableBytes ServerCore::on_small_messages(net::Connection& connection, MutableBytes input) {
  const Handlers& handlers = requests_.handlers(connection.route());
  if (!handlers.message) return net::Application::on_small_messages(connection, input);
  guarded(connection, "message", [&] {
    for (protocol::SmallMessage small; connection.take_small(input, small);) {
      Connection handle(this, connection.id());
      handlers.message(handle, {static_cast<MessageType>(small.opcode), as_text(small.payload)});
      if (!connection.open()) break;
    }
  });
  return input;
}

void ServerCore::on_join_refused(net::Connection& connection, std::string_view room,
                                 JoinRefusal why) {
  const Handlers& handlers = requests_.handlers(connection.route());
  if (!handlers.join_refused) {
    if (why == JoinRefusal::kEngine) {
      connection.fail(CloseCause::kRoomLimit, CloseCode::kInternalError,
                      "the engine cannot open this room");
      return;
    }
    connection.fail(CloseCause::kRoomLimit, close_code_for(CloseCause::kRoomLimit),
                    "too many rooms");
    return;
  }
  Connection handle(this, connection.id());
  guarded(connection, "join_refused", [&] { handlers.join_refused(handle, room, why); });
}

void ServerCore::on_close(net::Connection& connection, const CloseInfo& info) {
  const Handlers& handlers = requests_.handlers(connection.route());
  if (!handlers.close) return;
  Connection handle(this, connection.id());
  guarded(connection, "close", [&] { handlers.close(handle, info); });
}

void ServerCore::on_end(const net::EndRecord& record) {
  if (record.granted) requests_.release_address(*record.peer_info);
  if (record.close.cause == CloseCause::kProxyHeader) log_rejected_proxy_header(record);
  // Successful plain HTTP and health checks are at level debug. WebSocket connections and
  // rejections matter more.
  const CloseCause cause = record.close.cause;
  const bool quiet = cause == CloseCause::kHttpDone || cause == CloseCause::kProbe;
  const LogLevel level = quiet ? LogLevel::kDebug : LogLevel::kInfo;
  std::uint64_t suppressed = 0;
  if (!record.opened && log_.wants(level) &&
      !refusal_log_limits_.of(record.close.cause).take(net::monotonic_ms(), suppressed)) {
    return;
  }
  log_end(level, record, suppressed);
}

void ServerCore::log_end(LogLevel level, const net::EndRecord& record,
                         std::uint64_t suppressed) noexcept {
  write_line(level, "connection_end", [&](LogLine& line) {
    server::add_end_fields(line, record);
    if (suppressed != 0) line.add("suppressed", suppressed);
  });
}

// Logs at level warn, unlike other rejections, because the configuration of wsd or of the proxy is
// probably wrong, and then no client can connect.
void ServerCore::log_rejected_proxy_header(const net::EndRecord& record) noexcept {
  std::uint64_t suppressed = 0;
  if (!log_.wants(LogLevel::kWarn) || !proxy_log_limit_.take(net::monotonic_ms(), suppressed))
    return;
  write_line(LogLevel::kWarn, "proxy_header_refused", [&](LogLine& line) {
    line.add("remote", record.peer_info->remote());
    line.add("text", protocol::violation_text(record.violation));
    if (suppressed != 0) line.add("suppressed", suppressed);
  });
}

void ServerCore::on_warning(const char* event, const std::string& text) {
  log(LogLevel::kWarn, event, text);
}

}  // namespace wsd
