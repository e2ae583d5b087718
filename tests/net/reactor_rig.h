// Reactors that the test drives turn by turn in its own thread, over loopback sockets. The
// application records every call.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "net/address.h"
#include "net/application.h"
#include "net/connection.h"
#include "net/listener.h"
#include "net/page_or_upgrade.h"
#include "net/peer.h"
#include "net/reactor.h"

namespace wsd::net {

// An EndRecord with copies of its strings.
struct EndNote {
  EndRecord record;
  std::string reason;
  std::string remote;
};

class FakeApplication final : public Application {
 public:
  RequestResult on_request(Connection& connection, const protocol::HttpRequest& request) override {
    ++requests;
    RequestResult result = page_or_upgrade(connection, request, "user");
    if (result.kind == RequestResult::Kind::kUpgrade) result.deflate = deflate;
    return result;
  }
  void on_open(Connection& connection) override {
    opened.push_back(connection.id());
    if (open) open(connection);
  }
  void on_message(Connection& connection, const Message& message) override {
    messages.emplace_back(message.payload);
    if (handler) handler(connection, message);
  }
  void on_close(Connection& connection, const CloseInfo& info) override {
    ++closes[connection.id()];
    EXPECT_TRUE(connection.memberships().empty()) << "it is in no room any more";
    if (closed) closed(connection, info);
  }
  void on_end(const EndRecord& record) override {
    ends.push_back(
        {record, std::string(record.close.reason), std::string(record.peer_info->remote())});
  }
  void on_warning(const char* event, const std::string& /*text*/) override {
    troubles.emplace_back(event);
  }

  std::optional<protocol::DeflateParameters> deflate;  // the parameters for the next handshakes
  std::function<void(Connection&)> open;
  std::function<void(Connection&, const Message&)> handler;
  std::function<void(Connection&, const CloseInfo&)> closed;

