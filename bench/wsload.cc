// wsload: a load client for WebSocket servers on raw epoll, one thread, which prints one line of
// JSON. It shares no code with the server it measures. Loopback only. Linux.
//
//   --mode echo    keeps --inflight messages under way on each connection for --seconds after
//                  --warmup, and compares every byte that comes back. --raw: no handshake, and
//                  --reply-bytes counted for each message instead (bench/floor.cc).
//   --mode idle    opens --connections, lets them rest for --seconds, and reports the server's
//                  resident bytes for each.
//   --mode large   sends one message of --size, compares the answer, reports the server's resident
//                  bytes before, at the peak and after.
//
// The server's CPU time is the kernel's own clock of the process --pid: nanoseconds, all threads.
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
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "measure.h"

namespace {

using bench::cpu_ns;
using bench::fail;
using bench::fail_errno;
using bench::now_ns;

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr int kConnectsUnderWay = 64;  // handshakes at one time: the backlog is not the subject
constexpr std::int64_t kStalledNs = 10'000'000'000;  // nothing at all for so long: give up
constexpr std::int64_t kSettleNs = 1'000'000'000;
// RFC 6455 §1.3's own example. The key is to be random (§4.1); here the server's answer to a known
// key can be compared without a SHA-1 of ours.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// --- Options -------------------------------------------------------------------------------------

enum class Mode : std::uint8_t { kEcho, kIdle, kLarge };

struct Options {
  Mode mode = Mode::kEcho;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path = "/echo";
  std::size_t connections = 200;
  std::size_t inflight = 1;  // messages under way on each connection
  std::size_t size = 20;     // payload bytes
  std::size_t seconds = 5;
  std::size_t warmup = 1;
  bool raw = false;
  std::size_t reply_bytes = 0;  // with --raw: what comes back for each message
  bool binary = false;          // text costs the server a UTF-8 check
  pid_t pid = 0;                // 0: nothing is known of the server
};

[[noreturn]] void usage(std::string_view what) {
  std::fprintf(stderr,
               "wsload: %.*s\n"
               "usage: wsload --port PORT [--host 127.0.0.1] [--mode echo|idle|large]\n"
               "  [--path /echo] [--connections 200] [--inflight 1] [--size 20] [--seconds 5]\n"
               "  [--warmup 1] [--type text|binary] [--raw --reply-bytes N] [--pid SERVER_PID]\n",
               static_cast<int>(what.size()), what.data());
  std::exit(2);
}

template <class T>
T number(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    usage(std::string(name) + " wants a number from " + std::to_string(least) + " to " +
          std::to_string(most));
  }
  return static_cast<T>(value);
}

Mode mode_named(std::string_view text) {
  if (text == "echo") return Mode::kEcho;
  if (text == "idle") return Mode::kIdle;
  if (text == "large") return Mode::kLarge;
  usage("--mode is echo, idle or large");
}

bool type_is_binary(std::string_view text) {
  if (text != "text" && text != "binary") usage("--type is text or binary");
  return text == "binary";
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--raw") {
      options.raw = true;
      continue;
    }
    if (++i == argc) usage(std::string(name) + " wants a value");
    const std::string_view text = argv[i];
    using Size = std::size_t;
    // clang-format off
    if (name == "--mode") options.mode = mode_named(text);
    else if (name == "--host") options.host = text;
    else if (name == "--port") options.port = number<std::uint16_t>(name, text, 1, 65535);
    else if (name == "--path") options.path = text;
    else if (name == "--connections") options.connections = number<Size>(name, text, 1, 28'000);
    else if (name == "--inflight") options.inflight = number<Size>(name, text, 1, 1024);
    else if (name == "--size") options.size = number<Size>(name, text, 0, Size{1} << 30);
    else if (name == "--seconds") options.seconds = number<Size>(name, text, 1, 3600);
    else if (name == "--warmup") options.warmup = number<Size>(name, text, 0, 3600);
    else if (name == "--type") options.binary = type_is_binary(text);
    else if (name == "--reply-bytes") options.reply_bytes = number<Size>(name, text, 1, Size{1} << 30);
    else if (name == "--pid") options.pid = number<pid_t>(name, text, 1, 1U << 30);
    else usage(std::string("no such flag: ") + argv[i - 1]);
    // clang-format on
  }
  if (options.port == 0) usage("--port is missing");
  if (options.raw != (options.reply_bytes != 0)) usage("--raw and --reply-bytes go together");
  if (options.raw && options.mode != Mode::kEcho) usage("--raw is for --mode echo");
  return options;
}

