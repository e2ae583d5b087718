// Three nodes and 200 clients, and faults at random: `make torture SECONDS=60 SEED=1`.
//
// tests/torture/check_log judges what the clients have seen, in a process of its own.

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/byte_proxy.h"
#include "support/engine_load.h"
#include "support/engine_nodes.h"
#include "support/redis_process.h"

namespace e2e {
namespace {

using std::chrono::milliseconds;

unsigned number_from(const char* variable, unsigned otherwise) {
  const char* const given = std::getenv(variable);
  return given == nullptr ? otherwise : static_cast<unsigned>(std::stoul(given));
}

// Three nodes, each behind a proxy of its own, a master and a replica.
class Service {
 public:
  explicit Service(unsigned seed, bool with_losses) : random_(seed), with_losses_(with_losses) {
    std::vector<std::string> urls;
    for (auto& proxy : proxies_) {
      proxy = std::make_unique<ByteProxy>(master_->port());
      urls.push_back(proxy->url());
    }
    nodes_ = std::make_unique<EngineNodes>(
        urls, std::vector<std::string>{"--engine-timeout", "1s", "--response-timeout", "4s"});
  }

  [[nodiscard]] EngineNodes& nodes() { return *nodes_; }
  void use(EngineLoad& load) { load_ = &load; }
  // Does one thing at random and says what it was.
  void strike() {
    struct Fault {
      const char* name;
      std::function<void()> happen;
      bool loses = false;
    };
    const std::vector<Fault> faults = {
        {"kill a node", [this] { nodes_->kill_and_restart(pick(3), *load_); }},
        {"drain a node", [this] { nodes_->stop_and_restart(pick(3), *load_); }},
        {"suspend a node", [this] { suspend((*nodes_)[pick(3)]); }},
        {"suspend Redis", [this] { suspend_redis(); }},
        {"kill Redis", [this] { kill_redis(); }},
        {"cut a connection", [this] { any_proxy().cut(); }},
        {"cut within bytes", [this] { any_proxy().cut_after(pick(5'000)); }},
        {"delay",
         [this] {
           for_a_while([](ByteProxy& p, bool on) { p.delay(milliseconds(on ? 100 : 0)); });
         }},
        {"small pieces",
         [this] { for_a_while([](ByteProxy& p, bool on) { p.limit(on ? 100 : 0); }); }},
        {"stall", [this] { for_a_while([](ByteProxy& p, bool on) { p.stall(on); }); }},
        {"refuse",
         [this] {
           for_a_while([](ByteProxy& p, bool on) {
             p.refuse(on);
             if (on) p.cut();
           });
         }},
        {"late bytes", [this] { late_bytes(); }},
        {"SCRIPT FLUSH",
         [this] {
           master_->expect_ok({"SCRIPT", "FLUSH"});
         }},
        {"DEL",
         [this] {
           master_->expect_ok({"DEL", "wsd1:{r" + std::to_string(pick(20)) + "}"});
         }},
        {"out of memory", [this] { out_of_memory(); }},
        {"failover with loss", [this] { fail_over(); }, true},
        {"back to the old master", [this] { go_and_return(); }, true},
    };
    const Fault& fault = faults[pick(static_cast<unsigned>(faults.size()))];
    if (fault.loses && !with_losses_) return strike();
    std::printf("%s\n", fault.name);
    std::fflush(stdout);
    fault.happen();
  }

 private:
  unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }
  void rest() { std::this_thread::sleep_for(milliseconds(50 + pick(2'500))); }
  ByteProxy& any_proxy() { return *proxies_[pick(3)]; }

  void for_a_while(const std::function<void(ByteProxy&, bool)>& fault) {
    ByteProxy& proxy = any_proxy();
    fault(proxy, true);
    rest();
    fault(proxy, false);
  }
  // Redis gets the bytes of the old connections when the node has made new ones.
  void late_bytes() {
    ByteProxy& proxy = any_proxy();
    proxy.hold();
    rest();
    proxy.release();
  }
  void suspend(AdminServer& node) {
    node.process().signal(SIGSTOP);
    rest();
    node.process().signal(SIGCONT);
  }
  void suspend_redis() {
    master_->suspend();
    rest();
    master_->resume();
  }
  void kill_redis() {
    master_->kill();
    rest();
    master_->start();
  }
  void out_of_memory() {
    master_->expect_ok({"CONFIG", "SET", "maxmemory", "1"});
    rest();
    master_->expect_ok({"CONFIG", "SET", "maxmemory", "0"});
  }
  void go_to(const RedisProcess& server) {
    for (const auto& proxy : proxies_) {
      proxy->set_target(server.port());
      proxy->cut();
    }
  }
  // What the master takes after the promotion is lost.
  void fail_over() {
    replica_->promote();
    rest();
    master_->kill();
    go_to(*replica_);
    std::swap(master_, replica_);
    replica_->start_as_replica_of(master_->port());
    replica_->wait_for_replication();
  }
  // Two masters, and an address that goes from one to the other and back.
  void go_and_return() {
    replica_->promote();
    rest();
    go_to(*replica_);
    rest();
    go_to(*master_);
    rest();
    replica_->kill();
    replica_->start_as_replica_of(master_->port());
    replica_->wait_for_replication();
  }

  std::mt19937 random_;
  bool with_losses_;
  std::unique_ptr<RedisProcess> master_ =
      std::make_unique<RedisProcess>(RedisOptions{.append_only = true});
  std::unique_ptr<RedisProcess> replica_ = std::make_unique<RedisProcess>(
      RedisOptions{.append_only = true, .replica_of = master_->port()});
  std::array<std::unique_ptr<ByteProxy>, 3> proxies_;
  std::unique_ptr<EngineNodes> nodes_;
  EngineLoad* load_ = nullptr;
};

// Odd seeds have no fault that takes back what Redis has answered, so nothing may be lost.
TEST(EngineTorture, FaultsAtRandom_GuaranteesHold) {
  E2E_REQUIRE(redis_server());
  const unsigned seed = number_from("WSD_TORTURE_SEED", 1);
  const bool with_losses = seed % 2 == 0;
  Service service(seed, with_losses);
  ASSERT_TRUE(service.nodes().ready());
  EngineLoad load(
      service.nodes().all(),
      {.rooms = 20, .members = 6, .websockets = 2, .posts = 2, .pause = milliseconds(250)});
  service.use(load);
  const auto end = Clock::now() + std::chrono::seconds(number_from("WSD_TORTURE_SECONDS", 60));
  while (Clock::now() < end) {
    ASSERT_TRUE(load.delivers(2'000));
    service.strike();
  }
  ASSERT_TRUE(service.nodes().ready());
  ASSERT_TRUE(load.delivers(2'000));
  const std::string summary = load.finish({.gaps = true,
                                           .losses = with_losses,
                                           .doubles = with_losses,
                                           .returns = with_losses,
                                           .ends = true});
  std::printf("seed %u: %s", seed, summary.c_str());
}

}  // namespace
}  // namespace e2e
