// Keeps a write to a closed pipe from ending the process.
#pragma once

#include <csignal>

namespace wsd::server {

// Blocks SIGPIPE in its thread while it lives, so that write(2) only returns EPIPE. Does not change
// the process's handler, which belongs to the application. A thread that writes to a descriptor of
// the application must hold one: MSG_NOSIGNAL works only for sockets.
class BlockSigpipe {
 public:
  BlockSigpipe() noexcept;
  BlockSigpipe(const BlockSigpipe&) = delete;
  BlockSigpipe& operator=(const BlockSigpipe&) = delete;
  // Discards the signal that a write has caused meanwhile, and restores the thread's mask.
  ~BlockSigpipe();

 private:
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace wsd::server
