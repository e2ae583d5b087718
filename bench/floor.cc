// The cost of the kernel alone: one thread, edge-triggered epoll, recv and send of raw bytes,
// without any protocol. A WebSocket server's CPU time for each message is compared with it in the
// same run.
//
//   floor --port 0                    sends back the bytes that it receives
//   floor --port 0 --in 26 --out 22   sends 22 bytes for each 26 received, like a server with a
//                                     masked frame of 20 bytes (its answer is unmasked)
//   floor --port 0 --in 26 --out 22 --fan-out all
//                                     sends the last 22 bytes of each 26 to every connection: one
//                                     send per connection for all that arrived in one turn
//
// If a connection starts with "GET ", it first gets a fixed 101. The 101 matches the key that
// wsload sends, the one of RFC 6455 §1.3. Loopback only. Linux.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

// Large enough for the answer of the largest row in one send: with 64 KiB, sixteen sends for 1 MiB
// cost a third more than one.
constexpr std::size_t kBufferBytes = (std::size_t{1} << 20) + 64;
constexpr std::size_t kMaxHeadBytes = std::size_t{8} << 10;
constexpr std::string_view kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct Options {
  std::uint16_t port = 0;
  std::size_t in = 0;   // 0: send back the received bytes
  std::size_t out = 0;  // bytes sent for each `in` bytes received
  bool fan_out = false;
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

enum class Stage : std::uint8_t { kFirstByte, kHead, kOpen };

struct Connection {
  explicit Connection(int descriptor) noexcept : fd(descriptor) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd); }

  int fd;
  Stage stage = Stage::kFirstByte;
  bool readable = false;
  std::size_t received = 0;  // received bytes of an incomplete unit of `in` bytes
  std::string unit;          // the bytes themselves (with --fan-out)
  // bytes of response that the kernel has not accepted yet (with --in, --out)
  std::size_t unsent_bytes = 0;
  std::string unsent;  // the same if received bytes are sent
  std::string head;    // the request head so far
};

class Floor {
 public:
  explicit Floor(const Options& options) : options_(options) {}
  [[noreturn]] void run();

 private:
  void listen();
  void accept_all();
  // Returns false if the connection has ended.
  bool turn(Connection& connection, std::uint32_t events);
  bool read(Connection& connection);
  bool take(Connection& connection, std::string_view bytes);
  bool take_head(Connection& connection, std::string_view& bytes);
  void collect(Connection& connection, std::string_view bytes);
  void fan_out();
  bool flush(Connection& connection);
  bool write(Connection& connection, std::string_view bytes, std::size_t& sent);
  void add(int fd);

  Options options_;
  int listener_ = -1;
  int epoll_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;  // by fd
  std::string batch_;                                     // with --fan-out: what to send
  std::array<char, kBufferBytes> in_buffer_{};
  std::array<char, kBufferBytes> out_buffer_{};
};

void Floor::add(int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

void Floor::listen() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener_ < 0) fail("socket");
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Every accepted socket inherits it.
  setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options_.port);
  socklen_t length = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0) fail("bind");
  if (::listen(listener_, 4096) != 0) fail("listen");
  if (getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    fail("getsockname");
  }
  std::fprintf(stderr, "listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
}

void Floor::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return;
      fail("accept4");
    }
    const auto index = static_cast<std::size_t>(fd);
    if (connections_.size() <= index) connections_.resize(index + 1);
    connections_[index] = std::make_unique<Connection>(fd);
    add(fd);
  }
}

// Sends as much as the kernel accepts at once. Returns false if the connection is broken.
bool Floor::write(Connection& connection, std::string_view bytes, std::size_t& sent) {
  sent = 0;
  const ssize_t n = send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  sent = static_cast<std::size_t>(n);
  return true;
}

// Consumes the request head from `bytes` and answers it. Returns false if it is not a head or the
// connection is broken.
bool Floor::take_head(Connection& connection, std::string_view& bytes) {
  connection.head.append(bytes);
  const std::size_t end = connection.head.find("\r\n\r\n");
  if (end == std::string::npos) {
    bytes = {};
    return connection.head.size() <= kMaxHeadBytes;
  }
  const std::size_t left = connection.head.size() - (end + 4);
  bytes.remove_prefix(bytes.size() - left);
  connection.head = {};
  connection.stage = Stage::kOpen;
  std::size_t sent = 0;
  // A new socket accepts 130 bytes at once.
  return write(connection, kSwitching, sent) && sent == kSwitching.size();
}

