// The memory of a Slab: cells of one size in large blocks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wsd {

class SlabCells {
 public:
  static constexpr std::size_t kAlignment = 8;
  // Above glibc's threshold for mapping a block of its own. Untouched pages then take no memory,
  // and a freed block returns to the kernel completely.
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

  // `cell_bytes` must be at most kBlockBytes / 2.
  explicit SlabCells(std::size_t cell_bytes) noexcept;
  SlabCells(const SlabCells&) = delete;
  SlabCells& operator=(const SlabCells&) = delete;
  // All cells must be free.
  ~SlabCells();

  // Returns a cell with kAlignment. Throws std::bad_alloc if out of memory.
  [[nodiscard]] void* take();
  void give_back(void* cell) noexcept;
  // Frees the block that was kept although all its cells are free.
  void release_unused() noexcept;

 private:
  struct FreeCell {
    FreeCell* next;
  };
  // The start of each block. Blocks are aligned to their size, so the address of a cell gives its
  // block.
  struct Block {
    Block* next;  // in the list of blocks with a free cell
    Block* prev;
    FreeCell* free;       // list of freed cells
    std::uint32_t fresh;  // the first cell that was never used
    std::uint32_t used;
  };

  [[nodiscard]] Block* add_block();
  void link(Block* block) noexcept;
  void unlink(Block* block) noexcept;
  void free_block(Block* block) noexcept;

  std::size_t cell_bytes_;
  std::uint32_t cells_per_block_;
  Block* with_room_ = nullptr;
};

}  // namespace wsd
