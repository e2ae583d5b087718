// The cost of the kernel alone for a node with an engine: one thread, edge-triggered epoll, and the
// system calls that a node cannot do without. bench/engine shows it beside wsd in the same run.
//
//   engine_floor --redis PORT   a message of a member goes to Redis by SPUBLISH, and each push to
//                               the members of its room, as in a node of several
//   engine_floor --redis 0      a message goes to the members of its room at once, as in one node
//                               without an engine
//
// It prints "listening on PORT". It knows the clients of engine_client alone: each joins one room
// by "GET /rooms/NAME", and sends text frames of less than 126 bytes whose mask is zero. It has no
// checks, no history and no positions. Loopback only. Linux.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr std::string_view kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "engine_floor: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

struct Connection {
  int fd = -1;
  std::string room;   // empty: has not joined
  std::string input;  // bytes that were not used yet
};

void send_all(int fd, std::string_view bytes) {
  // The clients read at once, so the kernel takes all of it.
  if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
    fail("a send was not whole");
  }
}

// Takes "X<number>\r\n" off the front. Returns false if it is not there as a whole.
bool take_count(std::string_view& text, char type, std::size_t& count) {
  const std::size_t end = text.find("\r\n");
  if (end == std::string_view::npos || text[0] != type) return false;
  count = std::strtoul(text.data() + 1, nullptr, 10);
  text.remove_prefix(end + 2);
  return true;
}

bool take_bulk(std::string_view& text, std::string_view& bulk) {
  std::size_t size = 0;
  if (!take_count(text, '$', size) || text.size() < size + 2) return false;
  bulk = text.substr(0, size);
  text.remove_prefix(size + 2);
  return true;
}

void append_bulk(std::string& out, std::string_view text) {
  out += '$' + std::to_string(text.size()) + "\r\n";
  out += text;
  out += "\r\n";
}

class Floor {
 public:
  explicit Floor(std::uint16_t redis_port)
      : poll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      fail("cannot listen");
    }
    watch(listener_, nullptr, EPOLLIN);
    if (redis_port != 0) connect_to(redis_port);
    std::printf("listening on %d\n", ntohs(address.sin_port));
    std::fflush(stdout);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 64> events{};
    for (;;) {
      const int count = ::epoll_wait(poll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        auto* const from = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (from == nullptr) {
          accept_one();
        } else if (from == &redis_) {
          if (!receive(redis_)) fail("Redis has ended the connection");
          take_pushes();
        } else if (from->fd >= 0) {
          receive(*from) ? take_frames(*from) : leave(*from);
        }
      }
      // All commands of a turn go together, as a node's.
      if (!commands_.empty()) send_all(redis_.fd, commands_);
      commands_.clear();
    }
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  void watch(int fd, Connection* connection, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = connection;
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }
  void connect_to(std::uint16_t port) {
    redis_.fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(port);
    if (::connect(redis_.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      fail("cannot connect to Redis");
    }
    const int on = 1;
    ::setsockopt(redis_.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    send_all(redis_.fd, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n");
    watch(redis_.fd, &redis_, EPOLLIN | EPOLLET);
  }
  void accept_one() {
    auto connection = std::make_unique<Connection>();
    connection->fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (connection->fd < 0) return;
    const int on = 1;
    ::setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    watch(connection->fd, connection.get(), EPOLLIN | EPOLLET);
    connections_.push_back(std::move(connection));
  }
  // One recv: a shorter read than the buffer says that nothing is left.
  bool receive(Connection& from) {
    const ssize_t size = ::recv(from.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size <= 0) return size < 0 && errno == EAGAIN;
    from.input.append(buffer_.data(), static_cast<std::size_t>(size));
    return true;
  }
  void leave(Connection& from) {
    std::erase(rooms_[from.room], &from);
    ::close(from.fd);
    from.fd = -1;
  }
  void join(Connection& from) {
    const std::size_t end = from.input.find("\r\n\r\n");
    if (end == std::string::npos) return;
    constexpr std::string_view kStart = "GET /rooms/";
    from.room = from.input.substr(kStart.size(), from.input.find(' ', 4) - kStart.size());
    from.input.erase(0, end + 4);
    auto& members = rooms_[from.room];
    members.push_back(&from);
    if (redis_.fd >= 0 && members.size() == 1) {
      commands_ += "*2\r\n$10\r\nSSUBSCRIBE\r\n";
      append_bulk(commands_, from.room);
    }
    send_all(from.fd, kSwitching);
  }
  void take_frames(Connection& from) {
    if (from.room.empty()) join(from);
    if (from.room.empty()) return;
    while (from.input.size() >= 6) {
      const std::size_t size = static_cast<unsigned char>(from.input[1]) & 127U;
      if (from.input.size() < 6 + size) return;
      const std::string_view payload = std::string_view(from.input).substr(6, size);
      if (redis_.fd >= 0) {
        commands_ += "*3\r\n$8\r\nSPUBLISH\r\n";
        append_bulk(commands_, from.room);
        append_bulk(commands_, payload);
      } else {
        deliver(from.room, payload);
      }
      from.input.erase(0, 6 + size);
    }
  }
  void take_pushes() {
    constexpr std::string_view kPush = ">3\r\n$8\r\nsmessage\r\n";
    std::string_view rest = redis_.input;
    std::size_t at = 0;
    while ((at = rest.find(kPush)) != std::string_view::npos) {
      std::string_view push = rest.substr(at + kPush.size());
      std::string_view room;
      std::string_view payload;
      if (!take_bulk(push, room) || !take_bulk(push, payload)) break;
      deliver(std::string(room), payload);
      rest = push;
    }
    // The rest has replies, and perhaps the start of a push.
    if (at == std::string_view::npos) {
      at = rest.rfind('>');
      if (at == std::string_view::npos || !kPush.starts_with(rest.substr(at))) at = rest.size();
    }
    redis_.input.erase(0, redis_.input.size() - rest.size() + at);
  }
  void deliver(const std::string& room, std::string_view payload) {
    std::string frame = {'\x81', static_cast<char>(payload.size())};
    frame += payload;
    for (const Connection* each : rooms_[room]) send_all(each->fd, frame);
  }

  int poll_;
  int listener_;
  Connection redis_;
  std::string commands_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::map<std::string, std::vector<Connection*>> rooms_;
  std::array<char, kBufferBytes> buffer_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::string_view(argv[1]) != "--redis") {
    std::fprintf(stderr, "usage: engine_floor --redis PORT\n");
    return 2;
  }
  Floor floor(static_cast<std::uint16_t>(std::atoi(argv[2])));
  floor.run();
}
