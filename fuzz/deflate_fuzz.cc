// permessage-deflate's codecs with any parameters (RFC 7692 §7). Arbitrary bytes are compared with
// a slow inflater. Our compressed data is read by zlib, and zlib's compressed data, with all its
// options, is read by us.
//
// Input: a mode, one octet of window bits and takeover, one of level, then messages: two octets of
// size, one of options (if the mode has them), the bytes.
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "fuzz_input.h"
#include "protocol/compression.h"
#include "slow_inflate.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT
using fuzz::FuzzInput;
using fuzz::SlowInflater;

constexpr std::string_view kTail("\x00\x00\xFF\xFF", 4);
// of a limit, and of the data from one input
constexpr std::size_t kMostBytes = std::size_t{1} << 18;

struct Terms {
  unsigned bits;
  bool takeover;
  int level;

  explicit Terms(FuzzInput& input) {
    const unsigned both = input.byte();
    bits = 9 + both % 7;
    takeover = both >= 128;
    level = 1 + input.byte() % 9;
  }
  [[nodiscard]] DeflateParameters wire() const {
    const auto window = static_cast<std::uint8_t>(bits);
    return {.server_no_context_takeover = !takeover,
            .client_no_context_takeover = !takeover,
            .server_max_window_bits = window,
            .client_max_window_bits = window};
  }
};

// Returns a size and that many bytes, repeated, so that a short input fills a window.
std::string take_payload(FuzzInput& input, unsigned times) {
  const std::string once(as_text(input.take(input.pair() % 2048)));
  std::string payload;
  for (unsigned i = 0; i < times; ++i) {
    payload += once;
    payload += static_cast<char>(i);
  }
  return payload;
}

Inflater::Status status_of(SlowInflater::Status status) {
  if (status == SlowInflater::Status::kTooBig) return Inflater::Status::kTooBig;
  return status == SlowInflater::Status::kOk ? Inflater::Status::kOk : Inflater::Status::kCorrupt;
}

// Decompresses a whole message in steps of at most `step` units of work.
Inflater::Status inflate(Compression& compression, Bytes compressed, std::size_t limit,
                         std::size_t step) {
  DeflatePool& pool = compression.pool();
  ByteBuffer aside;
  for (;;) {
    pool.inflating.begin_turn();
    pool.inflating.begin_step(step);
    const Inflater::Status status = compression.inflate(compressed, limit);
    if (status != Inflater::Status::kUnfinished) return status;
    WSD_ASSERT(pool.inflating.step_used_up());
    aside.swap(pool.inflated);  // another connection may use the pool's buffer meanwhile
    pool.inflated.reset();
    aside.swap(pool.inflated);
  }
}

void inflate_arbitrary(FuzzInput& input) {
  const Terms terms(input);
  DeflatePool pool(terms.level);
  Compression compression(terms.wire(), pool);
  SlowInflater slow(terms.bits, terms.takeover);
  while (!input.empty()) {
    const std::size_t limit = (input.pair() + 1) * 4 % kMostBytes;
    // Copies the bytes to a separate block, so that a read past its end is detected.
    const Bytes taken = input.take(input.pair());
    const std::vector<std::uint8_t> compressed(taken.begin(), taken.end());
    const std::size_t step =
        terms.level % 3 == 0 ? kInflateShare : static_cast<std::size_t>(terms.level);
    Inflater::Status status = inflate(compression, compressed, limit, step);
    WSD_ASSERT(pool.inflated.capacity() <= limit + 4096 + 1);
    WSD_ASSERT(status != Inflater::Status::kBeforeStart || !terms.takeover);
    if (status == Inflater::Status::kBeforeStart) status = Inflater::Status::kCorrupt;
    SlowInflater::Result expected = slow.message(as_text(compressed), limit);
    if (expected.hardly_beyond && status != Inflater::Status::kCorrupt) {
      expected = slow.message(as_text(compressed), limit, true);
    }
    WSD_ASSERT(status == status_of(expected.status));
    if (status != Inflater::Status::kOk) return;
    WSD_ASSERT(as_text(pool.inflated.bytes()) == expected.plain);
  }
}

// The peer: zlib's inflate with the negotiated window.
class Reference {
 public:
  explicit Reference(const Terms& terms) : takeover_(terms.takeover) {
    WSD_ASSERT(::inflateInit2(&stream_, -static_cast<int>(terms.bits)) == Z_OK);
  }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;
  ~Reference() { ::inflateEnd(&stream_); }

