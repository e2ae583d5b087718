// The memory under a Slab: cells of one size in large blocks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wsd {

class SlabCells {
 public:
  static constexpr std::size_t kAlignment = 8;
  // Above the size from which glibc maps blocks of their own, so that pages that were never touched
  // take no memory and a block that is given back leaves none behind.
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

  // `cell_bytes` is at most kBlockBytes / 2.
  explicit SlabCells(std::size_t cell_bytes) noexcept;
  SlabCells(const SlabCells&) = delete;
  SlabCells& operator=(const SlabCells&) = delete;
  // All cells have been given back.
  ~SlabCells();

  // kAlignment is kept. std::bad_alloc when there is no memory.
  [[nodiscard]] void* take();
  void give_back(void* cell) noexcept;

 private:
  struct FreeCell {
    FreeCell* next;
  };
  // At the start of each block, which is aligned to its size: a cell finds its block by its
  // address.
  struct Block {
    Block* next;  // in the list of those with a free cell
    Block* prev;
    FreeCell* free;       // given back
    std::uint32_t fresh;  // cells never taken yet are those from here on
    std::uint32_t used;
  };

  [[nodiscard]] Block* add_block();
  void link(Block* block) noexcept;
  void unlink(Block* block) noexcept;

  std::size_t cell_bytes_;
  std::uint32_t cells_per_block_;
  Block* with_room_ = nullptr;
};

}  // namespace wsd
