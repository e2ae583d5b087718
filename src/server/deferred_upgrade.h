// The implementation of an UpgradeResponder: one handshake whose verdict comes later.
#pragma once

#include <atomic>
#include <memory>

#include "hub/mail.h"
#include "wsd/connection.h"
#include "wsd/http.h"

namespace wsd {
class ServerCore;
}

namespace wsd::server {

// Sends the verdict to the connection's shard as mail. The constructor allocates the mail, so
// respond() cannot fail. Any thread.
class DeferredUpgrade final : public UpgradeResponder::Exchange {
 public:
  // The connection sets `over` to true when it does not await the verdict any more.
  DeferredUpgrade(ServerCore& core, ConnectionId connection,
                  std::shared_ptr<const std::atomic<bool>> over);
  ~DeferredUpgrade() override;
  void respond(Upgrade verdict) noexcept override;
  [[nodiscard]] bool gone() const noexcept override;

 private:
  class Delivery;

  ServerCore& core_;
  // Set when the server is destroyed, with all it owns.
  std::shared_ptr<const std::atomic<bool>> server_gone_;
  std::shared_ptr<const std::atomic<bool>> over_;
  std::atomic<bool> decided_{false};
  Delivery* delivery_;  // in mail_
  std::unique_ptr<hub::Mail> mail_;
};

}  // namespace wsd::server
