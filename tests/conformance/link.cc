#include "conformance/link.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "conformance/bytes.h"
#include "conformance/http.h"

namespace wsconform {

namespace {

constexpr std::size_t kReadSize = 256 * 1024;
// The original asks its event loop for this delay between two writes that must not be joined. It is
// no pause: a slow server finds many of the writes together, and cases 3.3, 3.4, 4.1.5 and 4.2.5
// depend on that.
constexpr std::chrono::microseconds kWritesApart{10};

int milliseconds_to(Time limit) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      limit - Clock::now() + std::chrono::microseconds(999));
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

// Returns true for "HTTP/1.1 101", with or without a reason phrase.
bool is_switching(std::string_view status_line) {
  constexpr std::string_view kStart = "HTTP/1.1 101";
  return status_line == kStart || status_line.starts_with(std::string(kStart) + ' ');
}

}  // namespace

Time after(double seconds) {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

std::optional<Url> parse_url(std::string_view text) {
  constexpr std::string_view kScheme = "ws://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  const std::size_t slash = std::min(text.find('/'), text.size());
  Url url{.host = "", .port = "80", .path = std::string(text.substr(slash))};
  if (url.path.empty()) url.path = "/";
  std::string_view authority = text.substr(0, slash);
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    url.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
  }
  url.host = authority;
  if (url.host.empty() || url.port.empty()) return std::nullopt;
  return url;
}

Link::~Link() { drop(); }

void Link::drop() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  ended_ = true;
  output_.clear();
}

std::string Link::connect(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found)) {
    return url.host + ": " + gai_strerror(error);
  }
  std::string problem = "no address";
  for (const addrinfo* a = found; a != nullptr && fd_ < 0; a = a->ai_next) {
    const int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd >= 0 && ::connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
      fd_ = fd;
    } else {
      problem = std::strerror(errno);
      if (fd >= 0) ::close(fd);
    }
  }
  freeaddrinfo(found);
  if (fd_ < 0) return "cannot connect to " + url.host + ':' + url.port + ": " + problem;
  start();
  return {};
}

void Link::accept(int fd) {
  fd_ = fd;
  role_ = Role::server;
  reader_.play(role_);
  start();
}

void Link::start() {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  random_ ^= static_cast<std::uint32_t>(Clock::now().time_since_epoch().count()) | 1;
}

std::string Link::judge_response(std::string_view head, std::string_view key) {
  const std::string_view status = head.substr(0, head.find("\r\n"));
  if (!is_switching(status)) return "expected HTTP/1.1 101, got " + described(status);
  if (!same_name(field(head, "Upgrade").value_or(""), "websocket")) {
    return "the response has no 'Upgrade: websocket'";
  }
  if (!has_token(field(head, "Connection").value_or(""), "upgrade")) {
    return "the Connection field of the response does not name 'upgrade'";
  }
  if (field(head, "Sec-WebSocket-Accept") != accept_for(key)) {
    return "Sec-WebSocket-Accept does not match the key";
  }
  if (const auto chosen = field(head, "Sec-WebSocket-Protocol").value_or(""); !chosen.empty()) {
    return "the peer chose the subprotocol " + described(chosen) + ", but the client offered none";
  }
  extensions_ = field(head, "Sec-WebSocket-Extensions").value_or("");
  return {};
}

std::string Link::upgrade(const Url& url, const std::string& extensions, Time limit) {
  char nonce[16];
  for (std::size_t i = 0; i < sizeof nonce; i += 4) {
    const std::uint32_t word = new_mask();
    std::memcpy(nonce + i, &word, 4);
  }
  const std::string key = base64({nonce, sizeof nonce});
  const std::string host =
      url.host.find(':') == std::string::npos ? url.host : '[' + url.host + ']';
  // The original sends these fields, too. A peer must compare "WebSocket" without regard to case.
  std::string request = "GET " + url.path + " HTTP/1.1\r\nUser-Agent: wsconform\r\nHost: " + host +
                        ':' + url.port +
                        "\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nPragma: no-cache\r\n"
                        "Cache-Control: no-cache\r\nSec-WebSocket-Key: " +
                        key + "\r\n";
  if (!extensions.empty()) request += "Sec-WebSocket-Extensions: " + extensions + "\r\n";
  send_head(request + "Sec-WebSocket-Version: 13\r\n\r\n");
  const auto head = read_head(limit);
  if (!head.problem.empty()) return head.problem;
  reader_.feed(head.rest);
  return judge_response(head.text, key);
}

