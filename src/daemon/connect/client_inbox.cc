#include "daemon/connect/client_inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace wsd::daemon {

ClientInbox::ClientInbox() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

ClientInbox::~ClientInbox() { ::close(descriptor_); }

void ClientInbox::wake() const noexcept {
  const int saved = errno;
  const std::uint64_t one = 1;
  // Fails only if the descriptor is readable already.
  static_cast<void>(!::write(descriptor_, &one, sizeof one));
  errno = saved;
}

void ClientInbox::push(ClientEvent event) {
  const auto* message = std::get_if<MessageEvent>(&event);
  const std::size_t size = message == nullptr ? 0 : message->payload.size();
  {
    std::unique_lock lock(mutex_);
    if (size != 0) taken_.wait(lock, [this] { return closed_ || bytes_ < kMaxBytes; });
    bytes_ += size;
    events_.push_back(std::move(event));
  }
  wake();
}

std::vector<ClientEvent> ClientInbox::take() {
  std::uint64_t count = 0;
  static_cast<void>(!::read(descriptor_, &count, sizeof count));
  const std::lock_guard lock(mutex_);
  bytes_ = 0;
  taken_.notify_all();
  return std::exchange(events_, {});
}

void ClientInbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  taken_.notify_all();
}

}  // namespace wsd::daemon
