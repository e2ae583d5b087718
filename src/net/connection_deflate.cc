// permessage-deflate on a connection's sending side.
#include "net/connection.h"

namespace wsd::net {

void Connection::enable_compression(const protocol::DeflateParameters& terms) {
  session_.upgrade(terms, reactor_.deflate_pool);
  reactor_.counters.context_bytes.fetch_add(protocol::context_bytes(terms),
                                            std::memory_order_relaxed);
  // Members whose messages stand by themselves share what the encoder makes.
  if (terms.server_no_context_takeover) set_encoding(terms.server_max_window_bits);
}

// Whether what it is sent depends on what it was sent before.
bool Connection::own_compressor() const noexcept {
  const protocol::Compression* const compression = session_.compression();
  return compression != nullptr && !compression->terms().server_no_context_takeover;
}

Outbound::Status Connection::send_payload(protocol::Opcode opcode, Bytes payload,
                                          const hub::SlowPolicyFor* rule) {
  protocol::Compression* const compression = session_.compression();
  if (compression == nullptr || payload.size() < reactor_.settings.deflate_threshold) {
    return out_.send_message(opcode, payload, false, context(rule));
  }
  const Bytes deflated = compression->deflate(payload);
  const bool compressed = !deflated.empty();
  const Outbound::Status status =
      out_.send_message(opcode, compressed ? deflated : payload, compressed, context(rule));
  if (status == Outbound::Status::kDropped) compression->forget_sent();
  return status;
}

}  // namespace wsd::net