// --- Frames --------------------------------------------------------------------------------------

constexpr std::size_t kStampBytes = 8;
constexpr std::array<char, 4> kMaskKey{'\x5a', '\x13', '\x7c', '\x29'};

std::string frame_header(std::size_t size, bool binary, bool masked) {
  std::string header(1, static_cast<char>(0x80 | (binary ? 2 : 1)));
  const int mask_bit = masked ? 0x80 : 0;
  int length_bytes = 0;
  if (size < 126) {
    header += static_cast<char>(mask_bit | static_cast<int>(size));
  } else {
    length_bytes = size < 65'536 ? 2 : 8;
    header += static_cast<char>(mask_bit | (length_bytes == 2 ? 126 : 127));
  }
  for (int i = length_bytes - 1; i >= 0; --i) header += static_cast<char>(size >> (8 * i));
  if (masked) header.append(kMaskKey.begin(), kMaskKey.end());
  return header;
}

// The message every connection sends, as it goes out (masked) and as it comes back. Its first eight
// bytes say which message of which connection it is, so that an answer that was meant for another
// is seen. They are ASCII: the message is valid text.
class Template {
 public:
  Template(std::size_t size, bool binary)
      : request_(frame_header(size, binary, true)), reply_(frame_header(size, binary, false)) {
    request_header_ = request_.size();
    reply_header_ = reply_.size();
    stamped_ = size >= kStampBytes;
    for (std::size_t i = 0; i < size; ++i) {
      const char byte = static_cast<char>('a' + i % 26);
      reply_ += byte;
      request_ += static_cast<char>(byte ^ kMaskKey[i % 4]);
    }
  }
  // Both are good until the next call.
  std::string_view request(std::size_t connection, std::uint64_t sequence) {
    put_stamp(request_.data() + request_header_, connection, sequence, true);
    return request_;
  }
  std::string_view reply(std::size_t connection, std::uint64_t sequence) {
    put_stamp(reply_.data() + reply_header_, connection, sequence, false);
    return reply_;
  }
  [[nodiscard]] std::size_t reply_size() const { return reply_.size(); }

 private:
  void put_stamp(char* at, std::size_t connection, std::uint64_t sequence, bool masked) const {
    if (!stamped_) return;
    const std::uint64_t stamp = (std::uint64_t{connection} << 30) | (sequence & ((1U << 30) - 1));
    for (std::size_t i = 0; i < kStampBytes; ++i) {
      const char byte = static_cast<char>('0' + ((stamp >> (6 * i)) & 63));
      at[i] = masked ? static_cast<char>(byte ^ kMaskKey[i % 4]) : byte;
    }
  }
  std::string request_;
  std::string reply_;
  std::size_t request_header_ = 0;
  std::size_t reply_header_ = 0;
  bool stamped_ = false;
};

// --- Connections ---------------------------------------------------------------------------------

enum class Stage : std::uint8_t { kConnecting, kHandshake, kOpen };

struct Connection {
  std::size_t index = 0;
  int fd = -1;
  Stage stage = Stage::kConnecting;
  std::uint64_t sent = 0;             // messages
  std::uint64_t answered = 0;         // messages
  std::size_t reply_position = 0;     // bytes of the reply under way
  std::vector<std::int64_t> sent_at;  // a ring of `inflight`, by message number
  std::string head;                   // the handshake's answer so far
  std::string unsent;                 // what the kernel has not taken yet
};

class Load {
 public:
  explicit Load(const Options& options);
  void run_echo();
  void run_idle();
  void run_large();

 private:
  void open_until(std::size_t count);
  void open_one();
  // One epoll_wait and what it brings.
  void step(int timeout_ms);
  void on_event(Connection& connection, std::uint32_t events);
  void on_connected(Connection& connection);
  void on_bytes(Connection& connection, std::string_view bytes);
  void on_head(Connection& connection, std::string_view bytes);
  void on_replies(Connection& connection, std::string_view bytes);
  void on_resting_bytes(Connection& connection, std::string_view bytes);
  void send_messages(Connection& connection, std::size_t count);
  void send_bytes(Connection& connection, std::string_view bytes);
  void flush(Connection& connection);
  void run_for(std::int64_t ns);

