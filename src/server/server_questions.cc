// The part of ServerCore that asks the reactors for figures and lists, and carries out the
// actions of operators.
#include "server/introspection.h"
#include "server/operator_actions.h"
#include "server/server_core.h"
#include "server/stats.h"

namespace wsd {
namespace {

// Calls the callback that the application passed to members().
class MembersListener final : public hub::MembersCallback {
 public:
  MembersListener(ServerCore& core, Hub::MembersCallback call)
      : core_(core), call_(std::move(call)) {}
  void run(const RoomMembers& members) noexcept override {
    try {
      call_(members);
    } catch (...) {
      core_.log_handler_exception("answer");
    }
  }

 private:
  ServerCore& core_;
  const Hub::MembersCallback call_;
};

}  // namespace

SendResult ServerCore::members(std::string_view room, const MembersQuery& query,
                               Hub::MembersCallback callback) {
  if (!serves()) return SendResult::kClosed;
  auto waiting = std::make_unique<MembersListener>(*this, std::move(callback));
  net::Reactor* const reactor = own_reactor();
  if (reactor == nullptr) return hub_->members(room, query, std::move(waiting));
  return accepted(*reactor, reactor->shard().members(room, query, std::move(waiting)));
}

ServerStats ServerCore::stats() const {
  ServerStats stats;
  stats.draining = draining_.load(std::memory_order_relaxed);
  if (!started_.load(std::memory_order_acquire)) return stats;
  stats.start_time_ms = start_time_ms_;
  stats.by_reactor.reserve(reactors_.size());
  for (const auto& reactor : reactors_) server::add_reactor(stats, reactor->stats());
  for (std::uint32_t i = 0; i < hub_->shard_count(); ++i) server::add_shard(stats, hub_->shard(i));
  stats.turns_total = stats.turn.count();
  stats.input_bytes = counts_.input.bytes();
  stats.output_bytes = counts_.output.bytes();
  if (engines_ != nullptr) stats.history_log = engines_->figures();
  if (redis_ != nullptr) stats.engine = redis_->figures();
  stats.context_bytes = counts_.context_bytes.load(std::memory_order_relaxed);
  return stats;
}

bool ServerCore::may_ask() const noexcept {
  return started_.load(std::memory_order_acquire) && own_reactor() == nullptr;
}

Listing<ConnectionInfo> ServerCore::connections(const ConnectionQuery& query) const {
  if (!may_ask()) return {};
  return server::ask_connections(*hub_, query);
}

Listing<RoomInfo> ServerCore::rooms(std::uint32_t limit) const {
  if (!may_ask()) return {};
  return server::ask_rooms(*hub_, limit);
}

bool ServerCore::close_connection(ConnectionId id, CloseCode code, std::string_view reason) const {
  return may_ask() && server::ask_close(*hub_, id, code, reason);
}

ConnectionPage ServerCore::find_connections(const ConnectionFilter& filter, std::uint64_t cursor,
                                            std::uint32_t limit) const {
  if (!may_ask()) return {};
  return server::ask_page(*hub_, filter, cursor, limit);
}

CloseResult ServerCore::close_connections(const ConnectionFilter& filter, CloseCode code,
                                          std::string_view reason) const {
  if (!may_ask()) return {};
  return server::ask_close_all(*hub_, filter, code, reason);
}

std::optional<std::uint64_t> ServerCore::remove_messages(
    std::string_view room, const std::optional<Position>& message) const {
  // The engine and the other nodes would still have the messages.
  if (!may_ask() || redis_ != nullptr) return std::nullopt;
  return server::ask_remove(*hub_, room, message);
}

RoomCloseResult ServerCore::close_room(std::string_view room, CloseCode code,
                                       std::string_view reason) const {
  ConnectionFilter members;
  members.room = room;
  const CloseResult closed = close_connections(members, code, reason);
  if (redis_ != nullptr) return {closed.closed, 0, closed.complete};
  const std::optional<std::uint64_t> removed = remove_messages(room, std::nullopt);
  return {closed.closed, removed.value_or(0), closed.complete && removed.has_value()};
}

}  // namespace wsd
