// A TCP proxy with faults: cuts, delays, limits, stops and garbles what passes through it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "support/patience.h"

namespace e2e {

// Listens on a port of 127.0.0.1 and forwards to another one, in a thread of its own. All methods
// may be called from any thread; each takes effect for the bytes that the proxy has not forwarded
// yet. "Down" is the direction from the target to the client that connected to the proxy.
class ByteProxy {
 public:
  explicit ByteProxy(std::uint16_t target);
  ~ByteProxy();
  ByteProxy(const ByteProxy&) = delete;
  ByteProxy& operator=(const ByteProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

  // New connections go to this port.
  void set_target(std::uint16_t target);
  // Ends every connection on both sides.
  void cut();
  // Resets new connections as soon as they are accepted.
  void refuse(bool on);
  // Forwards nothing, in both directions, and keeps the connections.
  void stall(bool on);
  // Forwards nothing on the connections that are open now, and keeps their bytes until release(),
  // also if the client has closed its end. New connections are not affected.
  void hold();
  void release();
  // Forwards each piece after this time. Zero: at once.
  void delay(std::chrono::milliseconds time);
  // Forwards pieces of at most this size. 0: any size.
  void limit(std::size_t piece);
  // Cuts a connection after this number of further bytes down, in the middle of whatever they are.
  // Applies once.
  void cut_after(std::size_t bytes);
  // Inverts one byte after this number of further bytes down. Applies once.
  void garble_after(std::size_t bytes);
  // Replaces every `from` by `to` in what comes down, if one read has it whole. Both have one
  // length.
  void replace(const std::string& from, const std::string& to);
  // Sends these bytes down on every connection, as if they came from the target.
  void inject(const std::string& bytes);

  // The number of connections that were accepted so far, and that are open.
  [[nodiscard]] std::size_t accepted() const;
  [[nodiscard]] std::size_t open() const;
  // The bytes that were forwarded down so far.
  [[nodiscard]] std::size_t bytes_down() const;

 private:
  struct Direction {
    std::string waiting;         // read and not written yet
    Clock::time_point due = {};  // when it may be written
  };
  struct Pair {
    int client = -1;
    int target = -1;
    Direction up;
    Direction down;
    bool held = false;
    bool client_ended = false;  // it has closed, and its bytes are still to be written
    bool ended = false;
  };

  void run();
  void accept_one();
  void read_into(Pair& pair, int from, Direction& direction, bool down);
  void write_from(Pair& pair, int to, Direction& direction, bool down);
  void spoil(Pair& pair, std::string& bytes);
  void wake();
  [[nodiscard]] int milliseconds_to_wait() const;
  static void reset(int fd);

  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::list<Pair> pairs_;
  std::uint16_t target_;
  bool over_ = false;
  bool refuses_ = false;
  bool stalls_ = false;
  std::chrono::milliseconds delay_{0};
  std::size_t limit_ = 0;
  static constexpr std::size_t kNever = ~std::size_t{0};
  std::size_t cut_after_ = kNever;
  std::size_t garble_after_ = kNever;
  std::string from_;
  std::string to_;
  std::size_t accepted_ = 0;
  std::size_t bytes_down_ = 0;
  std::thread thread_;
};

}  // namespace e2e
