// Keeps descriptors free for the rest of the process.
#pragma once

namespace wsd::net {

// Tells whether a listening socket may accept another connection. The kernel gives a new descriptor
// the lowest number that is free (POSIX.1, "File Descriptor Allocation"). So as long as nobody
// accepts a connection whose number is `limit` or above, the descriptors from there on are left to
// the other users of the process, however many connections there are. One thread.
class DescriptorLimit {
 public:
  // `limit` 0: there is none.
  explicit DescriptorLimit(int limit) noexcept : limit_(limit), last_(limit) {}

  // Returns whether a new descriptor would be below the limit. `open` is any open descriptor. Other
  // threads may be faster, so the result is a forecast: check allows() too.
  [[nodiscard]] bool has_space(int open) const noexcept;
  // Returns whether the new descriptor `fd` is below the limit. If not, the caller closes it.
  [[nodiscard]] bool allows(int fd) noexcept {
    last_ = fd;
    return limit_ == 0 || fd < limit_;
  }

 private:
  int limit_;
  int last_;  // the previous descriptor
};

}  // namespace wsd::net
