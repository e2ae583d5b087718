#include "sim/client/network.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <span>
#include <utility>

#include "sim/broken.h"

namespace wsd::sim {
namespace {

// The bytes that a receiving kernel buffers. Beyond that, they stay with the sender's kernel.
constexpr std::size_t kWindow = 65'536;

// The far ends that are not the server have the ports from here on.
constexpr int kFirstPort = 10;

}  // namespace

Network::Network(Kernel& kernel, Random& random, Trace& trace, std::uint16_t server_port)
    : kernel_(kernel), random_(random), trace_(trace), server_port_(server_port) {
  kernel.begun = [this](Link& link) { return begun(link); };
}

std::string Network::address_of(FarEnd end, int number) const {
  const int port = end == FarEnd::kServer ? server_port_ : kFirstPort + static_cast<int>(end);
  return "127.1." + std::to_string(number / 256) + "." + std::to_string(number % 256) + ":" +
         std::to_string(port);
}

int Network::begun(Link& link) {
  int high = 0;
  int low = 0;
  int port = 0;
  if (std::sscanf(link.to.c_str(), "127.1.%d.%d:%d", &high, &low, &port) != 3) {
    broken("a client connects to %s", link.to.c_str());
  }
  auto cable = std::make_unique<Cable>();
  cable->number = high * 256 + low;
  cable->end = port == server_port_ ? FarEnd::kServer : static_cast<FarEnd>(port - kFirstPort);
  cable->near = &link;
  static constexpr std::array<std::size_t, 3> kBuffers = {4'608, 20'000, 200'000};
  link.send_buffer = random_.one_of(std::span<const std::size_t>(kBuffers));
  if (cable->end == FarEnd::kNobody && random_.chance(30)) return ECONNREFUSED;
  cables_.push_back(std::move(cable));
  return EINPROGRESS;
}

bool Network::able_to(const Cable& cable, Move move, bool back) {
  if (move == Move::kDecide) {
    return !back && cable.near->connecting && cable.end != FarEnd::kLost;
  }
  if (cable.cut || !cable.near->made()) return false;
  if (move == Move::kAnswer) {
    return !back && cable.far == nullptr && !cable.answered && cable.request.ends_with("\r\n\r\n");
  }
  const bool played = cable.far == nullptr;
  const Link* const from = back ? cable.far : cable.near;
  const Link* const to = back ? cable.near : cable.far;
  if (move == Move::kArrive) return to != nullptr && Kernel::has_arrivals(*to);
  if (from == nullptr) return false;
  switch (move) {
    case Move::kTake:
      return !from->server_reset && !from->outgoing.empty() &&
             (played || to->on_the_way.size() + to->arrived.size() < kWindow);
    case Move::kEnd:
      return !cable.ended[back] && !from->server_reset && Kernel::peer_sees_end(*from);
    case Move::kReset:
      return !cable.reset[back] && from->server_reset;
    default:
      return false;
  }
}

bool Network::able() const {
  return std::ranges::any_of(cables_, [](const auto& cable) {
    return std::ranges::any_of(kMoves, [&](Move move) {
      return able_to(*cable, move, false) || able_to(*cable, move, true);
    });
  });
}

void Network::step() {
  struct Choice {
    Cable* cable;
    Move move;
    bool back;
  };
  std::vector<Choice> all;
  for (const auto& cable : cables_) {
    for (const Move move : kMoves) {
      for (const bool back : {false, true}) {
        if (able_to(*cable, move, back)) all.push_back({cable.get(), move, back});
      }
    }
  }
  if (all.empty()) return;
  const Choice chosen = random_.one_of(std::span<const Choice>(all));
  carry_out(*chosen.cable, chosen.move, chosen.back);
}

std::size_t Network::draw_size() {
  static constexpr std::array<std::size_t, 5> kCuts = {1, 7, 100, 4'000, 100'000};
  return random_.between(1, random_.one_of(std::span<const std::size_t>(kCuts)));
}

void Network::carry_out(Cable& cable, Move move, bool back) {
  Link* const from = back ? cable.far : cable.near;
  Link* const to = back ? cable.near : cable.far;
  switch (move) {
    case Move::kDecide:
      decide(cable);
      break;
    case Move::kTake: {
      const std::string bytes = kernel_.peer_read(*from, draw_size());
      if (to != nullptr) {
        kernel_.peer_send(*to, bytes);
      } else {
        cable.request += bytes;
      }
      break;
    }
    case Move::kArrive:
      kernel_.arrive(*to, draw_size());
      break;
    case Move::kEnd:
      cable.ended[back] = true;
      Kernel::peer_takes_end(*from);
      if (to != nullptr) {
        kernel_.peer_shutdown(*to);
      } else {
        kernel_.peer_close(*from);
      }
      break;
    case Move::kReset:
      cable.reset[back] = true;
      if (to != nullptr) kernel_.peer_reset(*to);
      break;
    case Move::kAnswer:
      answer(cable);
      break;
  }
}

void Network::decide(Cable& cable) {
  Link& near = *cable.near;
  if (near.server_closed) {
    kernel_.refuse_connect(near, ECONNABORTED);  // the client has given up
    return;
  }
  if (cable.end == FarEnd::kNobody) {
    kernel_.refuse_connect(near, random_.chance(80) ? ECONNREFUSED : EHOSTUNREACH);
    return;
  }
  if (cable.end == FarEnd::kServer) {
    Link& far = kernel_.connect(server_port_, near.send_buffer);
    if (far.server_reset) {
      kernel_.refuse_connect(near, ECONNREFUSED);
      return;
    }
    trace_.note("%8lu  connection %d leads to %d", kernel_.now_ms(), near.number, far.number);
    cable.far = &far;
  }
  kernel_.finish_connect(near);
}

void Network::answer(Cable& cable) {
  cable.answered = true;
  switch (cable.end) {
    case FarEnd::kRejects:
      kernel_.peer_send(*cable.near,
                        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      break;
    case FarEnd::kNonsense:
      kernel_.peer_send(*cable.near, "220 mail.example ESMTP\r\n");
      break;
    case FarEnd::kEnds:
      kernel_.peer_close(*cable.near);
      break;
    default:
      break;
  }
}

Network::Cable* Network::find(int number) {
  const auto found = std::ranges::find_if(cables_, [number](const auto& cable) {
    return cable->far != nullptr && cable->number == number;
  });
  return found == cables_.end() ? nullptr : found->get();
}

bool Network::reset(int number) {
  Cable* const cable = find(number);
  if (cable == nullptr || cable->cut) return false;
  kernel_.peer_reset(*cable->near);
  kernel_.peer_reset(*cable->far);
  return true;
}

bool Network::cut(int number) {
  Cable* const cable = find(number);
  if (cable == nullptr) return false;
  cable->cut = true;
  return true;
}

}  // namespace wsd::sim
