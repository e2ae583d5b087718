// A server of the public API on its own threads, with clients for it.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "net/peer.h"
#include "wsd/server.h"

namespace wsd::test {

inline ServerOptions quiet(std::uint32_t reactors = 2) {
  ServerOptions options;
  options.reactors = reactors;
  options.log.level = LogLevel::kOff;
  options.drain_window_ms = 0;
  options.limits.close_timeout_ms = 1000;
  return options;
}

// Waits for events in another thread.
class Signal {
 public:
  void raise() {
    const std::lock_guard lock(mutex_);
    ++count_;
    condition_.notify_all();
  }
  [[nodiscard]] bool wait(int count = 1) {
    std::unique_lock lock(mutex_);
    return condition_.wait_for(lock, kPatience, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  int count_ = 0;
};

// A server on a free port, with functions to connect clients to it.
class ServerRig {
 public:
  explicit ServerRig(const ServerOptions& options = quiet()) : server(options) {}

  void start() {
    ASSERT_EQ(server.listen("127.0.0.1:0"), "");
    ASSERT_EQ(server.start(), "");
    port_ = port_of(server.addresses().at(0));
  }
  [[nodiscard]] Peer connect() const { return Peer(port_); }
  [[nodiscard]] Peer open(std::string_view path = "/", std::string_view extra = {}) const {
    Peer peer = connect();
    peer.send(upgrade_request(path, extra));
    const std::string head = read_head(peer);
    EXPECT_EQ(head.find("HTTP/1.1 101 "), 0U) << head;
    return peer;
  }
  // Returns the whole response to `request`, which must end the connection.
  [[nodiscard]] std::string answer(const std::string& request) const {
    Peer peer = connect();
    peer.send(request);
    EXPECT_TRUE(until(peer, [&] { return peer.end() != Peer::End::kOpen; }));
    return peer.input;
  }

  [[nodiscard]] static bool until(Peer& peer, const std::function<bool()>& condition) {
    return test::until(condition, [&] { peer.wait_and_pump(); });
  }
  [[nodiscard]] static std::string read_head(Peer& peer) {
    std::string head;
    EXPECT_TRUE(until(peer, [&] { return !(head = peer.take_head()).empty(); }));
    return head;
  }
  [[nodiscard]] static WireFrame frame(Peer& peer) {
    std::optional<WireFrame> frame;
    EXPECT_TRUE(until(peer, [&] { return (frame = take_frame(peer.input)).has_value(); }));
    return frame.value_or(WireFrame{-1, "none came"});
  }
  [[nodiscard]] bool emptied() const {
    return test::until([&] { return server.connection_count() == 0; },
                       [] { std::this_thread::yield(); });
  }

  Server server;

 private:
  std::uint16_t port_ = 0;
};

}  // namespace wsd::test
