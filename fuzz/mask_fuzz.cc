// Compares apply_mask() and each of its kernels with the RFC's formula, byte by byte.
//
// Input: four octets of key, one of offset, one of split, then the payload.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "protocol/mask.h"
#include "protocol/mask_kernels.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT

// Each run masks a separate block, so that the sanitizer detects an access outside it.
using Block = std::vector<std::uint8_t>;

Block block_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

Block by_bytes(Bytes payload, MaskingKey key, std::uint64_t offset) {
  Block block = block_of(payload);
  for (std::size_t i = 0; i < block.size(); ++i) {
    block[i] = static_cast<std::uint8_t>(block[i] ^ key[(offset + i) % 4]);
  }
  return block;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kHead = 6;
  if (size < kHead) return 0;
  MaskingKey key;
  std::copy_n(data, key.size(), key.begin());
  const std::uint64_t offset = data[4];
  const Bytes payload(data + kHead, size - kHead);
  const Block expected = by_bytes(payload, key, offset);

  Block whole = block_of(payload);
  apply_mask(whole, key, offset);
  WSD_ASSERT(whole == expected);
  apply_mask(whole, key, offset);
  WSD_ASSERT(whole == block_of(payload));

  Block cut = block_of(payload);
  const std::size_t at = std::min<std::size_t>(data[5], cut.size());
  apply_mask(MutableBytes(cut).first(at), key, offset);
  apply_mask(MutableBytes(cut).subspan(at), key, offset + at);
  WSD_ASSERT(cut == expected);

  const std::uint32_t word = mask_detail::advance(std::bit_cast<std::uint32_t>(key), offset);
  for (const MaskKernel& kernel : mask_kernels()) {
    if (!kernel.supported) continue;
    Block block = block_of(payload);
    const bool ascii = kernel.apply(block.data(), block.size(), word);
    WSD_ASSERT(block == expected);
    WSD_ASSERT(ascii == std::all_of(block.begin(), block.end(),
                                    [](std::uint8_t octet) { return octet < 0x80; }));
  }
  return 0;
}
