#include "net/system_calls.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/sanitizers.h"

// Sanitizers intercept the C library's calls to learn which memory the kernel accesses.
#if defined(__x86_64__) && defined(__LP64__) && !defined(WSD_ASAN) && !defined(WSD_TSAN)
#define WSD_DIRECT 1
#include <sys/syscall.h>
#endif

namespace wsd::net {

#ifdef WSD_DIRECT
namespace {

// A separate function, so that a successful call does not save registers for it.
[[gnu::noinline, gnu::cold]] ssize_t failed(long result) noexcept {
  errno = static_cast<int>(-result);
  return -1;
}

// The kernel's convention (System V ABI for AMD64, §A.2.1): the number in rax, arguments in rdi,
// rsi, rdx, r10, r8 and r9; rcx and r11 are lost, and -4095 to -1 in rax is an error.
template <long kNumber, class Pointer>
inline ssize_t transfer(int fd, Pointer data, std::size_t size, int flags) noexcept {
  constexpr unsigned long kErrors = -4095UL;
  register long in_r10 asm("r10") = flags;
  register const void* in_r8 asm("r8") = nullptr;  // no address
  register long in_r9 asm("r9") = 0;
  long result = kNumber;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(static_cast<long>(fd)), "S"(data), "d"(size), "r"(in_r10), "r"(in_r8),
                 "r"(in_r9)
               : "rcx", "r11", "memory");
  return static_cast<unsigned long>(result) < kErrors ? result : failed(result);
}

}  // namespace
#endif

extern "C" ssize_t wsd_recv(int fd, void* into, std::size_t size, int flags) noexcept {
#ifdef WSD_DIRECT
  return transfer<SYS_recvfrom>(fd, into, size, flags);
#else
  return ::recv(fd, into, size, flags);
#endif
}

extern "C" ssize_t wsd_send(int fd, const void* from, std::size_t size, int flags) noexcept {
#ifdef WSD_DIRECT
  return transfer<SYS_sendto>(fd, from, size, flags);
#else
  return ::send(fd, from, size, flags);
#endif
}

}  // namespace wsd::net
