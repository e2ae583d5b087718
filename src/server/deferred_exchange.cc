#include "server/deferred_exchange.h"

#include <new>
#include <utility>

#include "net/connection.h"
#include "server/server_core.h"

namespace wsd::server {

class DeferredExchange::Delivery final : public hub::MemberTask {
 public:
  void run(hub::Member* member) noexcept override {
    if (member == nullptr) return;
    // Does nothing if the request has already ended in another way.
    static_cast<net::Connection*>(member)->complete_request(result);
  }
  net::RequestResult result;  // by default empty, which ends the connection
};

DeferredExchange::DeferredExchange(ServerCore& core, ConnectionId connection,
                                   const RequestTraits& request)
    : core_(core), gone_(core.gone()), request_(request) {
  auto delivery = std::make_unique<Delivery>();
  delivery_ = delivery.get();
  mail_ = hub::mail_of(hub::MemberTaskMail{connection, std::move(delivery)});
}

DeferredExchange::~DeferredExchange() {
  if (answered_.load(std::memory_order_relaxed)) return;
  try {
    respond(internal_error());
  } catch (const std::bad_alloc&) {
    if (begin()) core_.post(std::move(mail_));
  }
}

void DeferredExchange::respond(Response response) {
  if (!begin()) return;
  try {
    delivery_->result = core_.response_for(request_, std::move(response));
  } catch (const std::bad_alloc&) {
    delivery_->result.status = 500;
  }
  core_.post(std::move(mail_));
}

// Returns true for the first call only, and false if the server is destroyed.
bool DeferredExchange::begin() noexcept {
  if (gone_->load(std::memory_order_acquire)) return false;
  return !answered_.exchange(true, std::memory_order_relaxed);
}

}  // namespace wsd::server
