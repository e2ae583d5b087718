#include "server/deferred_upgrade.h"

#include <utility>

#include "base/assert.h"
#include "net/connection.h"
#include "server/request_handler.h"
#include "server/server_core.h"

namespace wsd::server {

class DeferredUpgrade::Delivery final : public hub::MemberTask {
 public:
  explicit Delivery(ServerCore& core) noexcept : core_(core) {}
  void run(hub::Member* member) noexcept override {
    if (member == nullptr) return;
    core_.complete_upgrade(*static_cast<net::Connection*>(member), std::move(verdict));
  }
  Upgrade verdict;

 private:
  ServerCore& core_;
};

DeferredUpgrade::DeferredUpgrade(ServerCore& core, ConnectionId connection,
                                 std::shared_ptr<const std::atomic<bool>> over)
    : core_(core), server_gone_(core.gone()), over_(std::move(over)) {
  auto delivery = std::make_unique<Delivery>(core);
  delivery_ = delivery.get();
  mail_ = hub::mail_of(hub::MemberTaskMail{connection, std::move(delivery)});
}

// The text is short enough to need no memory.
DeferredUpgrade::~DeferredUpgrade() { respond(Upgrade::reject(500, "internal error")); }

void DeferredUpgrade::respond(Upgrade verdict) noexcept {
  if (server_gone_->load(std::memory_order_acquire)) return;
  if (decided_.exchange(true, std::memory_order_relaxed)) return;
  if (over_->load(std::memory_order_relaxed)) return;  // so the verdict is freed here
  delivery_->verdict = std::move(verdict);
  core_.post(std::move(mail_));
}

bool DeferredUpgrade::gone() const noexcept {
  return decided_.load(std::memory_order_relaxed) || over_->load(std::memory_order_relaxed) ||
         server_gone_->load(std::memory_order_acquire);
}

// The part of the request handler that needs it

net::RequestResult RequestHandler::defer_handshake(ConnectionId id, const Handlers& handlers,
                                                   const Request& request) {
  net::RequestResult result;
  result.kind = net::RequestResult::Kind::kDefer;
  result.verdict_over = std::make_shared<std::atomic<bool>>(false);
  const UpgradeResponder responder(
      std::make_shared<DeferredUpgrade>(core_, id, result.verdict_over));
  try {
    handlers.deferred_upgrade(request, responder);
  } catch (...) {
    // The destructor of the last copy of the responder rejects the handshake.
    core_.log_handler_exception("deferred_upgrade");
  }
  return result;
}

net::RequestResult RequestHandler::on_verdict(net::Connection& connection, Upgrade verdict) {
  const protocol::HttpRequest& request = connection.pending_request();
  // on_handshake() found both valid, and routes do not change.
  const auto match = routes_.match(request.path);
  WSD_ASSERT(match.has_value());
  const protocol::Handshake handshake = protocol::check_handshake(request);
  WSD_ASSERT(handshake.violation == protocol::Violation::kNone);
  net::RequestResult result =
      answer_handshake(connection.id(), request, connection.peer_info(), *match, handshake,
                       checked_verdict(std::move(verdict), handshake));
  add_cross_origin(request, result);
  return result;
}

}  // namespace wsd::server
