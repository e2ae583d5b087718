#include "protocol/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <string_view>

#include "protocol/block_reach.h"
#include "wsd/version.h"

namespace wsd {

std::string_view deflate_library() noexcept { return "zlib " ZLIB_VERSION; }

}  // namespace wsd

namespace wsd::protocol {
namespace {

// From this level on zlib would search much longer for a match, at more than ten times the work and
// for less than one per cent of the size. So these levels search as long as level 7.
constexpr int kFirstTunedLevel = 8;
constexpr int kLongestSearch = 256;

// §7.2.1 (2), §7.2.2 (1): a sender removes these bytes from the end, and a receiver appends them
// again.
constexpr std::array<std::uint8_t, 4> kTail = {0x00, 0x00, 0xFF, 0xFF};

constexpr std::size_t kFirstOutput = 4096;

// Bytes that a flush may add; deflateBound() does not count them.
constexpr std::size_t kFlushBytes = 16;

// Flags in z_stream::data_type; see inflate() in zlib.h.
constexpr int kBetweenBlocks = 128;
constexpr int kUnusedBits = 63;

// zlib counts in unsigned int. Messages are smaller than that, and zlib does not change its input.
void set_input(z_stream& stream, Bytes bytes) noexcept {
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
}

// Returns whether zlib has stopped between two blocks although it can go on without more input: it
// has all the bits of a block's header, or a final block must be ended.
bool stopped_early(const z_stream& stream) noexcept {
  constexpr int kFinalBlock = 64;
  constexpr int kBlockHeaderBits = 3;
  return (stream.data_type & kBetweenBlocks) != 0 &&
         ((stream.data_type & kFinalBlock) != 0 ||
          (stream.data_type & kUnusedBits) >= kBlockHeaderBits);
}

void set_output(z_stream& stream, MutableBytes bytes) noexcept {
  stream.next_out = bytes.data();
  stream.avail_out = static_cast<uInt>(bytes.size());
}

}  // namespace

bool have_deflate() noexcept { return true; }

// Inflater

struct Inflater::State {
  explicit State(std::uint8_t window_bits) noexcept : reach(window_bits) {}
  z_stream stream = {};
  BlockReach reach;
  enum class Stage : std::uint8_t { kNone, kData, kTail };
  Stage stage = Stage::kNone;  // of the message
  Bytes tail;                  // the part of kTail that is left
  ~State() { ::inflateEnd(&stream); }
};

Inflater::Inflater(std::uint8_t window_bits) noexcept : window_bits_(window_bits) {}
Inflater::~Inflater() = default;

Inflater::Status Inflater::message(Bytes& compressed, ByteBuffer& out, std::size_t limit,
                                   WorkShare& share) {
  if (state_ == nullptr) {
    auto state = std::make_unique<State>(window_bits_);
    // A negative value selects raw DEFLATE (§7.2) and makes distances beyond the window errors.
    if (::inflateInit2(&state->stream, -static_cast<int>(window_bits_)) != Z_OK) {
      return Status::kNoMemory;
    }
    state_ = std::move(state);
  }
  if (state_->stage == State::Stage::kNone) {
    state_->stage = State::Stage::kData;
    state_->tail = kTail;
    out.clear();
  }
  Status status = out.reserve(kFirstOutput) ? Status::kOk : Status::kNoMemory;
  if (status == Status::kOk && state_->stage == State::Stage::kData) {
    status = feed(compressed, out, limit, share);
    if (status == Status::kOk) state_->stage = State::Stage::kTail;
  }
  if (status == Status::kOk) status = feed(state_->tail, out, limit, share);
  if (status == Status::kUnfinished) return status;
  state_->stage = State::Stage::kNone;
  // §7.2.1 makes every message end between two blocks. Any other end means that data is missing.
  if (status == Status::kOk && (state_->stream.data_type & kBetweenBlocks) == 0) {
    status = Status::kCorrupt;
  }
  return status;
}

// Decompresses all of `input`, and removes from it what zlib has taken. Each call of zlib ends at
// the end of a block, so that blocks can be counted.
Inflater::Status Inflater::feed(Bytes& input, ByteBuffer& out, std::size_t limit,
                                WorkShare& share) {
  z_stream& stream = state_->stream;
  BlockReach& reach = state_->reach;
  for (;;) {
    if (share.step_used_up()) return Status::kUnfinished;
    // One byte more than the limit is enough to notice that the limit is exceeded.
    if (out.room().empty() && !out.reserve(std::min(out.capacity() * 2, limit + 1))) {
      return Status::kNoMemory;
    }
    const MutableBytes room =
        out.room().first(std::min(out.room().size(), reach.output_step(input)));
    set_input(stream, input);
    set_output(stream, room);
    const int result = ::inflate(&stream, Z_BLOCK);
    const std::size_t taken = input.size() - stream.avail_in;
    const std::size_t made = room.size() - stream.avail_out;
    const bool block_ended = (stream.data_type & kBetweenBlocks) != 0;
    share.spend(kInflateCallWork + taken * kInflateInputWork + made * kInflateOutputWork +
                (block_ended ? kInflateBlockWork : 0));
    reach.advance(input.first(taken), made, block_ended,
                  static_cast<unsigned>(stream.data_type & kUnusedBits));
    input = input.subspan(taken);
    out.grow(made);
    if (out.size() > limit) return Status::kTooBig;
    if (result == Z_STREAM_END) {
      // §7.2.3.4: a final block ends neither the message nor the window.
      if (::inflateResetKeep(&stream) != Z_OK) return Status::kCorrupt;
      reach.begin_stream();
      if (input.empty()) return Status::kOk;
      continue;
    }
    if (result == Z_MEM_ERROR) return Status::kNoMemory;
    if (result != Z_OK && result != Z_BUF_ERROR) return Status::kCorrupt;
    if (stream.avail_out == 0 || stopped_early(stream)) continue;
    if (input.empty()) return Status::kOk;
    // Z_BUF_ERROR although neither input nor output space ran out: zlib makes no progress.
    if (result == Z_BUF_ERROR) return Status::kCorrupt;
  }
}

void Inflater::forget() noexcept {
  if (state_ == nullptr) return;
  state_->stage = State::Stage::kNone;
  state_->reach.forget();
  ::inflateReset(&state_->stream);
}

// zlib has no other mark of this error than its message.
bool Inflater::reached_too_far() const noexcept {
  constexpr std::string_view kTooFar = "invalid distance too far back";
  return state_ != nullptr && state_->stream.msg != nullptr && state_->stream.msg == kTooFar;
}

// Deflater

struct Deflater::State {
  z_stream stream = {};
  ~State() { ::deflateEnd(&stream); }
};

Deflater::Deflater(std::uint8_t window_bits, int level) noexcept
    : window_bits_(window_bits), level_(level) {}
Deflater::~Deflater() = default;

bool Deflater::message(Bytes payload, ByteBuffer& out) {
  if (state_ == nullptr) {
    auto state = std::make_unique<State>();
    if (::deflateInit2(&state->stream, level_, Z_DEFLATED, -static_cast<int>(window_bits_),
                       deflate_memory_level(window_bits_), Z_DEFAULT_STRATEGY) != Z_OK) {
      return false;
    }
    state_ = std::move(state);
  }
  z_stream& stream = state_->stream;
  if (level_ >= kFirstTunedLevel) {  // deflateReset() sets zlib's own values again
    constexpr int kLongestMatch = 258;
    ::deflateTune(&stream, 32, kLongestMatch, kLongestMatch, kLongestSearch);
  }
  set_input(stream, payload);
  out.clear();
  if (!out.reserve(::deflateBound(&stream, stream.avail_in) + kFlushBytes)) return false;
  do {
    if (out.room().empty() && !out.reserve(out.capacity() * 2)) return false;
    const MutableBytes room = out.room();
    set_output(stream, room);
    if (::deflate(&stream, Z_SYNC_FLUSH) == Z_STREAM_ERROR) return false;
    out.grow(room.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  // §7.2.1 (2): the empty stored block of the flush is not sent, except for its header bits.
  const Bytes written = out.bytes();
  if (written.size() < kTail.size() ||
      !std::equal(kTail.begin(), kTail.end(), written.end() - kTail.size())) {
    return false;
  }
  out.cut(written.size() - kTail.size());
  if (out.size() != 0) return true;
  // §7.2.3.6: an empty payload would leave nothing, so the header of an empty block is sent.
  out.room().front() = 0x00;
  out.grow(1);
  return true;
}

void Deflater::forget() noexcept {
  if (state_ != nullptr) ::deflateReset(&state_->stream);
}

}  // namespace wsd::protocol
