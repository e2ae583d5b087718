// The common part of every wsload mode: connections on one edge-triggered epoll, their opening
// handshakes, sending and receiving. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/json_line.h"
#include "bench/load/options.h"

namespace bench {

enum class Stage : std::uint8_t { kConnecting, kHandshake, kOpen };

struct Connection {
  std::size_t index = 0;
  int fd = -1;
  Stage stage = Stage::kConnecting;
  std::string head;    // the response to the handshake so far
  std::string unsent;  // bytes that the kernel has not accepted yet
};

class Client {
 public:
  explicit Client(const Options& options);
  virtual ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Runs the whole measurement and prints its line.
  virtual void run() = 0;

 protected:
  // Called after the handshake. With --raw: when the connection is established.
  virtual void on_open(Connection& connection);
  // Called with the bytes after the handshake.
  virtual void on_bytes(Connection& connection, std::string_view bytes) = 0;

  void open_until(std::size_t count);
  void open_one();
  // Ends the connection with FIN, as a client that leaves, or with RST under --reset. The object
  // exists until the end of the step.
  void end(Connection& connection);
  // Runs one epoll_wait and handles its events. With --spin, the wait polls.
  void step(int timeout_ms);
  void run_for(std::int64_t ns);
  void send_bytes(Connection& connection, std::string_view bytes);
  [[noreturn]] static void wrong(const Connection& connection, const std::string& what);

  Options options_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::string extensions_;      // the extensions that the handshake offers
  std::size_t open_ = 0;        // connections whose handshake is over
  bool waiting_ = false;        // a response is expected, so silence is a stall
  std::uint64_t progress_ = 0;  // responses so far, for the message about a stall

 private:
  void count_spin(bool found);
  void on_event(Connection& connection, std::uint32_t events);
  void on_connected(Connection& connection);
  [[nodiscard]] std::string request_head() const;
  void on_head(Connection& connection, std::string_view bytes);
  void flush(Connection& connection);

  int epoll_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<Connection>> ended_;
  std::int64_t heard_at_ = 0;
  std::int64_t polled_at_ = 0;  // with --spin: the CPU time at the last poll, if it found nothing
};

// The things that are counted, for names of fields.
struct Counted {
  std::string_view one;
  std::string_view many;
};
inline constexpr Counted kMessages{"message", "messages"};
inline constexpr Counted kDeliveries{"delivery", "deliveries"};
inline constexpr Counted kHandshakes{"handshake", "handshakes"};

// The CPU time of server and client, and the elapsed time, since construction.
class Interval {
 public:
  explicit Interval(pid_t server);
  // Writes "seconds", the rate, the server's CPU time for each of `count` things, and both CPU
  // shares.
  void put(JsonLine& line, const Counted& counted, std::uint64_t count) const;

 private:
  pid_t server_;
  std::int64_t start_;
  std::int64_t server_before_;
  std::int64_t client_before_;
  std::int64_t sleeps_before_;
};

void put_memory(JsonLine& line, pid_t server);

[[nodiscard]] std::unique_ptr<Client> make_echo(const Options& options);
[[nodiscard]] std::unique_ptr<Client> make_open_loop(const Options& options);
[[nodiscard]] std::unique_ptr<Client> make_deflate(const Options& options);
[[nodiscard]] std::unique_ptr<Client> make_broadcast(const Options& options);
[[nodiscard]] std::unique_ptr<Client> make_handshakes(const Options& options);
[[nodiscard]] std::unique_ptr<Client> make_idle(const Options& options);
[[nodiscard]] std::unique_ptr<Client> make_large(const Options& options);

}  // namespace bench
