// The encodings that a room's members may want: what the hub's variants mean.
#pragma once

#include <cstddef>

#include "base/shared_bytes.h"
#include "hub/batch.h"
#include "net/deflate_encoder.h"
#include "net/meta_frame.h"

namespace wsd::net {

// Messages behind their place; see meta_frame(). Others are those of DeflateEncoder.
inline constexpr hub::Variant kMetaVariant = 1;

// Reactor thread only.
class VariantEncoder final : public hub::Encoder {
 public:
  // `pool` outlives this.
  VariantEncoder(protocol::DeflatePool& pool, std::size_t threshold) noexcept
      : deflate_(pool, threshold) {}

  [[nodiscard]] SharedBytes encode(const SharedBytes& plain, hub::Variant variant,
                                   const Position& position) override {
    return variant == kMetaVariant ? meta_frame(plain, position) : deflate_.encode(plain, variant);
  }
  [[nodiscard]] SharedBytes gap_notice(hub::Variant variant, const Position& position) override {
    return variant == kMetaVariant ? gap_frame(position) : SharedBytes();
  }

 private:
  DeflateEncoder deflate_;
};

}  // namespace wsd::net
