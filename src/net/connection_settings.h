// The settings of a connection that its route may change, in the units in which a reactor uses
// them.
#pragma once

#include <cstdint>

#include "hub/heartbeat.h"
#include "net/receive_rates.h"
#include "net/send_queue.h"
#include "protocol/session.h"

namespace wsd::net {

// Constant while reactors run. A time or a limit of 0 is off.
struct ConnectionSettings {
  protocol::SessionLimits session;
  SendQueueLimits send_queue;
  hub::HeartbeatTicks heartbeat;
  ReceiveLimits receive_rates;
};

// The route of a connection that is not a WebSocket yet. No route has this number.
inline constexpr std::uint16_t kNoRoute = 0xFFFF;

}  // namespace wsd::net
