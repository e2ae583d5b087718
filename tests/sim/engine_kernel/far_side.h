// The other ends of the connections that nodes begin: a Redis in memory, and a server that sends
// back what it gets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/fake_redis.h"
#include "sim/kernel.h"
#include "sim/random.h"
#include "sim/trace.h"

namespace wsd::sim {

// Moves bytes between the kernel's connections and the servers, in steps that the seed chooses.
class FarSide {
 public:
  // The addresses of the server that sends back, and of a port where nobody listens. All others
  // lead to the Redis.
  static constexpr const char* kEcho = "127.0.0.1:7";
  static constexpr const char* kNobody = "127.0.0.1:9";

  FarSide(Kernel& kernel, Random& random, Trace& trace, engine::FakeRedis& redis);
  FarSide(const FarSide&) = delete;
  FarSide& operator=(const FarSide&) = delete;

  // Returns whether step() has something to do.
  [[nodiscard]] bool able();
  void step();

  // Faults. They last until they are taken back.
  bool refuses = false;      // nobody listens at the address of the Redis
  bool unreachable = false;  // connections stay in the making, as if packets were lost
  std::size_t send_buffer = 200'000;

  // Breaks a connection to the Redis now, or one to the other server. `lose`: also what has
  // arrived there, but was not read. Does nothing if there is none.
  void reset_one(bool of_redis, bool lose);
  // Returns whether all connections that were made have carried all bytes.
  [[nodiscard]] bool quiet() const;
  // How many connections the server that sends back has accepted.
  [[nodiscard]] std::uint64_t echoes_made() const noexcept { return echoes_made_; }
  // How many wires were told of such a connection.
  std::uint64_t echoes_told = 0;
  // Returns the text of what is under way, for a failure.
  [[nodiscard]] std::string state() const;

 private:
  struct Line {
    Link* link = nullptr;
    bool echo = false;
    std::shared_ptr<engine::FakeSocket> socket;  // nullptr until the connection is made
    bool saw_end = false;                        // the node has closed it
    bool closed = false;                         // by this side
  };
  enum class Move : std::uint8_t { kDecide, kTake, kServe, kSend, kArrive, kSeeEnd, kClose };
  static constexpr std::array kMoves = {Move::kDecide, Move::kTake,   Move::kServe, Move::kSend,
                                        Move::kArrive, Move::kSeeEnd, Move::kClose};

  [[nodiscard]] int begun(Link& link);
  void make(Line& line);
  [[nodiscard]] bool able_to(const Line& line, Move move) const;
  void carry_out(Line& line, Move move);
  bool serve(Line& line, std::size_t most);
  [[nodiscard]] std::size_t draw_size();
  void forget_ended();

  Kernel& kernel_;
  Random& random_;
  Trace& trace_;
  engine::FakeRedis& redis_;
  std::vector<std::unique_ptr<Line>> lines_;
  std::uint64_t echoes_made_ = 0;
};

}  // namespace wsd::sim
