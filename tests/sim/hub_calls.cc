// Observes the place where a room orders its messages. The linker replaces the function, as it does
// with the system calls (system_calls.cc).
#include "base/shared_bytes.h"
#include "hub/room_home.h"
#include "sim/delaying_log.h"
#include "sim/presence_oracle.h"
#include "sim/room_log.h"

extern "C" {

void __real_wsd_append_to_room(wsd::hub::RoomHome* home, wsd::SharedBytes* frame,
                               std::uint64_t cost, wsd::Tick now);
void __wrap_wsd_append_to_room(wsd::hub::RoomHome* home, wsd::SharedBytes* frame,
                               std::uint64_t cost, wsd::Tick now) {
  wsd::sim::RoomLog::current().append(home->name(), frame->bytes());
  if (auto* const oracle = wsd::sim::PresenceOracle::current()) {
    oracle->placed(home->name(), frame->bytes());
  }
  if (auto* const log = wsd::sim::DelayingLog::current()) log->check_order(*home, *frame);
  __real_wsd_append_to_room(home, frame, cost, now);
}

}  // extern "C"
