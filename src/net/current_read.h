// The connection in its read step.
#pragma once

#include "net/application.h"
#include "net/outbound.h"
#include "net/reactor_context.h"
#include "wsd/connection.h"

namespace wsd::net {

class Connection;

// Names a connection by application and id, for Connection::reading().
struct CurrentConnection {
  static constexpr ConnectionId kNone = ~ConnectionId{0};

  const Application* application = nullptr;
  ConnectionId id = kNone;
  Connection* connection = nullptr;
};
// The connection whose read step runs on this thread. The id is kNone if there is none.
extern constinit thread_local CurrentConnection current_connection;

// Marks a connection as the one that is being read, from construction to destruction. Four
// variables say so: ReactorContext::reading, current_connection, and the owner and the fast-path
// room of the cork. Reactor thread only; read steps do not nest.
//
// Whatever the connection sends meanwhile gathers in the cork. The cork must be empty at the end.
class CurrentRead {
 public:
  CurrentRead(ReactorContext& reactor, const CurrentConnection& current,
              const Outbound& outbound) noexcept
      : reactor_(reactor) {
    reactor_.cork.begin(outbound);
    reactor_.reading = current.connection;
    current_connection = current;
  }
  CurrentRead(const CurrentRead&) = delete;
  CurrentRead& operator=(const CurrentRead&) = delete;
  ~CurrentRead() {
    reactor_.cork.end();
    reactor_.reading = nullptr;
    current_connection.id = CurrentConnection::kNone;
  }

  // Small messages may go straight into the cork.
  void enable_fast_path() noexcept { reactor_.cork.enable_fast_path(); }

 private:
  ReactorContext& reactor_;
};

}  // namespace wsd::net
