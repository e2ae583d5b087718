#include "net/descriptor_limit.h"

#include <fcntl.h>
#include <unistd.h>

namespace wsd::net {
namespace {

// Below limit - kFar, a forecast costs no system call. It is wrong only if so many descriptors were
// opened since the previous one.
constexpr int kFar = 1'024;

}  // namespace

bool DescriptorLimit::has_space(int open) const noexcept {
  if (limit_ == 0 || last_ < limit_ - kFar) return true;
  const int next = ::fcntl(open, F_DUPFD_CLOEXEC, 0);
  if (next < 0) return false;
  ::close(next);
  return next < limit_;
}

}  // namespace wsd::net
