// Fails allocations. Replaces `new`; the linker's --wrap redirects malloc and realloc. zlib's
// allocations go through the allocator functions that its streams name.
#include <zlib.h>

#include <cstdlib>
#include <new>

#include "faults/calls.h"

using wsd::faults::Call;
using wsd::faults::calls;
using wsd::faults::Serving;

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_realloc(void* block, std::size_t size);
int __real_inflateInit2_(z_streamp stream, int window_bits, const char* version, int size);
int __real_deflateInit2_(z_streamp stream, int level, int method, int window_bits, int mem_level,
                         int strategy, const char* version, int size);

void* __wrap_malloc(std::size_t size) {
  if (Serving::here() && calls().next(Call::kMalloc, -1) != 0) return nullptr;
  return __real_malloc(size);
}

void* __wrap_realloc(void* block, std::size_t size) {
  if (Serving::here() && calls().next(Call::kRealloc, -1) != 0) return nullptr;
  return __real_realloc(block, size);
}
}

namespace {

voidpf zlib_allocate(voidpf /*opaque*/, uInt count, uInt size) {
  if (Serving::here() && calls().next(Call::kZlib, -1) != 0) return Z_NULL;
  return std::calloc(count, size);
}
void zlib_free(voidpf /*opaque*/, voidpf block) { std::free(block); }

void use_own_allocator(z_streamp stream) {
  stream->zalloc = zlib_allocate;
  stream->zfree = zlib_free;
}

void* allocate(std::size_t size) {
  if (Serving::here() && calls().next(Call::kNew, -1) != 0) throw std::bad_alloc();
  void* const block = __real_malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void* allocate(std::size_t size, std::align_val_t alignment) {
  if (Serving::here() && calls().next(Call::kNew, -1) != 0) throw std::bad_alloc();
  const auto align = static_cast<std::size_t>(alignment);
  void* const block = std::aligned_alloc(align, (size + align - 1) / align * align);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

extern "C" {
int __wrap_inflateInit2_(z_streamp stream, int window_bits, const char* version, int size) {
  use_own_allocator(stream);
  return __real_inflateInit2_(stream, window_bits, version, size);
}
int __wrap_deflateInit2_(z_streamp stream, int level, int method, int window_bits, int mem_level,
                         int strategy, const char* version, int size) {
  use_own_allocator(stream);
  return __real_deflateInit2_(stream, level, method, window_bits, mem_level, strategy, version,
                              size);
}
}

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
