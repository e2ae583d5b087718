#include "bench/load/client.h"

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
#include <cstring>
#include <utility>

#include "bench/measure.h"

namespace bench {

namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr int kConnectsUnderWay = 64;  // handshakes at one time: the backlog is not measured
// time without any event after which to give up
constexpr std::int64_t kStalledNs = 10'000'000'000;
// The example of RFC 6455 §1.3. §4.1 requires a random key, but with a known key the server's
// answer can be compared without computing a SHA-1.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
// The other fields of Chromium 126's request, in its order, with the cookies of a site that has a
// session and statistics.
constexpr std::string_view kBrowserFields =
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36\r\n"
    "Upgrade: websocket\r\n";
constexpr std::string_view kBrowserCookies =
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; "
    "_ga=GA1.1.1234567890.1718000000; _ga_AB12CD34EF=GS1.1.1718000000.12.1.1718000600.0.0.0\r\n";

// With --spin: CPU time of this process in polls that found nothing. It counts as free.
std::int64_t spun_ns = 0;

std::int64_t own_cpu_ns() { return read_clock(CLOCK_PROCESS_CPUTIME_ID) - spun_ns; }

// Returns how often this process has waited without a processor.
std::int64_t sleeps() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw;
}

}  // namespace

Client::Client(const Options& options)
    : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kReadBytes) {
  if (epoll_ < 0) fail_errno("epoll_create1");
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < options.connections + 16) {
    fail("the open-file limit (" + std::to_string(files.rlim_max) + ") is too low for " +
         std::to_string(options.connections) + " connections");
  }
}

Client::~Client() { close(epoll_); }

void Client::on_open(Connection& /*connection*/) {}

void Client::wrong(const Connection& connection, const std::string& what) {
  fail("connection " + std::to_string(connection.index) + ": " + what);
}

void Client::open_one() {
  auto connection = std::make_unique<Connection>();
  connection->index = connections_.size();
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) fail_errno("socket");
  const int on = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  if (inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr) != 1) {
    fail("--host must be an IPv4 address");
  }
  if (connect(connection->fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    fail_errno("connect");
  }
  epoll_event event{};
  // Registered once. The first EPOLLOUT shows that the connection is established.
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = connection.get();
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd, &event) != 0) fail_errno("epoll_ctl");
  connections_.push_back(std::move(connection));
}

void Client::open_until(std::size_t count) {
  heard_at_ = now_ns();
  while (open_ < count) {
    while (connections_.size() < count && connections_.size() - open_ < kConnectsUnderWay) {
      open_one();
    }
    step(1000);
  }
}

void Client::end(Connection& connection) {
  if (options_.reset) {
    const linger now{1, 0};
    setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(connection.fd);
  connection.fd = -1;
  std::unique_ptr<Connection>& last = connections_.back();
  std::unique_ptr<Connection>& place = connections_[connection.index];
  last->index = connection.index;
  std::swap(place, last);
  ended_.push_back(std::move(connections_.back()));
  connections_.pop_back();
  --open_;
}

void Client::count_spin(bool found) {
  const std::int64_t now = found ? 0 : read_clock(CLOCK_PROCESS_CPUTIME_ID);
  if (!found && polled_at_ != 0) spun_ns += now - polled_at_;
  polled_at_ = now;
}

void Client::step(int timeout_ms) {
  std::array<epoll_event, 256> events{};
  if (options_.spin) timeout_ms = 0;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
  if (options_.spin) count_spin(count > 0);
  if (count < 0 && errno != EINTR) fail_errno("epoll_wait");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    on_event(*static_cast<Connection*>(event.data.ptr), event.events);
  }
  ended_.clear();
  const bool waits = waiting_ || open_ < connections_.size();
  if (count > 0) {
    heard_at_ = now_ns();
  } else if (waits && now_ns() - heard_at_ > kStalledNs) {
    fail("no data from the server for 10 seconds, with " + std::to_string(open_) +
         " connections open and " + std::to_string(progress_) + " responses");
  }
}

