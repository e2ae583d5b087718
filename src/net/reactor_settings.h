// The settings of a reactor, in the units in which it uses them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/tick.h"
#include "hub/heartbeat.h"
#include "net/send_queue.h"
#include "protocol/session.h"
#include "protocol/trusted_proxies.h"

namespace wsd::net {

// Constant while reactors run. A time or a limit of 0 is off, unless its line says otherwise.
struct ReactorSettings {
  protocol::SessionLimits session;
  SendQueueLimits send_queue;
  hub::HeartbeatTicks heartbeat;
  Tick handshake_timeout = 0;
  Tick response_timeout = 0;
  Tick keep_alive_timeout = 0;
  Tick message_timeout = 0;
  Tick write_timeout = 0;
  Tick close_timeout = 0;
  std::uint32_t max_control_frames_per_second = 0;
  std::size_t max_input_bytes = 0;
  std::size_t max_output_bytes = 0;
  std::uint32_t max_connections = 0;
  bool replace_oldest = false;  // at max_connections: see LimitOptions::replace_oldest
  int descriptor_limit = 0;     // for DescriptorLimit
  std::uint32_t max_messages_per_second = 0;  // per connection
  std::size_t max_bytes_per_second = 0;       // per connection
  // Whether a limit per second must know of every suspension.
  bool notice_suspensions = false;
  std::size_t read_buffer_size = 0;
  Tick drain_delay = 0;
  Tick drain_window = 0;
  Tick drain_timeout = 0;
  int deflate_level = 1;
  std::size_t deflate_threshold = 0;
  protocol::TrustedProxies trusted_proxies;
};

}  // namespace wsd::net
