// The implementation of a Responder: one request whose response comes later.
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

// Sends the response to the connection's shard as mail. The constructor allocates the mail, so
// respond() cannot fail. If memory runs out in it, the connection ends without a response.
// Any thread.
class DeferredExchange final : public Responder::Exchange {
 public:
  DeferredExchange(ServerCore& core, ConnectionId connection, const RequestTraits& request);
  ~DeferredExchange() override;
  void respond(Response response) override;

 private:
  class Delivery;

  [[nodiscard]] bool begin() noexcept;

  ServerCore& core_;
  std::shared_ptr<const std::atomic<bool>>
      gone_;  // set when the server is destroyed, with all it owns
  const RequestTraits request_;
  std::atomic<bool> answered_{false};
  Delivery* delivery_;  // in mail_
  std::unique_ptr<hub::Mail> mail_;
};

}  // namespace wsd::server
