// Many objects of one type, closely packed: no header for each, nothing lost to rounding.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "base/slab_cells.h"

namespace wsd {

// One thread at a time. An object that is made here is destroyed here, before the slab. The blocks
// that it takes from the system go back as soon as nothing is left in them, but for one.
template <class T>
class Slab {
 public:
  // Where memory runs out: std::bad_alloc, or what the constructor throws.
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

 private:
  SlabCells cells_{sizeof(T)};
};

}  // namespace wsd
