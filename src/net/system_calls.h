// The two system calls that each message makes.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace wsd::net {

// recv(2) and send(2). They enter the kernel directly on platforms with a known calling convention.
// The C library's functions are cancellation points, which doubles the user-space cost of the call,
// and no reactor is ever cancelled. C names, for the linker's --wrap.
extern "C" ssize_t wsd_recv(int fd, void* into, std::size_t size, int flags) noexcept;
extern "C" ssize_t wsd_send(int fd, const void* from, std::size_t size, int flags) noexcept;

}  // namespace wsd::net
