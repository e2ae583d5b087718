#include "net/intake.h"

#include <bit>
#include <memory>
#include <new>
#include <utility>
#include <variant>

#include "hub/mail.h"
#include "net/connection.h"
#include "net/socket.h"

namespace wsd::net {
namespace {

// A connection on its way to the reactor that must serve it. Owns the descriptor, so that it is
// closed even if the mail is never read. No poller watches the descriptor meanwhile.
class Handover final : public hub::ShardTask {
 public:
  Handover(AcceptBalance& balance, std::uint32_t to, int fd, const PeerAddress& peer) noexcept
      : balance_(balance), to_(to), fd_(fd), peer_(peer) {}
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;
  ~Handover() override {
    if (fd_ >= 0) close_socket(fd_);
  }
  void run() override {
    balance_.intake(to_).take(fd_, peer_);
    fd_ = -1;
    balance_.arrived(to_);
  }

 private:
  AcceptBalance& balance_;
  const std::uint32_t to_;
  int fd_;
  const PeerAddress peer_;
};

}  // namespace

void Intake::take(int fd, const PeerAddress& peer) {
  const std::uint32_t limit = reactor_.settings.max_connections;
  bool over = limit != 0 && reactor_.counters.connections.load(std::memory_order_relaxed) >= limit;
  const bool serves = !stopped_ && !refusing_;
  if (over && serves && reactor_.settings.replace_oldest && replace_oldest()) over = false;
  Connection* const connection =
      connections_.make(reactor_, fd, PeerInfo(format_peer(peer), {}, {}, {}));
  if (!reactor_.poller.add(fd, std::bit_cast<std::uint64_t>(connection))) {
    connection->reset(CloseCause::kResourceFailure);
  } else if (stopped_) {
    connection->reset(CloseCause::kServerStopped);
  } else if (refusing_) {
    connection->reject_draining();
  } else if (over) {
    connection->reject_overload();
  } else if (reactor_.settings.session.proxy_header &&
             !reactor_.settings.trusted_proxies.trusts_peer(connection->peer_info().remote())) {
    connection->reject_untrusted_proxy();
  }
  // The connection is in the shard's table now, and is freed after finalize() returns true.
}

Connection& Intake::take_client(int fd, const PeerAddress& server, Bytes request) {
  Connection& connection =
      *connections_.make(reactor_, fd, PeerInfo(format_peer(server), {}, {}, {}));
  if (!reactor_.poller.add(fd, std::bit_cast<std::uint64_t>(&connection))) {
    connection.reset(CloseCause::kResourceFailure);
  } else if (stopped_ || refusing_) {
    connection.reset(CloseCause::kServerStopped);
  } else {
    connection.begin_client(request);
  }
  return connection;
}

// Returns false if no connection may be replaced.
bool Intake::replace_oldest() {
  Connection* oldest = nullptr;
  reactor_.shard.for_each_member([&](hub::Member& member) {
    auto& each = static_cast<Connection&>(member);
    if (!each.replaceable()) return;
    // Ages are in ticks. Of two in the same tick, the older one has the slot that was used less.
    const bool older = oldest == nullptr || each.age_ms() > oldest->age_ms() ||
                       (each.age_ms() == oldest->age_ms() && each.id() < oldest->id());
    if (older) oldest = &each;
  });
  if (oldest == nullptr) return false;
  oldest->make_way();
  replaced_ = true;
  return true;
}

void Intake::take_or_hand_over(int fd, const PeerAddress& peer) {
  AcceptBalance& balance = reactor_.counters.balance;
  const std::uint32_t self = reactor_.shard.index();
  const std::uint32_t to = refusing_ ? self : balance.choose(self);
  if (to == self) {
    take(fd, peer);
    return;
  }
  try {
    auto mail = hub::mail_of(hub::ShardTaskMail{});
    std::get<hub::ShardTaskMail>(mail->body).task =
        std::make_unique<Handover>(balance, to, fd, peer);
    reactor_.shard.post_to(to, std::move(mail));
  } catch (const std::bad_alloc&) {
    balance.arrived(to);
    take(fd, peer);
  }
}

std::uint64_t Intake::connections() const noexcept {
  std::uint64_t sum = 0;
  for (const Counter& each : reactor_.stats.connections) sum += each.value();
  return sum;
}

}  // namespace wsd::net
