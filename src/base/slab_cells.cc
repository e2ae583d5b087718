#include "base/slab_cells.h"

#include <new>

#include "base/assert.h"
#include "base/sanitizers.h"

namespace wsd {
namespace {

constexpr std::size_t round_up(std::size_t size) noexcept {
  return (size + SlabCells::kAlignment - 1) / SlabCells::kAlignment * SlabCells::kAlignment;
}

}  // namespace

SlabCells::SlabCells(std::size_t cell_bytes) noexcept
    : cell_bytes_(round_up(cell_bytes < sizeof(FreeCell) ? sizeof(FreeCell) : cell_bytes)),
      cells_per_block_(static_cast<std::uint32_t>((kBlockBytes - sizeof(Block)) / cell_bytes_)) {
  WSD_ASSERT(cells_per_block_ >= 1);
}

SlabCells::~SlabCells() {
  WSD_DCHECK(with_room_ == nullptr || (with_room_->used == 0 && with_room_->next == nullptr));
  if (with_room_ != nullptr) ::operator delete (with_room_, std::align_val_t{kBlockBytes});
}

SlabCells::Block* SlabCells::add_block() {
  void* const memory = ::operator new (kBlockBytes, std::align_val_t{kBlockBytes});
  auto* const block = new (memory) Block{nullptr, nullptr, nullptr, 0, 0};
  poison(block + 1, kBlockBytes - sizeof(Block));
  link(block);
  return block;
}

void SlabCells::link(Block* block) noexcept {
  block->prev = nullptr;
  block->next = with_room_;
  if (with_room_ != nullptr) with_room_->prev = block;
  with_room_ = block;
}

void SlabCells::unlink(Block* block) noexcept {
  (block->prev == nullptr ? with_room_ : block->prev->next) = block->next;
  if (block->next != nullptr) block->next->prev = block->prev;
}

void* SlabCells::take() {
  Block* const block = with_room_ != nullptr ? with_room_ : add_block();
  void* cell = block->free;
  if (cell != nullptr) {
    unpoison(cell, cell_bytes_);
    block->free = block->free->next;
  } else {
    cell = reinterpret_cast<std::byte*>(block + 1) + block->fresh++ * cell_bytes_;
    unpoison(cell, cell_bytes_);
  }
  if (++block->used == cells_per_block_) unlink(block);
  return cell;
}

void SlabCells::give_back(void* cell) noexcept {
  const auto within_block = reinterpret_cast<std::uintptr_t>(cell) % kBlockBytes;
  auto* const block = reinterpret_cast<Block*>(static_cast<std::byte*>(cell) - within_block);
  if (block->used-- == cells_per_block_) link(block);
  block->free = new (cell) FreeCell{block->free};
  poison(cell, cell_bytes_);
  // Keep the last block, so that creating and destroying one object does not allocate a block each
  // time.
  if (block->used == 0 && (block->next != nullptr || block->prev != nullptr)) free_block(block);
}

void SlabCells::release_unused() noexcept {
  for (Block* block = with_room_; block != nullptr;) {
    Block* const next = block->next;
    if (block->used == 0) free_block(block);
    block = next;
  }
}

void SlabCells::free_block(Block* block) noexcept {
  unlink(block);
  unpoison(block + 1, kBlockBytes - sizeof(Block));
  ::operator delete (block, std::align_val_t{kBlockBytes});
}

}  // namespace wsd