  Options options_;
  Template template_;
  std::size_t reply_size_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<char> buffer_ = std::vector<char>(kReadBytes);
  std::string batch_;
  std::size_t open_ = 0;
  std::uint64_t answered_ = 0;
  std::int64_t heard_at_ = 0;
  bool waiting_ = false;    // silence is a stall
  bool refilling_ = false;  // answers are followed by new messages
  bool measuring_ = false;  // latencies are kept
  std::int64_t now_ = 0;    // while measuring: when the event at hand was taken up
  bench::Histogram latencies_;
};

Load::Load(const Options& options)
    : options_(options),
      template_(options.size, options.binary),
      reply_size_(options.raw ? options.reply_bytes : template_.reply_size()),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
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

void Load::open_one() {
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
    fail("--host wants an IPv4 address");
  }
  if (connect(connection->fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    fail_errno("connect");
  }
  epoll_event event{};
  // Registered once; the first EPOLLOUT says that the connection stands.
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = connection.get();
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd, &event) != 0) fail_errno("epoll_ctl");
  connections_.push_back(std::move(connection));
}

void Load::open_until(std::size_t count) {
  heard_at_ = now_ns();
  while (open_ < count) {
    while (connections_.size() < count && connections_.size() - open_ < kConnectsUnderWay) {
      open_one();
    }
    step(1000);
  }
}

void Load::step(int timeout_ms) {
  std::array<epoll_event, 256> events{};
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
  if (count < 0 && errno != EINTR) fail_errno("epoll_wait");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    on_event(*static_cast<Connection*>(event.data.ptr), event.events);
  }
  const bool waits = waiting_ || open_ < connections_.size();
  if (count > 0) {
    heard_at_ = now_ns();
  } else if (waits && now_ns() - heard_at_ > kStalledNs) {
    fail("nothing from the server for 10 seconds, with " + std::to_string(open_) +
         " connections open and " + std::to_string(answered_) + " messages answered");
  }
}

void Load::on_event(Connection& connection, std::uint32_t events) {
  if (connection.stage == Stage::kConnecting && (events & (EPOLLOUT | EPOLLERR)) != 0) {
    on_connected(connection);
  }
  if ((events & EPOLLOUT) != 0) flush(connection);
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) == 0) return;
  for (;;) {
    const ssize_t n = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) fail_errno("recv");
    if (n == 0) fail("the server ended connection " + std::to_string(connection.index));
    const auto size = static_cast<std::size_t>(n);
    if (measuring_) now_ = now_ns();
    on_bytes(connection, {buffer_.data(), size});
    // Nothing more is there; what comes next is a new edge.
    if (size < buffer_.size() && (events & EPOLLRDHUP) == 0) break;
  }
}

void Load::on_connected(Connection& connection) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) fail(std::string("connect: ") + std::strerror(error));
  connection.sent_at.resize(options_.mode == Mode::kEcho ? options_.inflight : 1);
  if (options_.raw) {
    connection.stage = Stage::kOpen;
    ++open_;
    return;
  }
  connection.stage = Stage::kHandshake;
  send_bytes(connection, "GET " + options_.path + " HTTP/1.1\r\nHost: " + options_.host + ":" +
                             std::to_string(options_.port) +
                             "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
                             std::string(kKey) + "\r\n\r\n");
}

void Load::on_bytes(Connection& connection, std::string_view bytes) {
  if (connection.stage == Stage::kHandshake) {
    on_head(connection, bytes);
  } else if (options_.mode == Mode::kIdle) {
    on_resting_bytes(connection, bytes);
  } else {
    on_replies(connection, bytes);
  }
}

