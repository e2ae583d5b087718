// Replaces deflate.cc in builds without zlib. The extension is then never agreed on.
#include "base/assert.h"
#include "protocol/deflate.h"
#include "wsd/version.h"

namespace wsd {

std::string_view deflate_library() noexcept { return {}; }

}  // namespace wsd

namespace wsd::protocol {

bool have_deflate() noexcept { return false; }

struct Inflater::State {};
Inflater::Inflater(std::uint8_t window_bits) noexcept : window_bits_(window_bits) {
  WSD_ASSERT(have_deflate());
}
Inflater::~Inflater() = default;
Inflater::Status Inflater::message(Bytes& /*compressed*/, ByteBuffer& /*out*/,
                                   std::size_t /*limit*/, WorkShare& /*share*/) {
  return Status::kCorrupt;
}
void Inflater::forget() noexcept {}
bool Inflater::reached_too_far() const noexcept { return false; }

struct Deflater::State {};
Deflater::Deflater(std::uint8_t window_bits, int level) noexcept
    : window_bits_(window_bits), level_(level) {
  WSD_ASSERT(have_deflate());
}
Deflater::~Deflater() = default;
bool Deflater::message(Bytes /*payload*/, ByteBuffer& /*out*/) { return false; }
void Deflater::forget() noexcept {}

}  // namespace wsd::protocol
