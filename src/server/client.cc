// Implements the public handle of a client by calls to ClientCore.
#include "wsd/client.h"

#include <utility>

#include "server/client_core.h"

namespace wsd {

Client::Client() : Client(ClientOptions{}) {}
Client::Client(const ClientOptions& options) : core_(std::make_unique<ClientCore>(options)) {}
Client::~Client() = default;

std::string Client::start() { return core_->start(); }
std::string Client::connect(std::string_view url, ConnectOptions options, Handlers handlers,
                            ConnectHandler failed) {
  return core_->connect(url, std::move(options), std::move(handlers), std::move(failed));
}
Hub Client::hub() const noexcept { return Hub(core_.get()); }
std::size_t Client::connection_count() const noexcept { return core_->connection_count(); }
ServerStats Client::stats() const { return core_->stats(); }
void Client::drain() { core_->drain(); }
void Client::stop() {
  core_->expect_no_reactor();
  core_->stop();
  core_->wait();
}
void Client::wait() { core_->wait(); }

}  // namespace wsd
