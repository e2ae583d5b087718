#include "hostile/swarm.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "support/wire.h"

namespace hostile {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{128} << 10;

// The number of calls for one peer in a round, before the other peers get theirs.
constexpr int kCallsPerRound = 16;

void no_linger(int fd) {
  const linger option{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, sizeof option);
}

}  // namespace

Swarm::Swarm(std::uint16_t port)
    : port_(port), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes) {
  if (epoll_ < 0) throw std::runtime_error("epoll_create1: " + std::string(std::strerror(errno)));
}

Swarm::~Swarm() {
  reset_all();
  ::close(epoll_);
}

Peer& Swarm::connect(int receive_buffer) {
  Peer& peer = peers_.emplace_back();
  peer.index = peers_.size() - 1;
  peer.started = Clock::now();
  peer.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (peer.fd < 0) throw std::runtime_error("socket: " + std::string(std::strerror(errno)));
  const int on = 1;
  ::setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    ::setsockopt(peer.fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &peer;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, peer.fd, &event);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(peer.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    peer.reset = true;
    end(peer);
  }
  return peer;
}

Peer& Swarm::open(std::string_view target, std::string_view extensions, int receive_buffer) {
  Peer& peer = connect(receive_buffer);
  e2e::RequestText request = e2e::RequestText::upgrade(target);
  if (!extensions.empty()) request.add("Sec-WebSocket-Extensions", extensions);
  send(peer, request.text());
  return peer;
}

void Swarm::send(Peer& peer, std::string_view bytes) {
  if (peer.over()) return;
  peer.out += bytes;
  flush(peer);
}

void Swarm::send_over_and_over(Peer& peer, std::shared_ptr<const std::string> pattern,
                               std::uint64_t repeats) {
  if (peer.over()) return;
  peer.pattern = std::move(pattern);
  peer.repeats = repeats;
  peer.pattern_at = 0;
  if (peer.connected) list(peer);
}

void Swarm::read_on(Peer& peer) {
  peer.reading = true;
  const int wide = 1 << 20;
  if (!peer.over()) ::setsockopt(peer.fd, SOL_SOCKET, SO_RCVBUF, &wide, sizeof wide);
  if (peer.connected) list(peer);
}

void Swarm::close(Peer& peer) {
  if (!peer.over()) end(peer);
}

void Swarm::reset_peer(Peer& peer) {
  if (peer.over()) return;
  no_linger(peer.fd);
  end(peer);
}

void Swarm::reset_all() {
  for (Peer& peer : peers_) reset_peer(peer);
}

void Swarm::end(Peer& peer) {
  ::close(peer.fd);
  peer.fd = -1;
  peer.stage = Peer::Stage::kEnded;
  peer.ended = Clock::now();
  peer.in = {};
  peer.out = {};
  peer.pattern = nullptr;
  peer.repeats = 0;
  ++ended_;
}

void Swarm::list(Peer& peer) {
  if (peer.listed) return;
  peer.listed = true;
  busy_.push_back(&peer);
}

void Swarm::step(milliseconds wait) {
  std::array<epoll_event, 512> events;  // NOLINT: filled by epoll_wait
  const int timeout = busy_.empty() ? static_cast<int>(wait.count()) : 0;
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    on_event(*static_cast<Peer*>(event.data.ptr), event.events);
  }
  for (Peer* peer : std::exchange(busy_, {})) {
    peer->listed = false;
    if (!peer->over()) flush(*peer);
    if (!peer->over()) receive(*peer);
  }
}

void Swarm::run_for(milliseconds time) {
  static_cast<void>(until([] { return false; }, time));
}

void Swarm::on_event(Peer& peer, std::uint32_t events) {
  if (peer.over()) return;
  if (!peer.connected && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(peer.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      peer.reset = true;
      end(peer);
      return;
    }
    peer.connected = true;
    peer.stage = Peer::Stage::kHttp;
  }
  if ((events & EPOLLOUT) != 0) flush(peer);
  if (!peer.over() && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) receive(peer);
}

// A failing send does not end the peer, because bytes that the server sent before may still be
// unread.
void Swarm::flush(Peer& peer) {
  std::size_t done = 0;
  while (done < peer.out.size()) {
    const ssize_t n = ::send(peer.fd, peer.out.data() + done, peer.out.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) {
      peer.repeats = 0;
      done = peer.out.size();
    }
    if (n < 0) break;
    done += static_cast<std::size_t>(n);
  }
  peer.out.erase(0, done);
  if (peer.out.empty() && !flush_pattern(peer)) list(peer);
}