Link::Head Link::read_head(Time limit) {
  std::string text;
  std::size_t end = std::string::npos;
  while (end == std::string::npos) {
    pollfd entry{fd_, POLLIN, 0};
    const int wait = milliseconds_to(limit);
    if (poll(&entry, 1, wait) <= 0) {
      if (wait == 0) return {.problem = "the peer did not send a complete head in time"};
      continue;
    }
    char buffer[4096];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return {.problem = "the peer closed the connection without a complete head"};
    text.append(buffer, static_cast<std::size_t>(got));
    end = text.find("\r\n\r\n");
  }
  return {.text = text.substr(0, end), .rest = text.substr(end + 4)};
}

void Link::send_head(std::string head) {
  queue(std::move(head), kFrameWise);
  write_some();
}

void Link::shut_down() {
  shut_down_when_sent_ = true;
  if (output_.empty() && fd_ >= 0) shutdown(fd_, SHUT_WR);
}

std::uint32_t Link::new_mask() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  return random_;
}

void Link::queue(std::string bytes, Chop chop) {
  if (fd_ < 0) return;
  const bool plain = chop.octets == 0 && !chop.alone;
  if (plain && !output_.empty() && output_.back().chop.octets == 0 && !output_.back().chop.alone &&
      output_.back().bytes.size() < kReadSize) {
    output_.back().bytes += bytes;
  } else {
    output_.push_back({std::move(bytes), chop});
  }
}

void Link::send(const Frame& frame, Chop chop) {
  send_header(frame, frame.payload.size(), chop, frame.payload);
}

void Link::send_header(const Frame& frame, std::uint64_t size, Chop chop,
                       std::string_view payload) {
  mask_ = role_ == Role::client ? std::optional(new_mask()) : std::nullopt;
  masked_ = payload.size();
  std::string bytes = frame_header(frame.opcode, frame.fin, frame.rsv, size, mask_);
  bytes.reserve(bytes.size() + payload.size());
  append_payload(bytes, payload, 0);
  queue(std::move(bytes), chop);
}

void Link::append_payload(std::string& bytes, std::string_view payload, std::size_t at) const {
  if (mask_) {
    append_masked(bytes, payload, std::rotl(*mask_, static_cast<int>(8 * (at % 4))));
  } else {
    bytes += payload;
  }
}

void Link::send_payload(std::string_view payload, Chop chop) {
  std::string bytes;
  append_payload(bytes, payload, masked_);
  masked_ += payload.size();
  queue(std::move(bytes), chop);
}

void Link::write_some() {
  write_next();
  if (shut_down_when_sent_ && output_.empty() && fd_ >= 0) shutdown(fd_, SHUT_WR);
}

void Link::write_next() {
  // Limited, so that the client reads a server's echo of small pieces in between.
  for (int writes = 0; writes < 256 && !output_.empty(); ++writes) {
    Output& front = output_.front();
    std::size_t size = front.bytes.size() - front.sent;
    if (front.chop.octets > 0) size = std::min(size, front.chop.octets);
    const ssize_t sent = ::send(fd_, front.bytes.data() + front.sent, size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      // The peer accepts no more bytes. The bytes that it sent before can still be read.
      output_.clear();
      return;
    }
    front.sent += static_cast<std::size_t>(sent);
    const Chop chop = front.chop;
    const bool whole = front.sent == front.bytes.size();
    if (whole) output_.pop_front();
    if (chop.octets > 0 || (chop.alone && whole)) {
      next_write_ = Clock::now() + kWritesApart;
      return;
    }
  }
}

void Link::read_some() {
  const ssize_t got = recv(fd_, reader_.prepare(kReadSize), kReadSize, 0);
  if (got > 0) {
    reader_.commit(static_cast<std::size_t>(got));
  } else if (got == 0) {
    ended_ = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    ended_ = true;
    reset_ = true;
  }
}

bool Link::pump(Time limit) {
  if (ended_) return true;
  // No timer is as short as kWritesApart, so the loop polls until the next write is due.
  const auto due = [this] { return Clock::now() >= next_write_; };
  if (!output_.empty() && due()) write_some();
  const bool waits_to_write = !output_.empty() && !due();
  const bool may_write = !output_.empty() && !waits_to_write;
  pollfd entry{fd_, static_cast<short>(may_write ? POLLIN | POLLOUT : POLLIN), 0};
  const int ready = poll(&entry, 1, waits_to_write ? 0 : milliseconds_to(limit));
  if (ready <= 0) return waits_to_write || Clock::now() < limit;
  if ((entry.revents & (POLLIN | POLLHUP | POLLERR)) != 0) read_some();
  return true;
}

}  // namespace wsconform
