#include "protocol/compression.h"

namespace wsd::protocol {

Inflater::Status Compression::inflate(Bytes compressed, std::size_t limit) {
  const bool borrowed = terms_.client_no_context_takeover;
  if (!borrowed && inflater_ == nullptr) {
    inflater_ = std::make_unique<Inflater>(terms_.client_max_window_bits);
  }
  Inflater& inflater = borrowed ? pool_.inflater(terms_.client_max_window_bits) : *inflater_;
  const Inflater::Status status = inflater.message(compressed, pool_.inflated, limit);
  if (borrowed) inflater.forget();
  pool_.inflated_in_turn += pool_.inflated.size();
  return status;
}

Bytes Compression::deflate(Bytes payload) {
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
