#include "sim/engine_kernel/far_side.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace wsd::sim {
namespace {

// What a server's kernel keeps for it. Beyond that, the node's kernel keeps what it sends.
constexpr std::size_t kWindow = 65'536;

}  // namespace

FarSide::FarSide(Kernel& kernel, Random& random, Trace& trace, engine::FakeRedis& redis)
    : kernel_(kernel), random_(random), trace_(trace), redis_(redis) {
  kernel.begun = [this](Link& link) { return begun(link); };
}

// A connection over TCP takes its time, also on loopback; one over a Unix socket does not.
int FarSide::begun(Link& link) {
  const bool local = link.to.starts_with("unix:");
  const bool echo = link.to == kEcho;
  link.send_buffer = send_buffer;
  if (link.to == kNobody || (refuses && !echo)) {
    if (local) return random_.chance(50) ? ECONNREFUSED : ENOENT;
    if (random_.chance(30)) return ECONNREFUSED;
  }
  if (local && unreachable) return EAGAIN;  // the queue of connections is full
  auto line = std::make_unique<Line>();
  line->link = &link;
  line->echo = echo;
  lines_.push_back(std::move(line));
  if (!local) return EINPROGRESS;
  make(*lines_.back());
  return 0;
}

void FarSide::make(Line& line) {
  if (line.echo) {
    ++echoes_made_;
    line.socket = std::make_shared<engine::FakeSocket>();
  } else {
    line.socket = redis_.accept();
  }
}

bool FarSide::able_to(const Line& line, Move move) const {
  const Link& link = *line.link;
  if (move == Move::kDecide)
    return link.connecting && (!unreachable || line.echo || link.to == kNobody);
  if (line.socket == nullptr) return false;
  switch (move) {
    case Move::kTake:
      return !line.closed && !link.server_reset && !link.outgoing.empty() &&
             line.socket->to_server.size() < kWindow;
    case Move::kServe:
      if (line.echo) return !line.closed && !line.socket->to_server.empty();
      return !redis_.is_stopped() && !line.socket->server_closed &&
             (!line.socket->to_server.empty() || line.socket->client_closed);
    case Move::kSend:
      return !line.closed && !line.saw_end && !line.socket->to_client.empty();
    case Move::kArrive:
      return Kernel::has_arrivals(link);
    case Move::kSeeEnd:
      return !line.closed && !line.saw_end && (link.server_reset || Kernel::peer_sees_end(link));
    case Move::kClose:
      return !line.closed && line.socket->server_closed &&
             (line.saw_end || line.socket->to_client.empty());
    default:
      return false;
  }
}

bool FarSide::able() {
  forget_ended();
  return std::ranges::any_of(lines_, [&](const auto& line) {
    return std::ranges::any_of(kMoves, [&](Move move) { return able_to(*line, move); });
  });
}

void FarSide::step() {
  std::vector<std::pair<Line*, Move>> all;
  for (const auto& each : lines_) {
    for (const Move move : kMoves) {
      if (able_to(*each, move)) all.emplace_back(each.get(), move);
    }
  }
  if (all.empty()) return;
  const auto [line, move] = all[random_.below(all.size())];
  carry_out(*line, move);
}

std::size_t FarSide::draw_size() {
  static constexpr std::array<std::size_t, 5> kCuts = {1, 7, 100, 4'000, 1'000'000};
  return random_.between(1, random_.one_of(std::span<const std::size_t>(kCuts)));
}

void FarSide::carry_out(Line& line, Move move) {
  Link& link = *line.link;
  switch (move) {
    case Move::kDecide:
      if (link.server_closed && !link.held) {
        kernel_.refuse_connect(link, ECONNABORTED);  // the node has given it up
      } else if (link.to == kNobody || (refuses && !line.echo)) {
        kernel_.refuse_connect(link, random_.chance(80) ? ECONNREFUSED : EHOSTUNREACH);
      } else {
        make(line);
        kernel_.finish_connect(link);
      }
      break;
    case Move::kTake:
      line.socket->to_server += kernel_.peer_read(link, std::min(draw_size(), kWindow));
      break;
    case Move::kServe:
      serve(line, draw_size());
      break;
    case Move::kSend:
      kernel_.peer_send(link, std::exchange(line.socket->to_client, {}));
      break;
    case Move::kArrive:
      kernel_.arrive(link, draw_size());
      break;
    case Move::kSeeEnd:
      line.saw_end = true;
      line.socket->client_closed = true;
      if (line.echo) line.socket->server_closed = true;
      // A reset may discard what the server has not read yet.
      if (link.server_reset && random_.chance(50)) line.socket->to_server.clear();
      Kernel::peer_takes_end(link);
      break;
    case Move::kClose:
      line.closed = true;
      kernel_.peer_close(link);
      break;
  }
}

bool FarSide::serve(Line& line, std::size_t most) {
  trace_.count('R', static_cast<std::uint64_t>(line.link->number), most);
  if (!line.echo) return redis_.serve(line.socket, most);
  std::string& in = line.socket->to_server;
  const std::size_t size = std::min(most, in.size());
  line.socket->to_client.append(in, 0, size);
  in.erase(0, size);
  return true;
}

void FarSide::forget_ended() {
  std::erase_if(lines_, [](const std::unique_ptr<Line>& each) {
    if (each->link->refused) return true;
    return each->closed && each->socket->server_closed && !Kernel::has_arrivals(*each->link);
  });
}

void FarSide::reset_one(bool of_redis, bool lose) {
  std::vector<Line*> all;
  for (const auto& each : lines_) {
    if (each->socket != nullptr && !each->closed && each->echo != of_redis) {
      all.push_back(each.get());
    }
  }
  if (all.empty()) return;
  Line& line = *all[random_.below(all.size())];
  trace_.note("%8lu  connection %d is reset", kernel_.now_ms(), line.link->number);
  line.closed = line.saw_end = true;
  if (lose) line.socket->to_server.clear();
  line.socket->client_closed = true;
  if (line.echo) line.socket->server_closed = true;
  kernel_.peer_reset(*line.link);
}

bool FarSide::quiet() const {
  return std::ranges::all_of(lines_, [](const std::unique_ptr<Line>& each) {
    const Link& link = *each->link;
    if (link.connecting || each->socket == nullptr) return false;
    return link.outgoing.empty() && link.on_the_way.empty() && link.arrived.empty() &&
           (each->closed || (each->socket->to_server.empty() && each->socket->to_client.empty()));
  });
}

std::string FarSide::state() const {
  std::string text;
  for (const auto& each : lines_) {
    const Link& link = *each->link;
    text += " " + std::to_string(link.number) + (link.connecting ? " connecting" : "") +
            (link.server_closed ? " closed by the node" : "") + (each->closed ? " closed" : "") +
            ", bytes " + std::to_string(link.outgoing.size()) + "/" +
            std::to_string(link.on_the_way.size()) + "/" + std::to_string(link.arrived.size()) +
            ";";
  }
  return text;
}

}  // namespace wsd::sim
