// Tasks, timers, notices and deferred handshakes of the application.
#include <new>
#include <stdexcept>
#include <utility>

#include "net/application_timer.h"
#include "server/server_core.h"

namespace wsd {
namespace {

template <class Call>
void expect_not_empty(const std::function<Call>& call, const char* name) {
  if (!call) throw std::invalid_argument(std::string("the ") + name + " is empty: pass a function");
}

// A task for the thread of one connection. If the connection has ended, the task is only destroyed.
class ConnectionTask final : public hub::MemberTask {
 public:
  ConnectionTask(ServerCore& core, std::function<void(Connection&)> task) noexcept
      : core_(core), task_(std::move(task)) {}
  void run(hub::Member* member) noexcept override {
    if (member == nullptr) return;
    core_.run_handler(*static_cast<net::Connection*>(member), "task", task_);
  }

 private:
  ServerCore& core_;
  std::function<void(Connection&)> task_;
};

// A task for the thread of one reactor.
class ReactorTask final : public hub::ShardTask {
 public:
  ReactorTask(ServerCore& core, std::function<void()> task) noexcept
      : core_(core), task_(std::move(task)) {}
  void run() override { core_.run_handler("task", task_); }

 private:
  ServerCore& core_;
  std::function<void()> task_;
};

// Starts a timer on the thread of its reactor. If memory runs out, the shard runs it again later.
class TimerStart final : public hub::ShardTask {
 public:
  TimerStart(std::shared_ptr<net::ApplicationTimer> timer, std::uint32_t delay_ms) noexcept
      : timer_(std::move(timer)), delay_ms_(delay_ms) {}
  TimerStart(const TimerStart&) = delete;
  TimerStart& operator=(const TimerStart&) = delete;
  ~TimerStart() override {
    if (!started_) timer_->detach();
  }
  void run() override {
    if (!timer_->active()) return;
    net::Reactor::current()->start_timer(timer_, delay_ms_);
    started_ = true;
  }

 private:
  std::shared_ptr<net::ApplicationTimer> timer_;
  std::uint32_t delay_ms_;
  bool started_ = false;
};

}  // namespace

void ServerCore::run_handler(net::Connection& connection, const char* name,
                             const std::function<void(Connection&)>& handler) noexcept {
  if (!connection.serves_application()) return;
  Connection handle(this, connection.id());
  guarded(connection, name, [&] { handler(handle); });
}

void ServerCore::run_handler(const char* name, const std::function<void()>& handler) noexcept {
  try {
    handler();
  } catch (...) {
    log_handler_exception(name);
  }
}

SendResult ServerCore::post_task(ConnectionId id, std::function<void(Connection&)> task) {
  expect_not_empty(task, "task");
  if (!serves()) return SendResult::kClosed;
  net::Reactor* const reactor = own_reactor();
  if (reactor != nullptr && reactor->shard().index() == hub::shard_of(id)) {
    const net::Connection* const connection = find_local(id);
    if (connection == nullptr || !connection->serves_application()) return SendResult::kClosed;
  }
  return hub_->post(id, std::make_unique<ConnectionTask>(*this, std::move(task)));
}

SendResult ServerCore::post_task(std::uint32_t reactor, std::function<void()> task) {
  expect_not_empty(task, "task");
  if (!serves()) return SendResult::kClosed;
  return hub_->post(reactor, std::make_unique<ReactorTask>(*this, std::move(task)));
}

Timer ServerCore::start_timer(ConnectionId id, std::uint32_t delay_ms, std::uint32_t interval_ms,
                              std::function<void(Connection&)> handler) {
  expect_not_empty(handler, "handler of a timer");
  net::Connection* const connection = find_local(id);
  if (connection == nullptr || !connection->open()) return {};
  auto timer = std::make_shared<net::ApplicationTimer>(
      [this, id, call = std::move(handler)] {
        net::Connection* const target = find_local(id);
        if (target == nullptr) return;
        run_handler(*target, "timer", call);
        target->drop_unused_extras();
      },
      own_reactor()->shard().wheel(), interval_ms == 0 ? 0 : net::timer_interval(interval_ms));
  return connection->start_timer(timer, delay_ms) ? Timer(std::move(timer)) : Timer();
}

Timer ServerCore::start_timer(std::uint32_t reactor, std::uint32_t delay_ms,
                              std::uint32_t interval_ms, std::function<void()> handler) {
  expect_not_empty(handler, "handler of a timer");
  if (!serves() || reactor >= reactor_count_) return {};
  auto timer = std::make_shared<net::ApplicationTimer>(
      [this, call = std::move(handler)] { run_handler("timer", call); },
      hub_->shard(reactor).wheel(), interval_ms == 0 ? 0 : net::timer_interval(interval_ms));
  net::Reactor* const own = own_reactor();
  if (own != nullptr && own->shard().index() == reactor) {
    own->start_timer(timer, delay_ms);
    return Timer(std::move(timer));
  }
  const SendResult result = hub_->post(reactor, std::make_unique<TimerStart>(timer, delay_ms));
  return result == SendResult::kSent ? Timer(std::move(timer)) : Timer();
}

bool ServerCore::notify_drained(ConnectionId id, std::size_t mark) {
  net::Connection* const connection = find_local(id);
  return connection != nullptr && connection->open() && handlers_of(*connection).drained &&
         connection->notify_drained(mark);
}

void ServerCore::on_drained(net::Connection& connection) {
  const Handlers& handlers = handlers_of(connection);
  Connection handle(this, connection.id());
  guarded(connection, "drained", [&] { handlers.drained(handle); });
}

void ServerCore::on_pong(net::Connection& connection, std::string_view payload) {
  const Handlers& handlers = handlers_of(connection);
  if (!handlers.pong) return;
  Connection handle(this, connection.id());
  guarded(connection, "pong", [&] { handlers.pong(handle, payload); });
}

void ServerCore::complete_upgrade(net::Connection& connection, Upgrade verdict) noexcept {
  if (!connection.awaits_verdict()) return;
  try {
    // First, because the address of a handshake that is accepted is counted.
    auto result = std::make_unique<net::RequestResult>();
    *result = requests_.on_verdict(connection, std::move(verdict));
    connection.complete_upgrade(std::move(result));
  } catch (const std::bad_alloc&) {
    connection.fail(CloseCause::kResourceFailure, close_code_for(CloseCause::kResourceFailure),
                    "out of memory");
  }
}

}  // namespace wsd
