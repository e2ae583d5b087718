// A simulated Linux kernel with the parts that a run needs: descriptors, TCP connections on
// loopback, which either side may begin, edge-triggered epoll, eventfds and a clock. The server's
// system calls end here (system_calls.cc). The peers use the functions of the peers' side.
//
// It keeps only the promises that the server relies on (tcp(7), epoll(7)). Bytes arrive in any
// segmentation. Sends may be short. Every call may fail as its manual page documents. Ready
// descriptors are reported in any order. A call that a correct server never makes, such as one on a
// closed descriptor, ends the run as a bug of the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/broken.h"
#include "sim/random.h"
#include "sim/trace.h"

namespace wsd::sim {

// A queue of bytes.
class ByteQueue {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - taken_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  void push(std::string_view bytes) { bytes_ += bytes; }
  [[nodiscard]] std::string_view front(std::size_t count) const noexcept {
    return std::string_view(bytes_).substr(taken_, count);
  }
  void pop(std::size_t count) noexcept;
  void clear() noexcept;

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

// How often the machine fails, in percent of calls; 0 is never.
struct Faults {
  unsigned interrupted = 0;       // EINTR
  unsigned short_send = 0;        // fewer bytes than there is space for
  unsigned accept_error = 0;      // network errors that accept4 passes on
  unsigned spurious_wake = 0;     // epoll reports a descriptor without a change
  unsigned register_failure = 0;  // epoll_ctl: ENOSPC, ENOMEM
  // epoll_wait returns a part of the ready descriptors, and the rest next time
  unsigned partial_harvest = 0;
  bool no_buffers = false;  // send and receive: ENOBUFS, ENOMEM
  int descriptor_limit = 1 << 20;
};

// One connection of a stream socket. The peer's side is driven through Kernel.
struct Link {
  int number = 0;
  // If the server has begun it: where it connects to, as "HOST:PORT" or "unix:PATH".
  std::string to;
  bool connecting = false;  // the other side has not decided yet
  bool refused = false;     // the connection was never made
  int error = 0;            // the reason, for SO_ERROR
  int server_fd = -1;       // the key of its descriptor; -1: not accepted yet, or closed
  bool accepted = false;
  std::uint64_t accepted_ms = 0;
  std::uint64_t heard_ms = 0;  // time at which the server last received bytes
  std::uint64_t received = 0;  // bytes the server has received
  std::uint64_t sent = 0;      // bytes the server has sent

  // Peer to server.
  ByteQueue on_the_way;
  ByteQueue arrived;
  bool fin_on_the_way = false;
  bool fin_arrived = false;
  bool reset_arrived = false;  // the peer has reset the connection
  bool reset_told = false;     // recv or send has reported it

  // Server to peer.
  ByteQueue outgoing;  // in the send buffer, or on its way
  std::size_t send_buffer = 0;
  bool no_space = false;  // a send found too little space: new space is an edge
  bool server_shut = false;
  bool fin_taken = false;  // the peer has acknowledged the server's FIN
  bool server_closed = false;
  bool held = false;          // the server has closed it, but a child process keeps it open
  bool server_reset = false;  // the peer's next read fails

  bool peer_closed = false;  // the peer's descriptor is gone
  bool reset_on_close = false;

  [[nodiscard]] bool writeable() const noexcept { return outgoing.size() <= send_buffer / 3 * 2; }
  [[nodiscard]] bool made() const noexcept { return !connecting && !refused; }
};

class Kernel {
 public:
  Kernel(Random& random, Trace& trace);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  ~Kernel();

  // The kernel of the current run.
  [[nodiscard]] static Kernel& current() noexcept;

  Faults faults;

  // Time, in milliseconds, from an arbitrary start.
  [[nodiscard]] std::uint64_t now_ms() const noexcept { return now_ms_; }
  void pass(std::uint64_t ms) noexcept { now_ms_ += ms; }

