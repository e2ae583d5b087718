// Implements the public handles by calls to ServerCore.
#include "wsd/server.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "hub/room_table.h"
#include "server/block_sigpipe.h"
#include "server/presence_encoder.h"
#include "server/server_core.h"

namespace wsd {

Server::Server() : Server(ServerOptions{}) {}
Server::Server(ServerOptions options) : core_(std::make_unique<ServerCore>(std::move(options))) {}
Server::~Server() = default;

void Server::route(std::string_view pattern, Handlers handlers) {
  core_->route(pattern, std::move(handlers), {});
}
void Server::route(std::string_view pattern, Handlers handlers, RouteOptions options) {
  core_->route(pattern, std::move(handlers), std::move(options));
}
void Server::http(std::string_view pattern, HttpHandler handler) {
  core_->http("GET", pattern, {std::move(handler), {}});
}
void Server::http(std::string_view method, std::string_view pattern, HttpHandler handler) {
  core_->http(method, pattern, {std::move(handler), {}});
}
void Server::http(std::string_view method, std::string_view pattern, DeferredHandler handler) {
  core_->http(method, pattern, {{}, std::move(handler)});
}
void Server::http(std::string_view method, std::string_view pattern, HttpGuard guard,
                  DeferredHandler handler) {
  core_->http(method, pattern, {{}, std::move(handler), std::move(guard)});
}
std::string Server::listen(std::string_view address) { return core_->listen(address); }
std::string Server::adopt(int fd) { return core_->adopt(fd); }
std::vector<std::string> Server::addresses() const { return core_->addresses(); }
std::string Server::start() { return core_->start(); }
void Server::drain() { core_->drain(); }
bool Server::draining() const noexcept { return core_->draining(); }
void Server::stop() {
  core_->expect_no_reactor();
  core_->stop();
  core_->wait();
}
void Server::wait() { core_->wait(); }
std::size_t Server::forced_closes() const noexcept { return core_->forced_closes(); }
bool Server::check_liveness() { return core_->check_liveness(); }

int Server::run() {
  core_->expect_no_reactor();
  if (const std::string error = start(); !error.empty()) {
    const server::BlockSigpipe block;
    static_cast<void>(std::fprintf(stderr, "%s\n", error.c_str()));
    return 1;
  }
  wait();
  return 0;
}

Hub Server::hub() const noexcept { return Hub(core_.get()); }
std::uint32_t Server::reactor_count() const noexcept { return core_->reactor_count(); }

SendResult Server::post(std::uint32_t reactor, std::function<void()> task) const {
  return core_->post_task(reactor, std::move(task));
}

Timer Server::start_timer(std::uint32_t reactor, std::uint32_t delay_ms,
                          std::function<void()> handler) const {
  return core_->start_timer(reactor, delay_ms, 0, std::move(handler));
}

Timer Server::start_repeating_timer(std::uint32_t reactor, std::uint32_t interval_ms,
                                    std::function<void()> handler) const {
  const std::uint32_t interval = std::max<std::uint32_t>(interval_ms, 1);
  return core_->start_timer(reactor, interval, interval, std::move(handler));
}

std::size_t Server::connection_count() const noexcept { return core_->connection_count(); }
ServerStats Server::stats() const { return core_->stats(); }
Listing<ConnectionInfo> Server::connections(const ConnectionQuery& query) const {
  return core_->connections(query);
}
Listing<RoomInfo> Server::rooms(std::uint32_t limit) const { return core_->rooms(limit); }
bool Server::close_connection(ConnectionId id, CloseCode code, std::string_view reason) const {
  return core_->close_connection(id, code, reason);
}

ConnectionPage Server::find_connections(const ConnectionFilter& filter, std::uint64_t cursor,
                                        std::uint32_t limit) const {
  return core_->find_connections(filter, cursor, limit);
}

CloseResult Server::close_connections(const ConnectionFilter& filter, CloseCode code,
                                      std::string_view reason) const {
  return core_->close_connections(filter, code, reason);
}

std::optional<std::uint64_t> Server::remove_message(std::string_view room,
                                                    const Position& message) const {
  return core_->remove_messages(room, message);
}

std::optional<std::uint64_t> Server::clear_history(std::string_view room) const {
  return core_->remove_messages(room, std::nullopt);
}

RoomCloseResult Server::close_room(std::string_view room, CloseCode code,
                                   std::string_view reason) const {
  return core_->close_room(room, code, reason);
}
void Server::log(LogLevel level, std::string_view event, std::string_view text) const {
  core_->log(level, event, text);
}

SendResult Hub::publish(std::string_view room, MessageType type, std::string_view payload) const {
  return core_->publish(room, type, payload);
}

SendResult Hub::publish(std::string_view room, MessageType type, std::string_view payload,
                        Receipt receipt) const {
  return core_->publish(room, type, payload, std::move(receipt));
}

SendResult Hub::publish(std::string_view room, MessageType type, std::string_view payload,
                        const Connection& except, Receipt receipt) const {
  // Connections of another server, or of a client, may have the same ids.
  const ConnectionId left_out = except.core_ == core_ ? except.id_ : ConnectionId{0};
  return core_->publish(room, type, payload, std::move(receipt), left_out);
}

SendResult Hub::publish_once(std::string_view room, MessageType type, std::string_view payload,
                             std::string_view key, Receipt receipt) const {
  return core_->publish_once(room, type, payload, key, std::move(receipt));
}

SendResult Hub::query(std::string_view room, StateCallback callback) const {
  return core_->query(room, std::move(callback));
}

SendResult Hub::members(std::string_view room, const MembersQuery& query,
                        MembersCallback callback) const {
  return core_->members(room, query, std::move(callback));
}

SendResult Connection::send(MessageType type, std::string_view payload) const {
  if (net::Connection::reading(core_, id_)) {
    return net::current_connection.connection->send_fast(type, as_bytes(payload));
  }
  return core_ == nullptr ? SendResult::kClosed : core_->send(id_, type, payload);
}

void Connection::close(CloseCode code, std::string_view reason) const {
  if (core_ != nullptr) core_->close(id_, code, reason);
}

SendResult Connection::join(std::string_view room) const {
  return core_ == nullptr ? SendResult::kClosed : core_->join(id_, room);
}

SendResult Connection::join(std::string_view room, const Since& since) const {
  return core_ == nullptr ? SendResult::kClosed : core_->join(id_, room, since);
}

SendResult Connection::join(std::string_view room, const Since& since,
                            std::string_view info) const {
  if (!server::is_member_info(info)) return SendResult::kTooBig;
  return core_ == nullptr ? SendResult::kClosed : core_->join(id_, room, since, info);
}

std::string Connection::member_id() const {
  return core_ == nullptr ? std::string() : hub::member_id(core_->node(), id_);
}

SendResult Connection::leave(std::string_view room) const {
  return core_ == nullptr ? SendResult::kClosed : core_->leave(id_, room);
}

SendResult Connection::post(std::function<void(Connection&)> task) const {
  return core_ == nullptr ? SendResult::kClosed : core_->post_task(id_, std::move(task));
}

Timer Connection::start_timer(std::uint32_t delay_ms,
                              std::function<void(Connection&)> handler) const {
  return core_ == nullptr ? Timer() : core_->start_timer(id_, delay_ms, 0, std::move(handler));
}

Timer Connection::start_repeating_timer(std::uint32_t interval_ms,
                                        std::function<void(Connection&)> handler) const {
  const std::uint32_t interval = std::max<std::uint32_t>(interval_ms, 1);
  return core_ == nullptr ? Timer()
                          : core_->start_timer(id_, interval, interval, std::move(handler));
}

bool Connection::notify_drained(std::size_t mark) const {
  return core_ != nullptr && core_->notify_drained(id_, mark);
}

namespace {

net::Connection* find(ServerCore* core, ConnectionId id) {
  return core == nullptr ? nullptr : core->find_local(id);
}

}  // namespace

void Connection::pause() const noexcept {
  net::Connection* const connection = find(core_, id_);
  if (connection != nullptr) connection->pause_by_application();
}

void Connection::resume() const noexcept {
  net::Connection* const connection = find(core_, id_);
  if (connection != nullptr) connection->resume_by_application();
}

SendResult Connection::ping(std::string_view payload) const {
  net::Connection* const connection = find(core_, id_);
  return connection == nullptr ? SendResult::kClosed : connection->ping(as_bytes(payload));
}

std::uint64_t Connection::round_trip_us() const noexcept {
  const net::Connection* const connection = find(core_, id_);
  return connection == nullptr ? 0 : connection->round_trip().us();
}

std::string_view Connection::room() const {
  net::Connection* const connection = find(core_, id_);
  if (connection == nullptr || connection->memberships().empty()) return {};
  return connection->memberships().at(0).room->name;
}

std::vector<std::string_view> Connection::rooms() const {
  std::vector<std::string_view> names;
  net::Connection* const connection = find(core_, id_);
  if (connection == nullptr) return names;
  for (std::size_t i = 0; i < connection->memberships().size(); ++i) {
    names.push_back(connection->memberships().at(i).room->name);
  }
  return names;
}

std::string_view Connection::user() const {
  const net::Connection* const connection = find(core_, id_);
  return connection == nullptr ? std::string_view() : connection->peer_info().user();
}

std::string_view Connection::remote() const {
  const net::Connection* const connection = find(core_, id_);
  return connection == nullptr ? std::string_view() : connection->peer_info().remote();
}

std::string_view Connection::path() const {
  const net::Connection* const connection = find(core_, id_);
  return connection == nullptr ? std::string_view() : connection->peer_info().path();
}

std::string_view Connection::subprotocol() const {
  const net::Connection* const connection = find(core_, id_);
  return connection == nullptr ? std::string_view() : connection->peer_info().subprotocol();
}

std::size_t Connection::queued_bytes() const {
  const net::Connection* const connection = find(core_, id_);
  return connection == nullptr ? 0 : connection->queued_bytes();
}

void Connection::set_data(std::unique_ptr<ConnectionData> data) const {
  net::Connection* const connection = find(core_, id_);
  if (connection != nullptr) connection->set_data(std::move(data));
}

ConnectionData* Connection::data_base() const {
  const net::Connection* const connection = find(core_, id_);
  return connection == nullptr ? nullptr : connection->data();
}

}  // namespace wsd
