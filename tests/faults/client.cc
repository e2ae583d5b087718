#include "faults/client.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/byte_buffer.h"

namespace wsd::faults {
namespace {

constexpr int kRsv1 = 0x40;
constexpr std::uint8_t kWindowBits = 15;
constexpr std::size_t kLargest = std::size_t{64} << 20;

void make_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

Client::Client(std::string name, std::uint16_t port)
    : name_(std::move(name)), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) end_ = End::kReset;
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in here{};
  socklen_t size = sizeof(here);
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size);
  key_ = ntohs(here.sin_port);
  make_nonblocking(fd_);
}

Client::Client(std::string name, const std::string& unix_path, int key)
    : name_(std::move(name)), key_(key), fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  unix_path.copy(to.sun_path, sizeof(to.sun_path) - 1);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) end_ = End::kReset;
  make_nonblocking(fd_);
}

Client::~Client() { close(); }

void Client::note_failure(const std::string& what) {
  if (failure_.empty()) failure_ = what;
}

void Client::send(std::string_view bytes) {
  if (failed() || closed()) return;
  unsent_ += bytes;
  push();
}

void Client::say(int opcode, std::string_view payload) {
  if (deflater_ == nullptr) {
    send(test::client_frame(opcode, payload));
    return;
  }
  ByteBuffer out;
  if (!deflater_->message(as_bytes(payload), out)) note_failure("the client could not compress");
  if (!takeover_) deflater_->forget();
  send(test::client_frame(opcode | kRsv1, as_text(out.bytes())));
}

void Client::agree_on_deflate(bool context_takeover) {
  takeover_ = context_takeover;
  inflater_ = std::make_unique<protocol::Inflater>(kWindowBits);
  deflater_ = std::make_unique<protocol::Deflater>(kWindowBits, 1);
}

void Client::shutdown_write() {
  if (!closed()) ::shutdown(fd_, SHUT_WR);
}

void Client::reset() {
  const linger now{1, 0};
  if (!closed()) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close();
}

void Client::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Client::pump() {
  if (closed()) return false;
  const bool wrote = push();
  const bool read = !paused_ && pull();
  return wrote || read;
}

bool Client::push() {
  bool any = false;
  while (sent_ < unsent_.size()) {
    const ssize_t count = ::send(fd_, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0) return any;
    any = true;
    sent_ += static_cast<std::size_t>(count);
  }
  unsent_.clear();
  sent_ = 0;
  return any;
}

bool Client::pull() {
  bool any = false;
  static std::array<char, 65536> buffer;
  while (end_ == End::kOpen) {
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EAGAIN) return any;
    any = true;
    if (count > 0) {
      input_.append(buffer.data(), static_cast<std::size_t>(count));
    } else {
      end_ = count == 0 ? End::kFin : End::kReset;
    }
  }
  return any;
}

std::optional<std::string> Client::take_head() {
  const std::size_t end = input_.find("\r\n\r\n", taken_);
  if (end == std::string::npos) return std::nullopt;
  std::string head = input_.substr(taken_, end + 4 - taken_);
  input_.erase(0, end + 4);
  taken_ = 0;
  return head;
}

std::optional<test::WireFrame> Client::take_frame() {
  for (;;) {
    std::optional<test::WireFrame> frame = parse_frame();
    if (!frame || frame->opcode != test::kPing) return frame;
    ++pings_;
    send(test::client_frame(test::kPong, frame->payload));
  }
}

// RFC 6455 §5.2 on the client's side, with RSV1 if compression was negotiated.
std::optional<test::WireFrame> Client::parse_frame() {
  const auto at = [&](std::size_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(input_[taken_ + i]));
  };
  const std::size_t there = input_.size() - taken_;
  if (there < 2) return std::nullopt;
  const bool compressed = (at(0) & kRsv1) != 0;
  const std::uint64_t allowed = 0x8F | (inflater_ != nullptr ? kRsv1 : 0);
  if ((at(0) & 0x80) == 0 || (at(0) & ~allowed) != 0 || (at(1) & 0x80) != 0) {
    return test::WireFrame{-1, "bad header"};
  }
  std::size_t header = 2;
  std::uint64_t size = at(1);
  if (size >= 126) {
    header = size == 126 ? 4 : 10;
    if (there < header) return std::nullopt;
    size = 0;
    for (std::size_t i = 2; i < header; ++i) size = size << 8 | at(i);
  }
  if (there - header < size) return std::nullopt;
  test::WireFrame frame{static_cast<int>(at(0) & 0x0F), input_.substr(taken_ + header, size)};
  taken_ += header + size;
  if (taken_ == input_.size()) {
    input_.clear();
    taken_ = 0;
  }
  if (!compressed) return frame;
  ByteBuffer plain;
  Bytes rest = as_bytes(frame.payload);
  protocol::WorkShare share(std::size_t{1} << 40);  // the test's client has no turns
  if (inflater_->message(rest, plain, kLargest, share) != protocol::Inflater::Status::kOk) {
    return test::WireFrame{-1, "bad DEFLATE"};
  }
  if (!takeover_) inflater_->forget();
  frame.payload = as_text(plain.bytes());
  return frame;
}

}  // namespace wsd::faults
