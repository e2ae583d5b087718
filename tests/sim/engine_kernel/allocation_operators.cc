// Allocations that can fail, as AllocationFaults says. Replaces `new`; the linker's --wrap
// redirects the malloc and realloc of the server's own objects.
#include <cstdlib>
#include <new>

#include "sim/allocation_faults.h"

using wsd::sim::AllocationFaults;

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_realloc(void* block, std::size_t size);

void* __wrap_malloc(std::size_t size) {
  return AllocationFaults::next() ? nullptr : __real_malloc(size);
}

void* __wrap_realloc(void* block, std::size_t size) {
  return AllocationFaults::next() ? nullptr : __real_realloc(block, size);
}
}

namespace {

void* allocate(std::size_t size) {
  void* const block =
      AllocationFaults::next() ? nullptr : __real_malloc(size == 0 ? std::size_t{1} : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void* allocate(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  void* const block = AllocationFaults::next()
                          ? nullptr
                          : std::aligned_alloc(align, (size + align - 1) / align * align);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
