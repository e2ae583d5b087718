// An application that takes its time: it decides opening handshakes later, and pauses connections.
// Its tasks reach a connection's reactor by mail, at a random step.
#include <atomic>
#include <utility>

#include "net/connection.h"
#include "sim/broken.h"
#include "sim/simulation.h"

namespace wsd::sim {
namespace {

// Accepts a handshake, unless the connection has told that it does not wait any more.
class Verdict final : public hub::MemberTask {
 public:
  Verdict(std::unique_ptr<net::RequestResult> accepted,
          std::shared_ptr<const std::atomic<bool>> over) noexcept
      : accepted_(std::move(accepted)), over_(std::move(over)) {}
  void run(hub::Member* member) noexcept override {
    auto* const connection = static_cast<net::Connection*>(member);
    const bool awaits = connection != nullptr && connection->awaits_verdict();
    if (awaits == over_->load()) broken("a pending handshake and its flag disagree");
    if (awaits) connection->complete_upgrade(std::move(accepted_));
  }

 private:
  std::unique_ptr<net::RequestResult> accepted_;
  std::shared_ptr<const std::atomic<bool>> over_;
};

class Resume final : public hub::MemberTask {
 public:
  void run(hub::Member* member) noexcept override {
    if (member != nullptr) static_cast<net::Connection*>(member)->resume_by_application();
  }
};

}  // namespace

net::RequestResult Simulation::defer(net::Connection& connection, net::RequestResult accepted) {
  net::RequestResult result;
  result.kind = net::RequestResult::Kind::kDefer;
  result.verdict_over = std::make_shared<std::atomic<bool>>(false);
  deferred_.push_back(hub::mail_of(hub::MemberTaskMail{
      connection.id(),
      std::make_unique<Verdict>(std::make_unique<net::RequestResult>(std::move(accepted)),
                                result.verdict_over)}));
  return result;
}

void Simulation::pause_for_a_while(net::Connection& connection) {
  connection.pause_by_application();
  deferred_.push_back(
      hub::mail_of(hub::MemberTaskMail{connection.id(), std::make_unique<Resume>()}));
}

void Simulation::run_deferred() {
  std::swap(deferred_[random_.below(deferred_.size())], deferred_.back());
  std::unique_ptr<hub::Mail> mail = std::move(deferred_.back());
  deferred_.pop_back();
  const ConnectionId member = std::get<hub::MemberTaskMail>(mail->body).member;
  hub_->shard(hub::shard_of(member)).post(std::move(mail));
}

}  // namespace wsd::sim