  // System calls. They behave as the manual pages document, including errno.
  int socket();
  int bind(int fd, std::uint16_t port);
  int listen(int fd);
  // Makes another descriptor of a listening socket (dup(2)).
  int dup(int fd);
  [[nodiscard]] bool listens(int fd);
  [[nodiscard]] std::uint16_t port_of(int fd);
  void set_linger_reset(int fd);
  int accept(int fd, std::uint16_t& peer_port);
  int connect_to(int fd, std::string_view address);
  // Returns the pending error of a connection, and clears it (SO_ERROR).
  int take_error(int fd);
  long receive(int fd, char* into, std::size_t count);
  long send(int fd, std::string_view bytes);
  int shutdown_write(int fd);
  // SIOCOUTQ (tcp(7)). The peer acknowledges a byte when it reads it, and never sooner.
  [[nodiscard]] int unacknowledged(int fd);
  int close(int fd);
  // Makes a child process that has every descriptor which is open now. A socket that the server
  // closes meanwhile stays open, and registered with epoll, until child_ends() (epoll(7)). An event
  // of such a socket ends the run: the server has already freed what its token names.
  void fork();
  void child_ends();
  [[nodiscard]] bool has_child() const noexcept { return has_child_; }
  int eventfd();
  long signal(int fd);
  int epoll_create();
  int epoll_add(int epoll, int fd, std::uint32_t events, std::uint64_t data);
  int epoll_remove(int epoll, int fd);
  struct Event {
    std::uint32_t events = 0;
    std::uint64_t data = 0;
  };
  // Calls the `sleep` hook, then reports ready descriptors. Returns -1 with EINTR if interrupted.
  int epoll_wait(int epoll, Event* events, int most, int timeout_ms);
  // Returns when the epoll instance is ready or the time has come. Returns false to interrupt the
  // call.
  std::function<bool(int epoll, std::uint64_t until_ms)> sleep;
  static constexpr std::uint64_t kForEver = ~std::uint64_t{0};

  [[nodiscard]] bool ready(int epoll);
  [[nodiscard]] std::size_t open_descriptors() const noexcept {
    return descriptors_.size() - held_;
  }
  // Returns how many accepts failed for lack of descriptors since the clock last moved.
  [[nodiscard]] int refused_accepts() const noexcept { return refused_accepts_; }

  // The peers' side.
  // Link::port() is the number of the link
  Link& connect(std::uint16_t port, std::size_t send_buffer);
  void peer_send(Link& link, std::string_view bytes) { link.on_the_way.push(bytes); }
  // Lets at most `count` bytes arrive, and then the FIN if it is next.
  void arrive(Link& link, std::size_t count);
  [[nodiscard]] static bool has_arrivals(const Link& link) noexcept;
  std::string peer_read(Link& link, std::size_t most);
  // Returns whether nothing is left to read and the server has ended its direction.
  [[nodiscard]] static bool peer_sees_end(const Link& link) noexcept {
    return link.outgoing.empty() && link.server_shut;
  }
  static void peer_takes_end(Link& link) noexcept { link.fin_taken = true; }
  void peer_shutdown(Link& link) noexcept { link.fin_on_the_way = true; }
  void peer_close(Link& link);  // RST if bytes are unread, else FIN
  void peer_reset(Link& link);
  [[nodiscard]] const std::vector<Link*>& links() const noexcept { return order_; }

  // The other side of connections that the server begins. Returns 0 if this one is made at once, an
  // error if it is refused at once, or EINPROGRESS if finish_connect() or refuse_connect() will
  // decide. May set the size of the send buffer. Without this function, every connection is
  // refused.
  std::function<int(Link& link)> begun;
  void finish_connect(Link& link);
  void refuse_connect(Link& link, int error);

 private:
  struct Registration {
    int epoll = -1;
    std::uint32_t events = 0;
    std::uint64_t data = 0;
    bool listed = false;
  };
  struct Descriptor {
    enum class Kind : std::uint8_t { kSocket, kListener, kLink, kEvent, kEpoll };
    Kind kind = Kind::kSocket;
    std::uint16_t port = 0;
    std::shared_ptr<std::vector<Link*>> backlog;  // of all descriptors of a listening socket
    Link* link = nullptr;
    std::uint64_t count = 0;  // of an eventfd
    Registration watch;
    bool shared = false;     // a child process has it too
    std::vector<int> ready;  // of an epoll instance, in the order of edges
  };

  int add(Descriptor descriptor);
  [[nodiscard]] Descriptor* find(int fd);
  [[nodiscard]] Link* link_of(int fd, const char* call);
  // The same, for a call that a correct server makes only once the connection is made.
  [[nodiscard]] Link* made_link_of(int fd, const char* call);
  [[nodiscard]] Link& new_link(std::size_t send_buffer);
  void wake(int fd);
  void wake_accepters(const Descriptor& listener);
  [[nodiscard]] std::uint32_t state_of(const Descriptor& descriptor) const noexcept;
  [[nodiscard]] bool no_descriptor_free() const noexcept;
  void forget_ready(int fd, Registration& watch);
  void keep_for_child(int fd, Descriptor& descriptor);
  void end_socket(int fd, Descriptor& descriptor);

  Random& random_;
  Trace& trace_;
  std::uint64_t now_ms_;
  std::uint64_t refused_at_ms_ = 0;
  int refused_accepts_ = 0;
  std::map<int, Descriptor> descriptors_;  // those that only a child holds have keys of their own
  bool has_child_ = false;
  std::size_t held_ = 0;  // how many descriptors only the child holds
  int next_held_ = 0;
  std::map<int, Link> links_;  // by the peer's port, which identifies it
  std::vector<Link*> order_;
};

}  // namespace wsd::sim
