#include "net/acceptor.h"

#include <new>

#include "net/socket.h"

namespace wsd::net {
namespace {

// Limits the accepts of one turn, so that a burst of connects does not delay other connections.
constexpr int kAcceptsPerTurn = 64;

// As many connections as a backlog can hold (listen(2), net.core.somaxconn). The limit lets a drain
// proceed even if clients keep connecting.
constexpr int kMostRefused = 65'536;

constexpr Tick kPauseTicks = ticks_for_ms(100);
constexpr Tick kComplaintTicks = ticks_for_ms(1000);

}  // namespace

Acceptor::Acceptor(ReactorContext& reactor, Intake& intake, int fd, Sharing sharing) noexcept
    : reactor_(reactor),
      intake_(intake),
      fd_(fd),
      descriptors_(reactor.settings.descriptor_limit),
      shared_(sharing != Sharing::kOwn),
      outlives_us_(sharing == Sharing::kAdopted) {}

Acceptor::~Acceptor() {
  reactor_.shard.wheel().cancel(*this);
  reactor_.poller.close(fd_);
}

bool Acceptor::watch(std::uint64_t token) noexcept {
  token_ = token;
  return shared_ ? reactor_.poller.add_shared(fd_, token) : reactor_.poller.add(fd_, token);
}

void Acceptor::accept_step() {
  // A replaced connection has its descriptor until the end of the turn, so there is one per turn.
  for (int i = 0; i < kAcceptsPerTurn && ready() && !intake_.take_replaced(); ++i) {
    if (!descriptors_.has_space(fd_)) {
      pause();
      break;
    }
    const AcceptResult result = accept_connection(fd_);
    switch (result.status) {
      case AcceptStatus::kOk:
        take(result.fd, result.peer);
        break;
      case AcceptStatus::kNext:
        break;
      case AcceptStatus::kAgain:
      case AcceptStatus::kBroken:
        ready_ = false;
        break;
      case AcceptStatus::kNoResources:
        pause();
        break;
    }
  }
  // A shared socket is level-triggered: the poller reports the remaining connections again.
  if (shared_) ready_ = false;
}

void Acceptor::refuse_waiting() {
  if (outlives_us_) return;
  for (int i = 0; i < kMostRefused && !paused_ && descriptors_.has_space(fd_); ++i) {
    const AcceptResult result = accept_connection(fd_);
    if (result.status == AcceptStatus::kOk) {
      take(result.fd, result.peer);
    } else if (result.status != AcceptStatus::kNext) {
      return;
    }
  }
}

void Acceptor::take(int fd, const PeerAddress& peer) {
  if (!descriptors_.allows(fd)) {
    close_socket(fd);
    pause();
    return;
  }
  try {
    if (shared_) {
      intake_.take_or_hand_over(fd, peer);
    } else {
      intake_.take(fd, peer);
    }
  } catch (const std::bad_alloc&) {
    close_socket(fd);
    pause();
  }
}

void Acceptor::pause() {
  paused_ = true;
  if (shared_) reactor_.poller.remove(fd_);
  reactor_.shard.wheel().arm(*this, reactor_.now + kPauseTicks);
  if (last_complaint_ != 0 && reactor_.now < last_complaint_ + kComplaintTicks) return;
  try {
    reactor_.application.on_warning(
        "accept_paused",
        "out of file descriptors or memory: no connections are accepted until some are free (raise "
        "the open-file limit, or set {option:limits.max_connections})");
    last_complaint_ = reactor_.now;
  } catch (const std::bad_alloc&) {
    // The next pause reports it.
  }
}

void Acceptor::on_deadline(Tick /*now*/) {
  if (shared_ && !reactor_.poller.add_shared(fd_, token_)) {
    reactor_.shard.wheel().arm(*this, reactor_.now + kPauseTicks);
    return;
  }
  paused_ = false;
}

}  // namespace wsd::net