void Client::on_event(Connection& connection, std::uint32_t events) {
  if (connection.stage == Stage::kConnecting && (events & (EPOLLOUT | EPOLLERR)) != 0) {
    on_connected(connection);
  }
  if ((events & EPOLLOUT) != 0) flush(connection);
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) == 0) return;
  while (connection.fd >= 0) {
    const ssize_t n = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) fail_errno("recv");
    if (n == 0) wrong(connection, "the server closed the connection");
    const auto size = static_cast<std::size_t>(n);
    const std::string_view bytes{buffer_.data(), size};
    if (connection.stage == Stage::kHandshake) {
      on_head(connection, bytes);
    } else {
      on_bytes(connection, bytes);
    }
    // No more bytes have arrived. The next ones cause a new edge.
    if (size < buffer_.size() && (events & EPOLLRDHUP) == 0) break;
  }
}

void Client::on_connected(Connection& connection) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) fail(std::string("connect: ") + std::strerror(error));
  if (options_.raw) {
    connection.stage = Stage::kOpen;
    ++open_;
    on_open(connection);
    return;
  }
  connection.stage = Stage::kHandshake;
  send_bytes(connection, request_head());
}

std::string Client::request_head() const {
  const std::string host = options_.host + ":" + std::to_string(options_.port);
  const std::string begin = "GET " + options_.path + " HTTP/1.1\r\nHost: " + host + "\r\n";
  const std::string key = "Sec-WebSocket-Key: " + std::string(kKey) + "\r\n";
  if (options_.head == Head::kShort) {
    return begin +
           "Upgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\n" +
           key + extensions_ + "\r\n";
  }
  return begin + std::string(kBrowserFields) + "Origin: http://" + host + "\r\n" +
         std::string(kBrowserCookies) + key +
         "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
}

void Client::on_head(Connection& connection, std::string_view bytes) {
  connection.head.append(bytes);
  if (connection.head.find("\r\n\r\n") == std::string::npos) return;
  const std::string_view head = connection.head;
  if (!head.starts_with("HTTP/1.1 101 ") || head.find(kAccept) == std::string_view::npos) {
    fail("the server rejected the handshake: " + std::string(head.substr(0, head.find("\r\n"))));
  }
  if (!head.ends_with("\r\n\r\n")) fail("unexpected bytes after the handshake");
  connection.stage = Stage::kOpen;
  ++open_;
  on_open(connection);
  connection.head = {};
}

void Client::send_bytes(Connection& connection, std::string_view bytes) {
  std::size_t sent = 0;
  if (connection.unsent.empty()) {
    const ssize_t n = send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) fail_errno("send");
    sent = n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  // The rest is sent at the EPOLLOUT edge that follows a full socket.
  if (sent < bytes.size()) connection.unsent.append(bytes.substr(sent));
}

void Client::flush(Connection& connection) {
  std::size_t done = 0;
  while (done < connection.unsent.size()) {
    const ssize_t n = send(connection.fd, connection.unsent.data() + done,
                           connection.unsent.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) fail_errno("send");
    done += static_cast<std::size_t>(n);
  }
  connection.unsent.erase(0, done);
}

void Client::run_for(std::int64_t ns) {
  const std::int64_t end = now_ns() + ns;
  for (std::int64_t left = ns; left > 0; left = end - now_ns()) {
    step(static_cast<int>(std::min<std::int64_t>(left / 1'000'000 + 1, 1000)));
  }
}

Interval::Interval(pid_t server)
    : server_(server),
      start_(now_ns()),
      server_before_(cpu_ns(server)),
      client_before_(own_cpu_ns()),
      sleeps_before_(sleeps()) {}

void Interval::put(JsonLine& line, const Counted& counted, std::uint64_t count) const {
  const auto server = static_cast<double>(cpu_ns(server_) - server_before_);
  const auto client = static_cast<double>(own_cpu_ns() - client_before_);
  const auto elapsed = static_cast<double>(now_ns() - start_);
  const auto each = static_cast<double>(count);
  if (count == 0) fail("no responses during the measurement");
  line.count(counted.many, count)
      .real("seconds", elapsed / 1e9, 3)
      .real(std::string(counted.many) + "_per_second", each * 1e9 / elapsed, 0)
      .real("server_cpu_us_per_" + std::string(counted.one), server / 1000.0 / each, 4)
      .real("server_cpu_fraction", server / elapsed, 3)
      .real("client_cpu_fraction", client / elapsed, 3)
      .real("client_sleeps_per_" + std::string(counted.one),
            static_cast<double>(sleeps() - sleeps_before_) / each, 4);
}

void put_memory(JsonLine& line, pid_t server) {
  line.count("server_rss_bytes", resident_bytes(server))
      .count("server_private_bytes", private_bytes(server));
}

}  // namespace bench
