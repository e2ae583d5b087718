// A large number of peers in one thread. The caller decides which bytes they send, valid or not.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hostile {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A received frame. The payload is valid until the hook returns.
struct FrameView {
  int opcode = 0;
  std::string_view payload;
};

struct Peer {
  enum class Stage : std::uint8_t {
    kConnecting,
    kHttp,   // TCP is connected
    kOpen,   // 101 has arrived
    kEnded,  // ended by FIN, by reset or by close()
  };

  std::size_t index = 0;
  std::size_t group = 0;  // set by the scenario, like `mark`
  std::uint64_t mark = 0;
  Stage stage = Stage::kConnecting;
  bool reading = true;       // false: read nothing from the kernel
  bool answers_ping = true;  // with a Pong of the same payload
  bool fin = false;          // the server sent FIN
  bool reset = false;        // the server reset or refused the connection
  int status = 0;            // of the last response
  bool deflate = false;      // the server has agreed to permessage-deflate
  unsigned close_code = 0;   // of the server's Close frame
  std::uint64_t responses = 0;
  std::uint64_t messages = 0;
  std::uint64_t message_bytes = 0;
  std::uint64_t pings = 0;
  std::uint64_t pongs = 0;
  std::string last_pong;
  std::string fault;  // bytes from the server that no server may send
  Clock::time_point started;
  Clock::time_point ended;

  [[nodiscard]] bool open() const { return stage == Stage::kOpen; }
  [[nodiscard]] bool over() const { return stage == Stage::kEnded; }

  // Internal to the swarm.
  int fd = -1;
  bool listed = false;     // on the busy list
  bool connected = false;  // the kernel has reported it
  std::string in;          // an incomplete frame or head
  std::string out;
  std::shared_ptr<const std::string> pattern;  // sent repeatedly after `out`
  std::uint64_t repeats = 0;
  std::size_t pattern_at = 0;
};

class Swarm {
 public:
  explicit Swarm(std::uint16_t port);
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;
  // Resets all remaining connections, which leaves no TIME_WAIT.
  ~Swarm();

  // Connects to 127.0.0.1 without waiting. A `receive_buffer` above 0 is SO_RCVBUF.
  Peer& connect(int receive_buffer = 0);
  // Like connect(), with a correct opening handshake as soon as TCP is connected.
  Peer& open(std::string_view target, std::string_view extensions = {}, int receive_buffer = 0);
  // Sends as much as the kernel accepts now, and the rest later.
  void send(Peer& peer, std::string_view bytes);
  // Sends the same bytes `repeats` times. All peers that send them share one copy.
  void send_over_and_over(Peer& peer, std::shared_ptr<const std::string> pattern,
                          std::uint64_t repeats);
  // Returns whether bytes of send() or of the pattern are unsent.
  [[nodiscard]] static bool unsent(const Peer& peer) {
    return !peer.out.empty() || peer.repeats != 0;
  }
  // Lets a paused peer read again. Enlarges its window, because the queued data would otherwise
  // take minutes.
  void read_on(Peer& peer);
  void close(Peer& peer);       // FIN
  void reset_peer(Peer& peer);  // RST
  void reset_all();

  // Called for each message of each peer.
  std::function<void(Peer&, const FrameView&)> on_message;

  // Runs one round of the loop and waits at most `wait`.
  void step(milliseconds wait);
  void run_for(milliseconds time);
  // Returns false if `limit` expired first.
  template <class Condition>
  [[nodiscard]] bool until(Condition condition, milliseconds limit) {
    const auto deadline = Clock::now() + limit;
    while (!condition()) {
      if (Clock::now() >= deadline) return false;
      step(milliseconds(10));
    }
    return true;
  }

  // Number of peers by stage since the beginning. Each peer counts once in `ended` when it ends.
  [[nodiscard]] std::size_t ended() const { return ended_; }
  [[nodiscard]] std::size_t opened() const { return opened_; }
  [[nodiscard]] std::deque<Peer>& peers() { return peers_; }
  template <class Condition>
  [[nodiscard]] std::size_t count(Condition condition) const {
    return static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), condition));
  }
  // Returns the first few faults of peers, or "".
  [[nodiscard]] std::string faults() const;

 private:
  void on_event(Peer& peer, std::uint32_t events);
  void flush(Peer& peer);
  bool flush_pattern(Peer& peer);
  void receive(Peer& peer);
  void take(Peer& peer, std::string_view bytes);
  std::size_t take_response(Peer& peer, std::string_view bytes);
  std::size_t take_frame(Peer& peer, std::string_view bytes);
  void end(Peer& peer);
  void list(Peer& peer);

  std::uint16_t port_;
  int epoll_ = -1;
  std::deque<Peer> peers_;
  std::vector<Peer*> busy_;  // not finished within their share of a round
  std::size_t opened_ = 0;
  std::size_t ended_ = 0;
  std::vector<char> buffer_;
};

}  // namespace hostile
