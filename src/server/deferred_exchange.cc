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
    // A connection whose request has come to another end in the meantime takes no notice.
    static_cast<net::Connection*>(member)->complete_request(result);
  }
  net::RequestResult result;  // as it is: nothing is said, and the connection ends
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

// Once alone.
bool DeferredExchange::begin() noexcept {
  if (gone_->load(std::memory_order_acquire)) return false;
  return !answered_.exchange(true, std::memory_order_relaxed);
}

}  // namespace wsd::server
