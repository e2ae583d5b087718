// The invariants of a peer at rest and at the end.
#include "sim/peer.h"

namespace wsd::sim {

void Peer::check_at_rest(bool windows_open) const {
  // A publisher that waits for a window is not read.
  const bool may_be_paused = windows_open && role_ == Role::kRoom;
  if (link_ != nullptr && link_->accepted && reports_ == 0 && !may_be_paused &&
      (link_->fin_arrived || link_->reset_arrived)) {
    complain("has ended, and the server has not noticed");
  }
  if (link_ == nullptr || !honest() || ended_ || refused_ || kicked_ || aborts_) return;
  if (reports_ != 0 || close_received_ || close_sent_ || silent_ || has_to_read()) return;
  if (!link_->accepted) complain("was never accepted");
  if (may_be_paused && (!link_->arrived.empty() || !unhandled_.empty())) return;
  if (!link_->arrived.empty()) complain("the server leaves its bytes unread");
  if (role_ == Role::kPage) {
    if (pages_due_ != 0) complain("did not get its page");
    return;
  }
  if (!upgraded_) complain("got no answer to its opening handshake");
  if (!unhandled_.empty() && !fragmented_) complain("a message it sent was not handled");
  if (!pings_.empty()) complain("its last Ping was not answered");
  if (plan_.drops()) return;
  if (!echoes_.empty()) complain("did not get its echo");
  if (direct_received_ != direct_due_) complain("did not get a message sent to it alone");
  if (!windows_open) check_rooms_at_rest();
}

void Peer::check_rooms_at_rest() const {
  for (const auto& [room, view] : views_) {
    if (view.own < view.published && !plan_.latest) complain("did not get its own message");
    if (!view.joined) continue;
    const RoomLog& log = RoomLog::current();
    const auto missing = [&, number = link_->number, of = room](std::size_t from) {
      return log.count_for(number, of, from, log.size(of));
    };
    if (view.all && missing(0) != 0) complain("did not get the requested history");
    if (!view.floors.empty()) continue;
    if (missing(view.next) != 0) complain("did not get its room's last messages");
  }
}

void Peer::check_at_end(bool forced) const {
  if (link_ == nullptr || !link_->accepted) return;
  if (reports_ != 1) complain("its end was not reported");
  if (!link_->server_closed) complain("its descriptor is still open");
  check_record();
  check_losses(forced);
}

// What the server has accepted for this peer, it delivers, or the record says that it did not.
void Peer::check_losses(bool forced) const {
  const bool orderly = cause_ == CloseCause::kPeerClosed ||
                       cause_ == CloseCause::kApplicationClosed || cause_ == CloseCause::kDrain ||
                       cause_ == CloseCause::kCloseTimeout || cause_ == CloseCause::kServerStopped;
  if (!orderly || !honest() || aborts_ || plan_.drops() || echoes_.empty()) return;
  if (clean_) complain("lost echoes, and its close is reported as clean");
  if (reported_undelivered_ == 0) complain("lost echoes, and its end is reported without a loss");
  // If the send queues of the process are full, the connection with the largest one loses it.
  const bool limited = plan_.settings.max_output_bytes != 0;
  if (!forced && !plan_.time_jumps && !limited) complain("reads what it is sent, and lost echoes");
}

void Peer::check_record() const {
  if (reported_in_ > messages_sent_) complain("more messages are reported than it sent");
  const bool whole = honest() && close_received_ && clean_ && !saw_reset_ && !aborts_;
  if (whole && cause_ != CloseCause::kSlowConsumer) {
    if (reported_out_ != data_received_) complain("the count of messages sent to it is wrong");
    if (skipped_ > reported_dropped_) complain("messages were dropped without being counted");
  }
  if (expected_code_ != 0 && close_received_ && !plan_.time_jumps && cause_ != CloseCause::kDrain &&
      close_code_ != expected_code_ && cause_ != CloseCause::kApplicationClosed &&
      cause_ != CloseCause::kSlowConsumer && cause_ != CloseCause::kInputBudget) {
    complain("its offence was answered with another close code");
  }
  if (bad_header_ && cause_ == CloseCause::kHandshakeRejected) {
    complain("the bad header of its proxy was answered");
  }
  if (cause_ == CloseCause::kProxyHeader && (!bad_header_ || link_->sent != 0)) {
    complain("a good header of its proxy was refused, or a bad one answered");
  }
  if (!honest() || plan_.time_jumps) return;
  switch (cause_) {
    case CloseCause::kPeerClosed:
    case CloseCause::kHttpDone:
    case CloseCause::kDrain:
    case CloseCause::kServerStopped:
      return;
    case CloseCause::kApplicationClosed:
      if (kicked_) return;
      break;
    case CloseCause::kEof:
    case CloseCause::kProbe:
      // The peer itself ends a connection that was rejected, or on which it has stopped sending.
      if (refused_ || silent_ || ended_) return;
      break;
    case CloseCause::kSlowConsumer:
      if (role_ == Role::kRoom) return;
      break;
    case CloseCause::kInputBudget:
    case CloseCause::kOutputBudget:
    case CloseCause::kOverload:
    case CloseCause::kResourceFailure:
      return;
    default:
      break;
  }
  if (!aborts_) complain("is honest and was ended as " + std::string(close_cause_name(cause_)));
}

}  // namespace wsd::sim
