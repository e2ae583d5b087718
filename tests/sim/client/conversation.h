// One call of Client::connect(), what both ends say, and the check of what they get.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/client/network.h"
#include "sim/kernel.h"
#include "sim/random.h"
#include "sim/trace.h"
#include "wsd/client.h"

namespace wsd::sim {

// The settings that all conversations of a run share.
struct ConversationPlan {
  bool deflate = false;
  std::uint32_t connect_timeout_ms = 0;
  std::uint32_t handshake_timeout_ms = 0;
};

class Conversation {
 public:
  // Which end closes first, if nothing else ends the connection.
  enum class Closer : std::uint8_t { kNobody, kClient, kServer };

  // `number` identifies it. The references must outlive it.
  Conversation(int number, FarEnd end, Random& random, Trace& trace);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Calls Client::connect().
  void begin(Client& client, const Network& network, const ConversationPlan& plan);

  // Says something from a thread that is not a reactor's, if it may.
  [[nodiscard]] bool can_speak() const noexcept;
  void speak();

  // The handlers of the server.
  void server_open(Connection& client);
  void server_message(Connection& client, const Message& message);
  void server_close(const CloseInfo& info);

  // From now on, the connection may end at any time: the network fails, or an end stops.
  void disturb() noexcept { disturbed_ = true; }

  // Nothing is under way: every message has arrived, and every close.
  void check_at_rest() const;
  // Nothing is left to wait for: both ends are closed.
  void check_over() const;

  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] FarEnd end() const noexcept { return end_; }
  [[nodiscard]] bool disturbed() const noexcept { return disturbed_; }
  [[nodiscard]] bool opened() const noexcept { return opened_; }
  // Returns whether the client has got its last call.
  [[nodiscard]] bool over() const noexcept { return failed_ || closed_; }
  [[nodiscard]] std::size_t echoes() const noexcept { return echoes_; }

 private:
  [[nodiscard]] Handlers handlers();
  [[nodiscard]] std::string text_of(std::size_t index, char from) const;
  void say(const Connection& server);
  void client_open(Connection& server);
  void client_message(Connection& server, const Message& message);
  void client_close(const CloseInfo& info);
  void client_failed(const ConnectError& error);
  void check_failure(const ConnectError& error) const;

  const int number_;
  const FarEnd end_;
  Random& random_;
  Trace& trace_;
  Closer closer_;
  bool outside_;                    // its messages come from a thread that is not a reactor's
  std::size_t greetings_;           // which the server sends first
  std::vector<std::size_t> sizes_;  // of the client's messages
  std::uint64_t connect_ms_ = 0;    // the timeouts
  std::uint64_t handshake_ms_ = 0;
  std::uint64_t begun_at_ms_ = 0;
  bool disturbed_ = false;

  Connection server_;  // at the client's end
  bool opened_ = false;
  bool failed_ = false;
  bool closed_ = false;
  std::size_t said_ = 0;
  std::size_t greeted_ = 0;
  std::size_t echoes_ = 0;
  CloseInfo client_info_;

  bool server_opened_ = false;
  bool server_closed_ = false;
  std::size_t heard_ = 0;
  CloseInfo server_info_;
};

}  // namespace wsd::sim