void Load::on_head(Connection& connection, std::string_view bytes) {
  connection.head.append(bytes);
  if (connection.head.find("\r\n\r\n") == std::string::npos) return;
  const std::string_view head = connection.head;
  if (!head.starts_with("HTTP/1.1 101 ") || head.find(kAccept) == std::string_view::npos) {
    fail("the handshake was refused: " + std::string(head.substr(0, head.find("\r\n"))));
  }
  if (!head.ends_with("\r\n\r\n")) fail("bytes after the handshake that nobody asked for");
  connection.head = {};
  connection.stage = Stage::kOpen;
  ++open_;
}

// While a connection rests, only a Ping may come (RFC 6455 §5.5.2); its Pong is sent back at once.
void Load::on_resting_bytes(Connection& connection, std::string_view bytes) {
  const std::size_t size = bytes.size() < 2 ? 126 : static_cast<unsigned char>(bytes[1]);
  if (bytes.front() != '\x89' || size > 125 || bytes.size() != 2 + size) {
    fail("an idle connection was sent something else than one Ping");
  }
  std::string pong{'\x8a', static_cast<char>(0x80 | size)};
  pong.append(kMaskKey.begin(), kMaskKey.end());
  for (std::size_t i = 0; i < size; ++i) {
    pong += static_cast<char>(bytes[2 + i] ^ kMaskKey[i % 4]);
  }
  send_bytes(connection, pong);
}

void Load::on_replies(Connection& connection, std::string_view bytes) {
  std::size_t answers = 0;
  while (!bytes.empty()) {
    if (connection.answered == connection.sent) fail("more came back than was sent");
    const std::size_t piece = std::min(bytes.size(), reply_size_ - connection.reply_position);
    if (!options_.raw) {
      const std::string_view expected = template_.reply(connection.index, connection.answered);
      if (expected.substr(connection.reply_position, piece) != bytes.substr(0, piece)) {
        fail("message " + std::to_string(connection.answered) + " of connection " +
             std::to_string(connection.index) + " came back different");
      }
    }
    bytes.remove_prefix(piece);
    connection.reply_position += piece;
    if (connection.reply_position < reply_size_) break;
    connection.reply_position = 0;
    const std::int64_t sent_at =
        connection.sent_at[connection.answered % connection.sent_at.size()];
    if (measuring_ && sent_at != 0) latencies_.add(now_ - sent_at);
    ++connection.answered;
    ++answers;
  }
  answered_ += answers;
  if (refilling_ && answers > 0) send_messages(connection, answers);
}

void Load::send_messages(Connection& connection, std::size_t count) {
  batch_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    connection.sent_at[connection.sent % connection.sent_at.size()] = now_;
    const std::string_view request = template_.request(connection.index, connection.sent);
    ++connection.sent;
    if (count == 1) {
      send_bytes(connection, request);
    } else {
      batch_.append(request);
    }
  }
  if (count > 1) send_bytes(connection, batch_);
}

void Load::send_bytes(Connection& connection, std::string_view bytes) {
  std::size_t sent = 0;
  if (connection.unsent.empty()) {
    const ssize_t n = send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) fail_errno("send");
    sent = n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  // What is left goes with the edge of EPOLLOUT that a full socket brings.
  if (sent < bytes.size()) connection.unsent.append(bytes.substr(sent));
}

