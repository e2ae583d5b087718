// Progress of a peer that sends nothing: the bytes that it acknowledges.
//
// "The kernel has taken a byte" does not mean that the peer has it. The Pong or the Close of a slow
// reader cannot come before the bytes that are on their way to it. So before a deadline ends a
// connection, the kernel is asked how much the peer has acknowledged since the last look. Idle
// connections and messages never pay for that.
#include <algorithm>

#include "net/connection.h"

namespace wsd::net {
namespace {

// The rate at which a peer must acknowledge bytes while its connection closes. A slower peer could
// hold the queue of a closing connection for days.
constexpr std::size_t kLeastClosingRate = 1024;  // bytes per second

// A Close frame has at most 127 bytes. That the peer has acknowledged it is no progress: its own
// Close must follow.
constexpr std::size_t kCloseFrameRoom = 256;

// The rate at which a peer is assumed to read bytes that a proxy has acknowledged in its stead.
constexpr std::uint64_t kLeastReadingRate = std::uint64_t{16} << 10;  // bytes per second

constexpr std::uint64_t kTicksPerSecond = ticks_for_ms(1000);

}  // namespace

// Sends a Ping, and notes its position in the stream.
void Connection::send_ping() {
  pinged_ = true;
  const std::uint32_t before = acknowledged_;
  const auto sent_bytes = static_cast<std::uint32_t>(out_.bytes_sent());
  ping_position_ = out_.control_position();
  // If only the previous Ping was sent since then, the bytes that came since have acknowledged it.
  const std::size_t mask_bytes = session_.is_client() ? sizeof(protocol::MaskingKey) : 0;
  const bool only_ping = out_.idle() && sent_bytes - before == 2 + mask_bytes + PingStamp::kBytes;
  if (only_ping) {
    acknowledged_ = sent_bytes;
  } else if (receives(settings().heartbeat.read_timeout)) {
    heartbeat_.excuse(reactor_.now);  // a later look sees only progress since this one
  }
  const std::uint64_t ahead = ping_position_ - before;
  const std::uint64_t in_time =
      kLeastReadingRate * settings().heartbeat.pong_timeout / kTicksPerSecond;
  patience_ = std::min<std::uint64_t>(ahead / std::max<std::uint64_t>(in_time, 1), kMostPatience) &
              kMostPatience;
  sent([&] {
    const PingStamp stamp(reactor_.now_ns, process_ping_key());
    return out_.send_control(session_.control_frame(protocol::Opcode::kPing, stamp.bytes()),
                             context());
  });
}

// Returns whether there is a reason for the missing Pong.
//
// A peer that has not acknowledged the bytes before the Ping is alive while it acknowledges more of
// them. After that, a proxy or the peer's kernel has the Ping, but the peer itself may still have
// to read what precedes it. It gets another pong timeout for each amount of these bytes that takes
// a pong timeout at kLeastReadingRate. A peer that never reads gains at most kMostPatience of them.
bool Connection::pong_excused() {
  const std::uint32_t before = acknowledged_;
  acknowledged_ = out_.acknowledged(out_.unacknowledged());
  if (Outbound::grown_by(before, ping_position_) < 0) {
    return Outbound::grown_by(acknowledged_, before) > 0;
  }
  const bool has_ping = Outbound::grown_by(acknowledged_, ping_position_) > 0;
  if (!has_ping || patience_ == 0) return false;
  --patience_;
  return true;
}

// Returns whether the peer was receiving for `timeout`, so that its silence has a reason. Bytes are
// on their way to it, and it has acknowledged some since the last look. Or it has acknowledged all,
// and they were as many as take `timeout` at kLeastReadingRate.
bool Connection::receives(Tick timeout) {
  const std::size_t waiting = out_.unacknowledged();
  const std::uint32_t before = acknowledged_;
  acknowledged_ = out_.acknowledged(waiting);
  const std::int32_t grown = Outbound::grown_by(acknowledged_, before);
  if (grown <= 0) return false;
  return waiting != 0 || !out_.idle() ||
         static_cast<std::uint64_t>(grown) >= kLeastReadingRate * timeout / kTicksPerSecond;
}

// Returns whether the peer of a closing connection still takes the bytes before the Close. The
// close timeout then begins again.
bool Connection::still_takes(Tick now) {
  const std::size_t waiting = out_.unacknowledged();
  const std::uint32_t acknowledged = out_.acknowledged(waiting);
  const Tick since = pending_since_.near(now);
  const std::uint64_t elapsed = now - std::min(now, since);
  const bool all = waiting == 0 && out_.idle();
  const std::uint64_t least = all ? 0 : elapsed * kLeastClosingRate / kTicksPerSecond;
  const std::int32_t grown = Outbound::grown_by(acknowledged, acknowledged_);
  if (grown < 0 ||
      static_cast<std::uint64_t>(grown) < std::max<std::uint64_t>(least, kCloseFrameRoom)) {
    return false;
  }
  acknowledged_ = acknowledged;
  pending_since_ = now;
  return true;
}

}  // namespace wsd::net
