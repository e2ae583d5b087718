// A WebSocket client of a room, which connects to one node after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/peer.h"
#include "sim/engine/engine_oracle.h"
#include "sim/kernel.h"
#include "sim/random.h"
#include "wsd/position.h"

namespace wsd::sim {

// Speaks the encoding of "ws+meta.nchan", so it knows the position of each message and resumes
// there. RoomView checks what it gets.
class RoomClient {
 public:
  RoomClient(Kernel& kernel, Random& random, EngineOracle& oracle, std::size_t index,
             std::size_t room, std::string room_name)
      : kernel_(kernel),
        random_(random),
        oracle_(oracle),
        index_(index),
        room_(room),
        room_name_(std::move(room_name)) {}
  RoomClient(const RoomClient&) = delete;
  RoomClient& operator=(const RoomClient&) = delete;

  [[nodiscard]] bool is_connected() const noexcept { return link_ != nullptr; }
  [[nodiscard]] bool is_open() const noexcept { return upgraded_; }
  [[nodiscard]] std::size_t room() const noexcept { return room_; }
  [[nodiscard]] Position last() const noexcept { return view_ ? view_->last() : last_; }
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }

  // It has no connection. Connects to this port, and resumes where it was.
  void connect(std::uint16_t port, std::size_t send_buffer);
  // It is open. Publishes a message, as a part of this connection's order.
  void publish(std::size_t bytes);
  // Ends the connection: with a Close frame, without one, or by a reset.
  void leave();

  [[nodiscard]] bool can_arrive() const noexcept;
  void arrive();
  [[nodiscard]] bool can_read() const noexcept;
  void read();
  // Returns whether the connection has carried everything.
  [[nodiscard]] bool quiet() const noexcept;

 private:
  void take_input();
  [[nodiscard]] bool take_response();
  void on_frame(const test::WireFrame& frame);
  void on_message(std::string_view payload);
  void forget();

  Kernel& kernel_;
  Random& random_;
  EngineOracle& oracle_;
  const std::size_t index_;
  const std::size_t room_;
  const std::string room_name_;
  std::uint64_t lives_ = 0;
  Link* link_ = nullptr;
  bool upgraded_ = false;
  std::string input_;
  std::optional<RoomView> view_;
  Position last_;
  std::uint64_t deliveries_ = 0;
};

}  // namespace wsd::sim
