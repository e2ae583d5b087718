// A network in memory between the engine's wires and FakeRedis servers. Nothing moves but in a call
// of run(), step() or one of the finer calls, so that a test or a seed decides about the order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/fake_redis.h"
#include "engine/wire.h"

namespace wsd::engine {

class FakeNetwork final : public Network {
 public:
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  // One end of a connection, as the network sees it.
  struct Line {
    Endpoint to;
    WireOwner* owner = nullptr;  // nullptr after the wire is destroyed or has ended
    FakeRedis* server = nullptr;
    std::shared_ptr<FakeSocket> socket;  // nullptr until it is connected
    std::string queue;                   // sent by the owner, and not taken by the kernel
    bool reading = true;
    // The connection ends when so many more bytes have gone in this direction.
    std::size_t cut_after_sent = kAll;
    std::size_t cut_after_received = kAll;
    std::string cut;  // not empty: the connection is broken, for this reason

    [[nodiscard]] bool is_connected() const noexcept { return socket != nullptr; }
    [[nodiscard]] bool has_ended() const noexcept { return owner == nullptr; }
  };

  FakeNetwork() = default;
  FakeNetwork(const FakeNetwork&) = delete;
  FakeNetwork& operator=(const FakeNetwork&) = delete;
  ~FakeNetwork();

  // Network
  [[nodiscard]] std::unique_ptr<Wire> connect(const Endpoint& to, WireOwner& owner) override;

  // Says which server is at an endpoint: nullptr: nobody, "Connection refused".
  void listen(const Endpoint& at, FakeRedis* server);
  // Connections to this endpoint stay in the making, as packets are lost.
  void set_unreachable(const Endpoint& at, bool unreachable);

  // Moves everything, until nothing is left to do.
  void run();
  // Does one round: each line sends, its server executes, and the line receives. Returns whether
  // anything has happened.
  bool step();

  // The lines of which one end is still open, oldest first.
  [[nodiscard]] std::vector<std::shared_ptr<Line>> lines();
  // The finer calls. Each returns whether anything has happened.
  bool connect_now(Line& line);
  bool send(Line& line, std::size_t most = kAll);
  bool serve(Line& line, std::size_t most = 16'384);
  bool receive(Line& line, std::size_t most = kAll);

  // Breaks all connections now. `lose_sent`: what the server has not read is lost, too.
  void cut_all(std::string_view why = "Connection reset by peer", bool lose_sent = false);
  void cut(Line& line, std::string_view why, bool lose_sent);
  // The lines that exist end after so many more bytes.
  void cut_after_sent(std::size_t bytes);
  void cut_after_received(std::size_t bytes);
  // received() gets at most so many bytes at a time.
  void set_chunk(std::size_t bytes) noexcept { chunk_ = bytes; }
  // The kernel takes at most so many bytes that the server has not read: unsent() grows beyond.
  void set_send_window(std::size_t bytes) noexcept { send_window_ = bytes; }
  // Returns the number of connections that were asked for.
  [[nodiscard]] std::size_t connects() const noexcept { return connects_; }

 private:
  class FakeWire;

  void end(Line& line, std::string_view why);

  std::vector<std::pair<Endpoint, FakeRedis*>> listeners_;
  std::vector<Endpoint> unreachable_;
  std::vector<std::shared_ptr<Line>> lines_;
  std::size_t chunk_ = kAll;
  std::size_t send_window_ = kAll;
  std::size_t connects_ = 0;
};

}  // namespace wsd::engine