void Load::flush(Connection& connection) {
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

void Load::run_for(std::int64_t ns) {
  const std::int64_t end = now_ns() + ns;
  for (std::int64_t left = ns; left > 0; left = end - now_ns()) {
    step(static_cast<int>(std::min<std::int64_t>(left / 1'000'000 + 1, 1000)));
  }
}

// --- The three measurements ----------------------------------------------------------------------

void Load::run_echo() {
  open_until(options_.connections);
  waiting_ = refilling_ = true;
  for (const auto& connection : connections_) send_messages(*connection, options_.inflight);
  run_for(static_cast<std::int64_t>(options_.warmup) * 1'000'000'000);

  measuring_ = true;
  const std::uint64_t answered_before = answered_;
  const std::int64_t start = now_ns();
  const std::int64_t server_before = cpu_ns(options_.pid);
  const std::int64_t client_before = bench::read_clock(CLOCK_PROCESS_CPUTIME_ID);
  run_for(static_cast<std::int64_t>(options_.seconds) * 1'000'000'000);
  const auto server = static_cast<double>(cpu_ns(options_.pid) - server_before);
  const auto client =
      static_cast<double>(bench::read_clock(CLOCK_PROCESS_CPUTIME_ID) - client_before);
  const auto elapsed = static_cast<double>(now_ns() - start);
  const std::uint64_t messages = answered_ - answered_before;
  if (messages == 0) fail("no message was answered while it was measured");

  std::printf(
      "{\"mode\":\"echo\",\"connections\":%zu,\"inflight\":%zu,\"size\":%zu,\"type\":\"%s\","
      "\"messages\":%llu,\"seconds\":%.3f,\"messages_per_second\":%.0f,"
      "\"server_cpu_us_per_message\":%.4f,\"server_cpu_fraction\":%.3f,"
      "\"client_cpu_fraction\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
      "\"server_rss_bytes\":%lld,\"server_private_bytes\":%lld}\n",
      options_.connections, options_.inflight, options_.size, options_.binary ? "binary" : "text",
      static_cast<unsigned long long>(messages), elapsed / 1e9,
      static_cast<double>(messages) * 1e9 / elapsed,
      server / 1000.0 / static_cast<double>(messages), server / elapsed, client / elapsed,
      latencies_.quantile_us(0.5), latencies_.quantile_us(0.99),
      static_cast<long long>(bench::resident_bytes(options_.pid)),
      static_cast<long long>(bench::private_bytes(options_.pid)));
}

void Load::run_idle() {
  if (options_.pid == 0) usage("--mode idle wants --pid");
  // The first connection pays for what a process touches once (code, buffers of a reactor).
  open_until(1);
  run_for(kSettleNs / 2);
  const std::int64_t rss_before = bench::resident_bytes(options_.pid);
  const std::int64_t private_before = bench::private_bytes(options_.pid);
  const std::int64_t start = now_ns();
  open_until(options_.connections + 1);
  const auto opening = static_cast<double>(now_ns() - start);
  run_for(static_cast<std::int64_t>(options_.seconds) * 1'000'000'000);
  const std::int64_t rss_after = bench::resident_bytes(options_.pid);
  const std::int64_t private_after = bench::private_bytes(options_.pid);
  const auto count = static_cast<double>(options_.connections);
  std::printf(
      "{\"mode\":\"idle\",\"connections\":%zu,\"open_seconds\":%.2f,"
      "\"rss_before_bytes\":%lld,\"rss_after_bytes\":%lld,\"private_before_bytes\":%lld,"
      "\"private_after_bytes\":%lld,\"rss_bytes_per_connection\":%.0f,"
      "\"private_bytes_per_connection\":%.0f}\n",
      options_.connections, opening / 1e9, static_cast<long long>(rss_before),
      static_cast<long long>(rss_after), static_cast<long long>(private_before),
      static_cast<long long>(private_after), static_cast<double>(rss_after - rss_before) / count,
      static_cast<double>(private_after - private_before) / count);
}

void Load::run_large() {
  if (options_.pid == 0) usage("--mode large wants --pid");
  open_until(1);
  run_for(kSettleNs / 2);
  const std::int64_t before = bench::resident_bytes(options_.pid);
  const std::int64_t server_before = cpu_ns(options_.pid);
  const std::int64_t start = now_ns();
  waiting_ = true;
  send_messages(*connections_.front(), 1);
  while (answered_ == 0) step(1000);
  const auto elapsed = static_cast<double>(now_ns() - start);
  const std::int64_t server = cpu_ns(options_.pid) - server_before;
  waiting_ = false;
  run_for(kSettleNs);
  std::printf(
      "{\"mode\":\"large\",\"size\":%zu,\"seconds\":%.4f,\"server_cpu_ms\":%.2f,"
      "\"rss_before_bytes\":%lld,\"rss_peak_bytes\":%lld,\"rss_after_bytes\":%lld}\n",
      options_.size, elapsed / 1e9, static_cast<double>(server) / 1e6,
      static_cast<long long>(before), static_cast<long long>(bench::peak_bytes(options_.pid)),
      static_cast<long long>(bench::resident_bytes(options_.pid)));
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  Load load(options);
  switch (options.mode) {
    case Mode::kEcho:
      load.run_echo();
      break;
    case Mode::kIdle:
      load.run_idle();
      break;
    case Mode::kLarge:
      load.run_large();
      break;
  }
  return 0;
}
