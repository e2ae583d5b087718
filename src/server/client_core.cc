#include "server/client_core.h"

#include <limits>
#include <utility>

#include "hub/mail.h"
#include "hub/member_table.h"
#include "protocol/deflate.h"

namespace wsd {
namespace {

// The settings that a client does not have keep defaults that have no effect without listeners.
ServerOptions server_options(const ClientOptions& options) {
  ServerOptions all;
  all.reactors = options.reactors;
  all.heartbeat = options.heartbeat;
  all.limits = options.limits;
  all.limits.max_connections = 0;
  all.limits.replace_oldest = false;
  all.limits.reserved_descriptors = 0;
  all.deflate = options.deflate;
  all.log = options.log;
  all.drain_window_ms = 0;  // the Close frames go to many servers, and not from one
  all.drain_timeout_ms = options.drain_timeout_ms;
  // Each connection has a timeout of its own: see ClientLink.
  all.upgrade.handshake_timeout_ms = std::numeric_limits<std::uint32_t>::max();
  return all;
}

class DialTask final : public hub::ShardTask {
 public:
  DialTask(server::ClientLinks& links, server::ConnectRequest request)
      : links_(links), request_(std::move(request)) {}
  void run() override { links_.dial(request_); }

 private:
  server::ClientLinks& links_;
  server::ConnectRequest request_;
};

class EndDialingTask final : public hub::ShardTask {
 public:
  explicit EndDialingTask(server::ClientLinks& links) noexcept : links_(links) {}
  void run() override { links_.stop(); }

 private:
  server::ClientLinks& links_;
};

}  // namespace

std::string_view connect_cause_name(ConnectCause cause) noexcept {
  switch (cause) {
    case ConnectCause::kLookup:
      return "lookup";
    case ConnectCause::kUnreachable:
      return "unreachable";
    case ConnectCause::kTimeout:
      return "timeout";
    case ConnectCause::kRejected:
      return "rejected";
    case ConnectCause::kBadResponse:
      return "bad_response";
    case ConnectCause::kDisconnected:
      return "disconnected";
    case ConnectCause::kStopped:
      return "stopped";
    case ConnectCause::kNoResources:
      return "no_resources";
  }
  return "unknown";
}

ClientCore::ClientCore(const ClientOptions& options)
    : ServerCore(server_options(options)), deflate_(options.deflate) {}

// While it waits, handlers still run, and they need this object.
// NOLINTNEXTLINE(bugprone-exception-escape)
ClientCore::~ClientCore() {
  stop();
  wait();
}

std::string ClientCore::start() {
  if (started_) return "start() was called before: call it only once";
  if (std::string error = check_options(options()); !error.empty()) return error;
  started_ = true;
  if (std::string error = start_reactors(); !error.empty()) return error;
  for (const auto& reactor : reactors()) {
    links_.push_back(std::make_unique<server::ClientLinks>(*this, *reactor));
  }
  const std::lock_guard lock(life_);
  accepts_ = !ended_;
  return {};
}

// Takes the whole process's windows into account, as RequestHandler::negotiate() does.
bool ClientCore::may_keep_contexts() const noexcept {
  constexpr std::uint8_t kWidest = 15;
  const std::size_t most = protocol::inflater_bytes(kWidest) + protocol::deflater_bytes(kWidest);
  const std::size_t held = counts().context_bytes.load(std::memory_order_relaxed);
  // Later messages refer to earlier ones, so a queued message must not be dropped.
  return options().limits.slow_policy != SlowPolicy::kDropOldest &&
         most <= deflate_.max_context_bytes && held <= deflate_.max_context_bytes - most;
}

std::string ClientCore::connect(std::string_view url, ConnectOptions options, Handlers handlers,
                                ConnectHandler failed) {
  server::ConnectRequest request;
  std::string error = server::check_connect(url, options, deflate_, request);
  if (!error.empty()) return error;
  request.handlers = std::move(handlers);
  request.failed = std::move(failed);
  const std::lock_guard lock(life_);
  if (!accepts_) return "the client does not run: call connect() after start() and before drain()";
  const std::uint32_t index = next_reactor_++ % static_cast<std::uint32_t>(links_.size());
  shard(index).post(hub::mail_of(
      hub::ShardTaskMail{std::make_unique<DialTask>(*links_[index], std::move(request))}));
  return {};
}

void ClientCore::end_dialing() {
  const std::lock_guard lock(life_);
  ended_ = true;
  if (!std::exchange(accepts_, false)) return;
  for (std::uint32_t i = 0; i < links_.size(); ++i) {
    shard(i).post(hub::mail_of(hub::ShardTaskMail{std::make_unique<EndDialingTask>(*links_[i])}));
  }
}

void ClientCore::drain() {
  end_dialing();
  ServerCore::drain();
}

void ClientCore::stop() {
  end_dialing();
  ServerCore::stop();
}

void ClientCore::report(const server::ClientLink& link, const ConnectError& error) noexcept {
  log(LogLevel::kInfo, "connect_failed", error.text);
  if (!link.failed()) return;
  try {
    link.failed()(error);
  } catch (...) {
    log_handler_exception("connect");
  }
}

server::ClientLink& ClientCore::link_of(ConnectionId id) const noexcept {
  return links_[hub::shard_of(id)]->of(id);
}

const Handlers& ClientCore::handlers_of(const net::Connection& connection) const noexcept {
  return link_of(connection.id()).handlers();
}

net::ResponseResult ClientCore::on_response(net::Connection& connection,
                                            const protocol::HttpResponse& response) {
  return link_of(connection.id()).on_response(connection, response);
}

void ClientCore::on_open(net::Connection& connection) {
  server::ClientLink& link = link_of(connection.id());
  link.on_open();
  if (!link.handlers().open) return;
  Connection handle(this, connection.id());
  guarded(connection, "open", [&] { link.handlers().open(handle); });
}

void ClientCore::on_message(net::Connection& connection, const Message& message) {
  const Handlers& handlers = link_of(connection.id()).handlers();
  if (!handlers.message) return;
  Connection handle(this, connection.id());
  guarded(connection, "message", [&] { handlers.message(handle, message); });
}

void ClientCore::on_join_refused(net::Connection& connection, std::string_view room,
                                 JoinRefusal why) {
  const Handlers& handlers = link_of(connection.id()).handlers();
  if (!handlers.join_refused) {
    connection.fail(CloseCause::kRoomLimit, close_code_for(CloseCause::kRoomLimit),
                    "too many rooms");
    return;
  }
  Connection handle(this, connection.id());
  guarded(connection, "join_refused", [&] { handlers.join_refused(handle, room, why); });
}

void ClientCore::on_close(net::Connection& connection, const CloseInfo& info) {
  const Handlers& handlers = link_of(connection.id()).handlers();
  if (!handlers.close) return;
  Connection handle(this, connection.id());
  guarded(connection, "close", [&] { handlers.close(handle, info); });
}

void ClientCore::on_end(const net::EndRecord& record) {
  log_end(LogLevel::kInfo, record, 0);
  const server::ClientLink& link = link_of(record.id);
  if (!record.opened) {
    try {
      report(link, link.error_of(record));
    } catch (const std::bad_alloc&) {
      report(link, {ConnectCause::kNoResources, record.http_status, {}});
    }
  }
  links_[hub::shard_of(record.id)]->remove(record.id);
}

}  // namespace wsd