// Returns false if more can be sent in the next round.
bool Swarm::flush_pattern(Peer& peer) {
  for (int calls = 0; peer.repeats != 0; ++calls) {
    if (calls == kCallsPerRound) return false;
    const std::string_view rest = std::string_view(*peer.pattern).substr(peer.pattern_at);
    const ssize_t n = ::send(peer.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0) {
      peer.repeats = 0;
      return true;
    }
    peer.pattern_at += static_cast<std::size_t>(n);
    if (peer.pattern_at < peer.pattern->size()) continue;
    peer.pattern_at = 0;
    --peer.repeats;
  }
  return true;
}

void Swarm::receive(Peer& peer) {
  for (int calls = 0; peer.reading && !peer.over(); ++calls) {
    if (calls == kCallsPerRound) {
      list(peer);
      return;
    }
    const ssize_t n = ::recv(peer.fd, buffer_.data(), buffer_.size(), 0);
    if (n > 0) {
      take(peer, {buffer_.data(), static_cast<std::size_t>(n)});
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      (n == 0 ? peer.fin : peer.reset) = true;
      end(peer);
    } else if (errno == EAGAIN) {
      return;
    }
  }
}

void Swarm::take(Peer& peer, std::string_view bytes) {
  std::string kept;
  if (!peer.in.empty()) {
    kept = std::move(peer.in) + std::string(bytes);
    bytes = kept;
  }
  while (!bytes.empty() && peer.fault.empty() && !peer.over()) {
    const std::size_t used = peer.open() ? take_frame(peer, bytes) : take_response(peer, bytes);
    if (used == 0) break;
    bytes.remove_prefix(used);
  }
  if (!peer.over()) peer.in = bytes;
}

// Returns the size of a complete response at the front, or 0.
std::size_t Swarm::take_response(Peer& peer, std::string_view bytes) {
  const std::size_t head = bytes.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  const auto response = e2e::parse_response_head(bytes.substr(0, head + 4));
  if (!response) {
    peer.fault = "not a response: " + e2e::printable(bytes);
    return 0;
  }
  std::size_t size = head + 4;
  if (response->status != 101) {
    size += std::strtoull(response->get("Content-Length").c_str(), nullptr, 10);
    if (bytes.size() < size) return 0;
  } else if (response->get("Sec-WebSocket-Accept") != e2e::kSampleAccept) {
    peer.fault = "a wrong 101: " + response->describe();
  } else {
    peer.stage = Peer::Stage::kOpen;
    peer.deflate = response->has("Sec-WebSocket-Extensions");
    ++opened_;
  }
  peer.status = response->status;
  ++peer.responses;
  return size;
}

// Returns the size of a complete frame at the front, or 0. Checks it by RFC 6455 §5.2 to §5.5.
std::size_t Swarm::take_frame(Peer& peer, std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return 0;
  const std::size_t form = byte(1) & 0x7fU;
  const std::size_t extra = form == 126 ? 2 : form == 127 ? 8 : 0;
  if (bytes.size() < 2 + extra) return 0;
  std::size_t length = extra == 0 ? form : 0;
  for (std::size_t i = 0; i < extra; ++i) length = length << 8 | byte(2 + i);
  if ((byte(0) & 0xf0U) != 0x80U || (byte(1) & 0x80U) != 0) {
    peer.fault = "not a server's frame: " + e2e::printable(bytes.substr(0, 16));
    return 0;
  }
  const std::size_t size = 2 + extra + length;
  if (bytes.size() < size) return 0;
  const FrameView frame{byte(0) & 0x0f, bytes.substr(2 + extra, length)};
  if (peer.close_code != 0) peer.fault = "a frame after Close";
  switch (frame.opcode) {
    case e2e::kText:
    case e2e::kBinary:
      ++peer.messages;
      peer.message_bytes += length;
      if (on_message) on_message(peer, frame);
      break;
    case e2e::kClose:
      peer.close_code = e2e::Frame{.payload = std::string(frame.payload)}.close_code();
      break;
    case e2e::kPing:
      ++peer.pings;
      if (peer.answers_ping) send(peer, e2e::pong_frame(frame.payload));
      break;
    case e2e::kPong:
      ++peer.pongs;
      peer.last_pong = frame.payload;
      break;
    default:
      peer.fault = "a frame of opcode " + std::to_string(frame.opcode);
  }
  return size;
}

std::string Swarm::faults() const {
  std::string text;
  int shown = 0;
  for (const Peer& peer : peers_) {
    if (peer.fault.empty() || ++shown > 3) continue;
    text += " peer " + std::to_string(peer.index) + " was sent " + peer.fault + ";";
  }
  return text;
}

}  // namespace hostile
