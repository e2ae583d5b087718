// Very many peers in one thread: what they put on the wire is the caller's, right or wrong.
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

// A frame as it came; the payload is good until the hook returns.
struct FrameView {
  int opcode = 0;
  std::string_view payload;
};

struct Peer {
  enum class Stage : std::uint8_t {
    kConnecting,
    kHttp,   // TCP is up
    kOpen,   // 101 has come
    kEnded,  // gone from our side: by FIN, by reset or by close()
  };

  std::size_t index = 0;
  std::size_t group = 0;  // the scenario's, as is `mark`
  std::uint64_t mark = 0;
  Stage stage = Stage::kConnecting;
  bool reading = true;       // false: not a byte is taken from the kernel
  bool answers_ping = true;  // with a Pong of the same payload
  bool fin = false;          // the server ended the stream in order
  bool reset = false;        // or by a reset, or refused the connection
  int status = 0;            // of the last response
  bool deflate = false;      // the server has agreed to permessage-deflate
  unsigned close_code = 0;   // of the server's Close frame
  std::uint64_t responses = 0;
  std::uint64_t messages = 0;
  std::uint64_t message_bytes = 0;
  std::uint64_t pings = 0;
  std::uint64_t pongs = 0;
  std::string last_pong;
  std::string fault;  // what the server sent that no server may send
  Clock::time_point started;
  Clock::time_point ended;

  [[nodiscard]] bool open() const { return stage == Stage::kOpen; }
  [[nodiscard]] bool over() const { return stage == Stage::kEnded; }

  // The swarm's own.
  int fd = -1;
  bool listed = false;     // on the busy list
  bool connected = false;  // the kernel has said so
  std::string in;          // of a frame or head that is not whole yet
  std::string out;
  std::shared_ptr<const std::string> pattern;  // sent over and over after `out`
  std::uint64_t repeats = 0;
  std::size_t pattern_at = 0;
};

class Swarm {
 public:
  explicit Swarm(std::uint16_t port);
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;
  // All that is left ends with a reset, which leaves no TIME_WAIT.
  ~Swarm();

  // To 127.0.0.1, without waiting. A `receive_buffer` above 0 is SO_RCVBUF.
  Peer& connect(int receive_buffer = 0);
  // connect(), and a correct opening handshake as soon as TCP is up.
  Peer& open(std::string_view target, std::string_view extensions = {}, int receive_buffer = 0);
  // As much as the kernel takes now, the rest as it takes it.
  void send(Peer& peer, std::string_view bytes);
  // The same bytes `repeats` times, held once for all peers that send them.
  void send_over_and_over(Peer& peer, std::shared_ptr<const std::string> pattern,
                          std::uint64_t repeats);
  // Whether something of that waits here.
  [[nodiscard]] static bool unsent(const Peer& peer) {
    return !peer.out.empty() || peer.repeats != 0;
  }
  // Ends a peer's stillness. Its window opens wide, or what waits for it would take minutes.
  void read_on(Peer& peer);
  void close(Peer& peer);       // FIN
  void reset_peer(Peer& peer);  // RST
  void reset_all();

  // Each message of each peer.
  std::function<void(Peer&, const FrameView&)> on_message;

  // One round of the loop, waiting at most that long.
  void step(milliseconds wait);
  void run_for(milliseconds time);
  // False when `limit` passed first.
  template <class Condition>
  [[nodiscard]] bool until(Condition condition, milliseconds limit) {
    const auto deadline = Clock::now() + limit;
    while (!condition()) {
      if (Clock::now() >= deadline) return false;
      step(milliseconds(10));
    }
    return true;
  }

  // Peers by stage, since the beginning; each is counted once in `ended` when it ends.
  [[nodiscard]] std::size_t ended() const { return ended_; }
  [[nodiscard]] std::size_t opened() const { return opened_; }
  [[nodiscard]] std::deque<Peer>& peers() { return peers_; }
  template <class Condition>
  [[nodiscard]] std::size_t count(Condition condition) const {
    return static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), condition));
  }
  // The first few faults of peers, and empty when there is none.
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
  std::vector<Peer*> busy_;  // not done within their share of a round
  std::size_t opened_ = 0;
  std::size_t ended_ = 0;
  std::vector<char> buffer_;
};

}  // namespace hostile
