#include "protocol/compression.h"

#include <utility>

namespace wsd::protocol {

Inflater::Status Compression::inflate(Bytes& compressed, std::size_t limit) {
  const bool borrowed = terms_.client_no_context_takeover;
  const std::uint8_t bits = terms_.client_max_window_bits;
  if (inflater_ == nullptr) {
    if (pool_.inflating.step_used_up()) {  // it is not worth borrowing
      pool_.inflated.clear();
      return Inflater::Status::kUnfinished;
    }
    inflater_ = borrowed ? pool_.borrow_inflater(bits) : std::make_unique<Inflater>(bits);
  }
  Inflater::Status status = inflater_->message(compressed, pool_.inflated, limit, pool_.inflating);
  // A smaller distance than the window that is too large begins before the message.
  if (status == Inflater::Status::kCorrupt && borrowed && inflater_->reached_too_far() &&
      pool_.inflated.size() < std::size_t{1} << bits) {
    status = Inflater::Status::kBeforeStart;
  }
  if (status != Inflater::Status::kUnfinished) abandon();
  return status;
}

void Compression::abandon() noexcept {
  if (!terms_.client_no_context_takeover || inflater_ == nullptr) return;
  inflater_->forget();
  pool_.give_back(terms_.client_max_window_bits, std::move(inflater_));
}

Bytes Compression::deflate(Bytes payload) {
  // An uncompressed message is not part of either side's window (RFC 7692 §7.2.1), so the context
  // stays as it is.
  if (!pool_.take_deflating(payload.size())) return {};
  if (terms_.server_no_context_takeover) {
    Deflater& shared = pool_.deflater(terms_.server_max_window_bits);
    const bool done = shared.message(payload, pool_.deflated);
    shared.forget();
    if (!done || pool_.deflated.size() >= payload.size()) return {};
    return pool_.deflated.bytes();
  }
  if (deflater_ == nullptr) {
    deflater_ = std::make_unique<Deflater>(terms_.server_max_window_bits, pool_.level());
  }
  if (!deflater_->message(payload, pool_.deflated) || pool_.deflated.size() >= payload.size()) {
    // The message is sent uncompressed, so the peer's context will not contain these bytes.
    deflater_->forget();
    return {};
  }
  return pool_.deflated.bytes();
}

void Compression::forget_sent() noexcept {
  if (deflater_ != nullptr) deflater_->forget();
}

std::size_t context_bytes(const DeflateParameters& terms) noexcept {
  return (terms.client_no_context_takeover ? 0 : inflater_bytes(terms.client_max_window_bits)) +
         (terms.server_no_context_takeover ? 0 : deflater_bytes(terms.server_max_window_bits));
}

}  // namespace wsd::protocol
