// The two system calls that each message makes.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace wsd::net {

// recv(2) and send(2), straight into the kernel where we know its convention. The C library's are
// points at which a thread may be cancelled, and being one costs as much again as the rest of what
// we do around the call; nobody cancels a reactor. C names, for the linker's --wrap.
extern "C" ssize_t wsd_recv(int fd, void* into, std::size_t size, int flags) noexcept;
extern "C" ssize_t wsd_send(int fd, const void* from, std::size_t size, int flags) noexcept;

}  // namespace wsd::net
