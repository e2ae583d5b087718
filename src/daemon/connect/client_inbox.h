// The events of a client's connection on their way from its reactor to the main thread.
#pragma once

#include <wsd/client.h>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "daemon/connect/connect_session.h"

namespace wsd::daemon {

struct OpenedEvent {
  Connection connection;
  std::string subprotocol;
};
struct MessageEvent {
  MessageType type;
  std::string payload;
};
struct PongEvent {
  std::string payload;
};
// The send queue of the connection is empty.
struct DrainedEvent {};
using ClientEvent =
    std::variant<OpenedEvent, MessageEvent, PongEvent, DrainedEvent, ConnectionEnd, ConnectError>;

// A bounded queue. Its descriptor is readable while events wait.
class ClientInbox {
 public:
  ClientInbox();
  ~ClientInbox();
  ClientInbox(const ClientInbox&) = delete;
  ClientInbox& operator=(const ClientInbox&) = delete;

  // Adds an event. Waits while kMaxBytes of messages or more are queued: the reactor then reads
  // nothing, and TCP tells the server to stop sending. Reactor thread.
  void push(ClientEvent event);
  // Returns all events. Main thread.
  [[nodiscard]] std::vector<ClientEvent> take();
  // Ends all waiting in push(), now and later. Main thread.
  void close();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  // Makes the descriptor readable. Safe in a signal handler.
  void wake() const noexcept;

 private:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

  int descriptor_;
  std::mutex mutex_;
  std::condition_variable taken_;
  std::vector<ClientEvent> events_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace wsd::daemon