  void check(Bytes compressed, std::string_view payload) {
    std::string wire(as_text(compressed));
    wire += kTail;
    std::string plain(payload.size() + 1, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(wire.data());
    stream_.avail_in = static_cast<uInt>(wire.size());
    stream_.next_out = reinterpret_cast<Bytef*>(plain.data());
    stream_.avail_out = static_cast<uInt>(plain.size());
    WSD_ASSERT(::inflate(&stream_, Z_SYNC_FLUSH) == Z_OK && stream_.avail_in == 0);
    plain.resize(plain.size() - stream_.avail_out);
    WSD_ASSERT(plain == payload);
    if (!takeover_) WSD_ASSERT(::inflateReset(&stream_) == Z_OK);
  }

 private:
  z_stream stream_ = {};
  bool takeover_;
};

void deflate_for_peer(FuzzInput& input) {
  const Terms terms(input);
  DeflatePool pool(terms.level);
  Compression compression(terms.wire(), pool);
  Deflater alone(static_cast<std::uint8_t>(terms.bits), terms.level);
  Reference reference(terms);
  // zlib allows a distance beyond the window if the earlier output is still in memory.
  SlowInflater strict(terms.bits, terms.takeover);
  std::size_t made = 0;
  while (!input.empty() && made < kMostBytes) {
    const unsigned options = input.byte();
    const std::string payload = take_payload(input, 1 + options % 32);
    made += payload.size();
    pool.end_turn(true);
    const Bytes compressed = compression.deflate(as_bytes(payload));
    WSD_ASSERT(compressed.size() < payload.size() || compressed.empty());
    if (options >= 192) {
      compression.forget_sent();
    } else if (!compressed.empty()) {
      reference.check(compressed, payload);
      const SlowInflater::Result plain = strict.message(as_text(compressed), payload.size());
      WSD_ASSERT(plain.status == SlowInflater::Status::kOk && plain.plain == payload);
    }
    // Compresses the message even if it does not shrink.
    if (!alone.message(as_bytes(payload), pool.deflated)) WSD_ASSERT(false);
    alone.forget();
    WSD_ASSERT(pool.deflated.size() != 0);
    // A smaller window has smaller blocks. A message that grows by them is never sent.
    if (deflate_memory_level(static_cast<std::uint8_t>(terms.bits)) == 8) {
      WSD_ASSERT(pool.deflated.size() <= compressed_limit(payload.size()));
    }
    SlowInflater fresh(terms.bits, false);
    WSD_ASSERT(fresh.message(as_text(pool.deflated.bytes()), payload.size()).plain == payload);
  }
}

// The peer: zlib's deflate, with any level, strategy, memory and flushes within a message.
class PeerDeflater {
 public:
  PeerDeflater(const Terms& terms, FuzzInput& input) : takeover_(terms.takeover) {
    const int level = input.byte() % 10;
    const unsigned rest = input.byte();
    WSD_ASSERT(::deflateInit2(&stream_, level, Z_DEFLATED, -static_cast<int>(terms.bits),
                              1 + static_cast<int>(rest % 9),
                              static_cast<int>(rest / 9 % 5)) == Z_OK);
  }
  PeerDeflater(const PeerDeflater&) = delete;
  PeerDeflater& operator=(const PeerDeflater&) = delete;
  ~PeerDeflater() { ::deflateEnd(&stream_); }

  std::string message(const std::string& payload, unsigned options) {
    static constexpr int kFlushes[] = {Z_NO_FLUSH, Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH,
                                       Z_BLOCK};
    const std::size_t half = payload.size() / 2;
    wire_.clear();
    run(std::string_view(payload).substr(0, half), kFlushes[options % 5]);
    const bool final = options >= 200;
    run(std::string_view(payload).substr(half), final ? Z_FINISH : Z_SYNC_FLUSH);
    history_ += payload;
    if (final) {
      WSD_ASSERT(::deflateReset(&stream_) == Z_OK);
      if (takeover_) remember();
      return wire_ + '\0';  // RFC 7692 §7.2.3.4: an empty block's header after the final one
    }
    WSD_ASSERT(wire_.ends_with(kTail));
    wire_.resize(wire_.size() - kTail.size());
    return wire_.empty() ? std::string(1, '\0') : wire_;  // RFC 7692 §7.2.3.6
  }
  void forget() { WSD_ASSERT(::deflateReset(&stream_) == Z_OK); }

 private:
  // Starts another stream. The window continues (RFC 7692 §7.2.3.4).
  void remember() {
    const auto* const bytes = reinterpret_cast<const Bytef*>(history_.data());
    WSD_ASSERT(::deflateSetDictionary(&stream_, bytes, static_cast<uInt>(history_.size())) == Z_OK);
  }

  void run(std::string_view bytes, int flush) {
    std::string in(bytes);
    std::string out(::deflateBound(&stream_, static_cast<uLong>(in.size())) + 64, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(in.data());
    stream_.avail_in = static_cast<uInt>(in.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = static_cast<uInt>(out.size());
      WSD_ASSERT(::deflate(&stream_, flush) != Z_STREAM_ERROR);
      wire_.append(out, 0, out.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_ = {};
  bool takeover_;
  std::string wire_;
  std::string history_;
};

void inflate_from_peer(FuzzInput& input) {
  const Terms terms(input);
  DeflatePool pool(terms.level);
  Compression compression(terms.wire(), pool);
  PeerDeflater peer(terms, input);
  std::size_t made = 0;
  while (!input.empty() && made < kMostBytes) {
    const unsigned options = input.byte();
    const std::string payload = take_payload(input, 1 + input.byte() % 32);
    made += payload.size();
    const std::string wire = peer.message(payload, options);
    if (!terms.takeover) peer.forget();
    WSD_ASSERT(inflate(compression, as_bytes(wire), payload.size(), 1 + options) ==
               Inflater::Status::kOk);
    WSD_ASSERT(as_text(pool.inflated.bytes()) == payload);
    pool.end_turn(false);
  }
  // A message that exceeds the limit by one byte.
  const std::string wire = peer.message(std::string(100, 'x'), 2);
  WSD_ASSERT(inflate(compression, as_bytes(wire), 99, 1) == Inflater::Status::kTooBig);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  switch (input.byte() % 3) {
    case 0:
      inflate_arbitrary(input);
      break;
    case 1:
      deflate_for_peer(input);
      break;
    default:
      inflate_from_peer(input);
  }
  return 0;
}