  int requests = 0;
  std::vector<ConnectionId> opened;
  std::vector<std::string> messages;
  std::map<ConnectionId, int> closes;
  std::vector<EndNote> ends;
  std::vector<std::string> troubles;
};

// Settings with distant deadlines. A test sets the deadlines that it checks.
[[nodiscard]] inline ReactorSettings calm_settings() {
  ReactorSettings settings;
  settings.handshake_timeout = ticks_for_ms(60'000);
  settings.keep_alive_timeout = ticks_for_ms(60'000);
  settings.message_timeout = ticks_for_ms(60'000);
  settings.write_timeout = ticks_for_ms(60'000);
  settings.close_timeout = ticks_for_ms(60'000);
  settings.max_input_bytes = std::size_t{1} << 30;
  settings.read_buffer_size = std::size_t{64} << 10;
  settings.drain_timeout = ticks_for_ms(60'000);
  return settings;
}

class ReactorRig {
 public:
  explicit ReactorRig(ReactorSettings with = calm_settings(), std::uint32_t reactors = 1,
                      std::uint32_t max_pending_publishes = 65'536,
                      const ListenOptions& options = {})
      : settings(with) {
    std::vector<hub::Waker*> wakers;
    for (std::uint32_t i = 0; i < reactors; ++i) {
      reactors_.push_back(std::make_unique<Reactor>());
      EXPECT_TRUE(reactors_.back()->valid());
      wakers.push_back(reactors_.back().get());
    }
    hub_ = std::make_unique<hub::Hub>(wakers, hub::Shard::Options{max_pending_publishes, 1});
    ListenAddress address;
    EXPECT_EQ(parse_listen_address("127.0.0.1:0", address), "");
    EXPECT_EQ(listener_.open(address, reactors, options), "");
    for (std::uint32_t i = 0; i < reactors; ++i) {
      reactors_[i]->attach(settings, hub_->shard(i), app, counts);
      EXPECT_TRUE(reactors_[i]->listen(listener_));
    }
  }
  ReactorRig(const ReactorRig&) = delete;
  ReactorRig& operator=(const ReactorRig&) = delete;
  ~ReactorRig() { stop(); }

  [[nodiscard]] Reactor& reactor(std::uint32_t index = 0) { return *reactors_[index]; }
  [[nodiscard]] hub::Shard& shard(std::uint32_t index = 0) { return hub_->shard(index); }
  [[nodiscard]] hub::Hub& hub() { return *hub_; }

  // Returns a new peer, which until() reads for.
  [[nodiscard]] test::Peer& connect(int receive_buffer = 0) {
    peers_.emplace_back(test::port_of(listener_.name()), receive_buffer);
    return peers_.back();
  }
  // Returns a new peer after its opening handshake.
  [[nodiscard]] test::Peer& open(int receive_buffer = 0) {
    test::Peer& peer = connect(receive_buffer);
    peer.send(test::upgrade_request());
    std::string head;
    EXPECT_TRUE(until([&] { return !(head = peer.take_head()).empty(); }));
    EXPECT_EQ(head.find("HTTP/1.1 101 "), 0U) << head;
    return peer;
  }
  // The rig writes for a deaf peer but does not read for it.
  void set_deaf(const test::Peer& peer, bool deaf) { deaf_[&peer] = deaf; }

  void turn() {
    for (const auto& each : reactors_) each->turn(1);
    for (test::Peer& each : peers_) each.pump(deaf_[&each] ? 0 : ~std::size_t{0});
  }
  template <class Condition>
  [[nodiscard]] bool until(Condition condition) {
    return test::until(condition, [this] { turn(); });
  }
  // Runs turns until at least that many ticks have passed.
  void pass(Tick ticks) {
    const Tick end = hub_->shard(0).wheel().now() + ticks;
    EXPECT_TRUE(until([&] { return hub_->shard(0).wheel().now() >= end; }));
  }

  // Waits for the next frame for `peer`.
  [[nodiscard]] test::WireFrame frame(test::Peer& peer) {
    std::optional<test::WireFrame> frame;
    EXPECT_TRUE(until([&] { return (frame = test::take_frame(peer.input)).has_value(); }));
    return frame.value_or(test::WireFrame{-1, "none came"});
  }
  // Waits for the first end of a connection, which must be the only one.
  [[nodiscard]] EndNote end() {
    EXPECT_TRUE(until([&] { return !app.ends.empty(); }));
    EXPECT_EQ(app.ends.size(), 1U);
    return app.ends.empty() ? EndNote{} : app.ends.back();
  }
  // Waits until no connection is left, and checks the invariants of an idle server.
  void expect_all_over(std::size_t accepted) {
    EXPECT_TRUE(until([&] { return counts.connections.load() == 0; }));
    EXPECT_EQ(app.ends.size(), accepted);
    std::map<ConnectionId, int> times;
    for (const EndNote& each : app.ends) ++times[each.record.id];
    EXPECT_EQ(times.size(), accepted) << "each once";
    EXPECT_EQ(app.closes.size(), app.opened.size());
    for (const auto& [id, count] : app.closes) EXPECT_EQ(count, 1) << id;
    EXPECT_EQ(counts.input.bytes(), 0U);
    EXPECT_EQ(counts.output.bytes(), 0U);
    for (std::uint32_t i = 0; i < hub_->shard_count(); ++i) {
      EXPECT_EQ(shard(i).member_count(), 0U);
      EXPECT_EQ(shard(i).room_count(), 0U);
    }
  }
  // Reactors are destroyed before the hub, as in the server.
  void stop() { reactors_.clear(); }

  ReactorSettings settings;
  ProcessCounters counts;
  FakeApplication app;

 private:
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::unique_ptr<hub::Hub> hub_;
  Listener listener_;
  std::deque<test::Peer> peers_;
  std::map<const test::Peer*, bool> deaf_;
};

}  // namespace wsd::net
