#include "net/system_calls.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The sanitizers watch the C library's calls for what the kernel reads and writes.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WSD_WATCHED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WSD_WATCHED 1
#endif

// Some architectures reach sockets by other system calls.
#if defined(SYS_recvfrom) && defined(SYS_sendto) && !defined(WSD_WATCHED)
#define WSD_DIRECT 1
#endif

namespace wsd::net {

extern "C" ssize_t wsd_recv(int fd, void* into, std::size_t size, int flags) noexcept {
#ifdef WSD_DIRECT
  return ::syscall(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
#else
  return ::recv(fd, into, size, flags);
#endif
}

extern "C" ssize_t wsd_send(int fd, const void* from, std::size_t size, int flags) noexcept {
#ifdef WSD_DIRECT
  return ::syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
#else
  return ::send(fd, from, size, flags);
#endif
}

}  // namespace wsd::net
