// Densely packed objects of one type, without a header or rounding for each.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "base/slab_cells.h"

namespace wsd {

// Creates and destroys objects of type T. One thread at a time. All objects must be destroyed
// before the slab. A block without objects is freed at once, except for the last block.
template <class T>
class Slab {
 public:
  // Throws std::bad_alloc if out of memory, and any exception of the constructor.
  template <class... Arguments>
  [[nodiscard]] T* make(Arguments&&... arguments) {
    static_assert(alignof(T) <= SlabCells::kAlignment);
    void* const cell = cells_.take();
    try {
      return new (cell) T(std::forward<Arguments>(arguments)...);
    } catch (...) {
      cells_.give_back(cell);
      throw;
    }
  }
  void destroy(T* object) noexcept {
    object->~T();
    cells_.give_back(object);
  }
  // Frees the block that was kept although it holds no object.
  void release_unused() noexcept { cells_.release_unused(); }

 private:
  SlabCells cells_{sizeof(T)};
};

}  // namespace wsd