bool Floor::take(Connection& connection, std::string_view bytes) {
  if (connection.stage == Stage::kFirstByte) {
    connection.stage = bytes.front() == 'G' ? Stage::kHead : Stage::kOpen;
  }
  if (connection.stage == Stage::kHead && !take_head(connection, bytes)) return false;
  if (bytes.empty()) return true;
  if (options_.in == 0) {
    std::size_t sent = 0;
    if (!write(connection, bytes, sent)) return false;
    connection.unsent.assign(bytes.substr(sent));
    return true;
  }
  if (options_.fan_out) {
    collect(connection, bytes);
    return true;
  }
  connection.received += bytes.size();
  connection.unsent_bytes += connection.received / options_.in * options_.out;
  connection.received %= options_.in;
  return flush(connection);
}

// Adds the end of each complete unit to the batch.
void Floor::collect(Connection& connection, std::string_view bytes) {
  std::string& unit = connection.unit;
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), options_.in - unit.size());
    unit.append(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
    if (unit.size() < options_.in) return;
    batch_.append(unit, options_.in - options_.out);
    unit.clear();
  }
}

void Floor::fan_out() {
  if (batch_.empty()) return;
  for (const auto& each : connections_) {
    if (each == nullptr) continue;
    std::size_t sent = 0;
    // A broken connection ends by its own event.
    if (each->unsent.empty()) write(*each, batch_, sent);
    if (sent < batch_.size()) each->unsent.append(batch_, sent);
  }
  batch_.clear();
}

bool Floor::flush(Connection& connection) {
  std::size_t sent = 0;
  if (!connection.unsent.empty()) {
    if (!write(connection, connection.unsent, sent)) return false;
    connection.unsent.erase(0, sent);
  }
  while (connection.unsent_bytes > 0) {
    const std::size_t piece = std::min(connection.unsent_bytes, out_buffer_.size());
    if (!write(connection, {out_buffer_.data(), piece}, sent)) return false;
    connection.unsent_bytes -= sent;
    if (sent < piece) break;
  }
  return true;
}

bool Floor::read(Connection& connection) {
  // Unsent bytes stop further reading, so no buffer grows.
  while (connection.readable && connection.unsent_bytes == 0 && connection.unsent.empty()) {
    const ssize_t n = recv(connection.fd, in_buffer_.data(), in_buffer_.size(), 0);
    if (n == 0) return false;
    if (n < 0) {
      if (errno == EINTR) continue;
      connection.readable = false;
      return errno == EAGAIN;
    }
    const auto size = static_cast<std::size_t>(n);
    // A short read has emptied the socket. Later bytes cause a new edge (epoll(7)).
    if (size < in_buffer_.size()) connection.readable = false;
    if (!take(connection, {in_buffer_.data(), size})) return false;
  }
  return true;
}

bool Floor::turn(Connection& connection, std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return false;
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) connection.readable = true;
  if ((events & EPOLLOUT) != 0 && !flush(connection)) return false;
  if (!read(connection)) return false;
  // The short read may have hidden the end of the stream, which causes no second edge.
  return (events & EPOLLRDHUP) == 0 || connection.unsent_bytes > 0 || !connection.unsent.empty();
}

void Floor::run() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) fail("epoll_create1");
  listen();
  add(listener_);
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == listener_) {
        accept_all();
        continue;
      }
      auto& connection = connections_[static_cast<std::size_t>(event.data.fd)];
      if (!turn(*connection, event.events)) connection.reset();
    }
    fan_out();
  }
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc) return false;
    const std::string_view text = argv[i + 1];
    if (name == "--fan-out" && text == "all") {
      options.fan_out = true;
      continue;
    }
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return false;
    if (name == "--port" && value <= 65535) {
      options.port = static_cast<std::uint16_t>(value);
    } else if (name == "--in") {
      options.in = value;
    } else if (name == "--out") {
      options.out = value;
    } else {
      return false;
    }
  }
  return (options.in == 0) == (options.out == 0) && (options.in != 0 || !options.fan_out) &&
         (!options.fan_out || options.out <= options.in);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fputs("usage: floor [--port PORT] [--in BYTES --out BYTES [--fan-out all]]\n", stderr);
    return 2;
  }
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  // The two buffers may be too large for a thread's stack.
  auto floor = std::make_unique<Floor>(options);
  floor->run();
}
