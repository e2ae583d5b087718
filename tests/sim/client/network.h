// The network between a client and the servers that it connects to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/kernel.h"
#include "sim/random.h"
#include "sim/trace.h"

namespace wsd::sim {

// What a client finds at an address.
enum class FarEnd : std::uint8_t {
  kServer,    // the library's server
  kNobody,    // connections are refused
  kLost,      // nothing answers: packets are lost
  kSilent,    // accepts and reads, and never answers
  kRejects,   // answers 404
  kNonsense,  // answers with bytes that are not HTTP
  kEnds,      // ends the connection after the request
};

// A client's connection and a server's connection are two links of the simulated kernel. A cable
// carries the bytes, the FIN and the RST of each to the other one, in pieces that the seed chooses.
// The other far ends are played here.
class Network {
 public:
  // `server_port`: where the server listens.
  Network(Kernel& kernel, Random& random, Trace& trace, std::uint16_t server_port);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Returns an address of that far end, as HOST:PORT. A connection to it has this number, which is
  // below 65,536. Each number is used once.
  [[nodiscard]] std::string address_of(FarEnd end, int number) const;

  // Returns whether step() has something to do.
  [[nodiscard]] bool able() const;
  void step();

  // Resets both ends of a connection, as a router does that forgets it. Returns false if it is not
  // made.
  bool reset(int number);
  // Loses all later packets of a connection, in both directions. Returns false if it is not made.
  bool cut(int number);

 private:
  struct Cable {
    int number = 0;
    FarEnd end = FarEnd::kServer;
    Link* near = nullptr;  // of the client
    Link* far = nullptr;   // of the server; null: none yet, or this end is played here
    bool cut = false;
    std::array<bool, 2> ended = {};  // by direction, beginning with the client's
    std::array<bool, 2> reset = {};
    std::string request;  // what an end that is played here has read
    bool answered = false;
  };
  enum class Move : std::uint8_t { kDecide, kTake, kArrive, kEnd, kReset, kAnswer };
  static constexpr std::array kMoves = {Move::kDecide, Move::kTake,  Move::kArrive,
                                        Move::kEnd,    Move::kReset, Move::kAnswer};

  [[nodiscard]] int begun(Link& link);
  void decide(Cable& cable);
  // `back`: the direction from the server to the client.
  [[nodiscard]] static bool able_to(const Cable& cable, Move move, bool back);
  void carry_out(Cable& cable, Move move, bool back);
  void answer(Cable& cable);
  [[nodiscard]] std::size_t draw_size();
  // Returns nullptr if both ends are not made.
  [[nodiscard]] Cable* find(int number);

  Kernel& kernel_;
  Random& random_;
  Trace& trace_;
  const std::uint16_t server_port_;
  std::vector<std::unique_ptr<Cable>> cables_;
};

}  // namespace wsd::sim
