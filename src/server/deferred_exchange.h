// One request that is answered later: what is behind a Responder.
#pragma once

#include <atomic>
#include <memory>

#include "hub/mail.h"
#include "net/application.h"
#include "server/http_response.h"
#include "wsd/connection.h"
#include "wsd/http.h"

namespace wsd {
class ServerCore;
}

namespace wsd::server {

// The answer goes to the connection's shard as mail, which is made beforehand: answering never
// fails for want of memory, though it may be a mere end then. Any thread.
class DeferredExchange final : public Responder::Exchange {
 public:
  DeferredExchange(ServerCore& core, ConnectionId connection, const RequestTraits& request);
  ~DeferredExchange() override;
  void respond(Response response) override;

 private:
  class Delivery;

  [[nodiscard]] bool begin() noexcept;

  ServerCore& core_;
  std::shared_ptr<const std::atomic<bool>> gone_;  // the server, and everything of it
  const RequestTraits request_;
  std::atomic<bool> answered_{false};
  Delivery* delivery_;  // in mail_
  std::unique_ptr<hub::Mail> mail_;
};

}  // namespace wsd::server
