#include "engine/fake_network.h"

#include <algorithm>

#include "sim/allocation_faults.h"

namespace wsd::engine {

// The network itself never lacks memory.
using Off = sim::AllocationFaults::Off;

class FakeNetwork::FakeWire final : public Wire {
 public:
  explicit FakeWire(std::shared_ptr<Line> line) : line_(std::move(line)) {}
  FakeWire(const FakeWire&) = delete;
  FakeWire& operator=(const FakeWire&) = delete;
  // What the kernel has taken still reaches the server.
  ~FakeWire() override {
    line_->owner = nullptr;
    line_->queue.clear();
    if (line_->socket != nullptr) line_->socket->client_closed = true;
  }

  void send(std::string_view bytes) override { line_->queue += bytes; }
  [[nodiscard]] std::size_t unsent() const noexcept override { return line_->queue.size(); }
  void set_reading(bool reading) noexcept override { line_->reading = reading; }

 private:
  std::shared_ptr<Line> line_;
};

FakeNetwork::~FakeNetwork() = default;

std::unique_ptr<Wire> FakeNetwork::connect(const Endpoint& to, WireOwner& owner) {
  auto line = std::make_shared<Line>();
  line->to = to;
  line->owner = &owner;
  auto wire = std::make_unique<FakeWire>(line);
  lines_.push_back(std::move(line));
  ++connects_;
  return wire;
}

void FakeNetwork::listen(const Endpoint& at, FakeRedis* server) {
  std::erase_if(listeners_, [&at](const auto& each) { return each.first == at; });
  if (server != nullptr) listeners_.emplace_back(at, server);
}

void FakeNetwork::set_unreachable(const Endpoint& at, bool unreachable) {
  std::erase(unreachable_, at);
  if (unreachable) unreachable_.push_back(at);
}

std::vector<std::shared_ptr<FakeNetwork::Line>> FakeNetwork::lines() {
  const Off off;
  std::erase_if(lines_, [](const std::shared_ptr<Line>& each) {
    return each->has_ended() && (each->socket == nullptr || each->socket->server_closed);
  });
  return lines_;
}

void FakeNetwork::run() {
  while (step()) {
  }
}

bool FakeNetwork::step() {
  bool moved = false;
  for (const std::shared_ptr<Line>& each : lines()) {
    moved = connect_now(*each) || moved;
    moved = send(*each) || moved;
    while (serve(*each)) moved = true;
  }
  for (const std::shared_ptr<Line>& each : lines()) moved = receive(*each, chunk_) || moved;
  return moved;
}

bool FakeNetwork::connect_now(Line& line) {
  if (line.has_ended() || line.is_connected()) return false;
  if (std::ranges::find(unreachable_, line.to) != unreachable_.end()) return false;
  const auto found =
      std::ranges::find_if(listeners_, [&line](const auto& each) { return each.first == line.to; });
  if (found == listeners_.end() || !found->second->is_listening()) {
    end(line, "Connection refused");
    return true;
  }
  line.server = found->second;
  {
    const Off off;
    line.socket = line.server->accept();
  }
  line.owner->connected();
  return true;
}

bool FakeNetwork::send(Line& line, std::size_t most) {
  const Off off;
  if (line.has_ended() || !line.is_connected() || !line.cut.empty()) return false;
  std::string& kernel = line.socket->to_server;
  const std::size_t space = send_window_ > kernel.size() ? send_window_ - kernel.size() : 0;
  const std::size_t size = std::min({most, space, line.queue.size(), line.cut_after_sent});
  if (size == 0 && line.cut_after_sent != 0) return false;
  kernel.append(line.queue, 0, size);
  line.queue.erase(0, size);
  if (line.cut_after_sent != kAll) line.cut_after_sent -= size;
  if (line.cut_after_sent == 0) cut(line, "Broken pipe", false);
  return true;
}

bool FakeNetwork::serve(Line& line, std::size_t most) {
  return line.is_connected() && line.server->serve(line.socket, most);
}

bool FakeNetwork::receive(Line& line, std::size_t most) {
  if (line.has_ended()) return false;
  if (!line.cut.empty()) {
    end(line, line.cut);
    return true;
  }
  if (!line.is_connected() || !line.reading) return false;
  std::string& kernel = line.socket->to_client;
  const std::size_t size = std::min({most, kernel.size(), line.cut_after_received});
  if (line.cut_after_received != kAll) line.cut_after_received -= size;
  if (size != 0) {
    std::string bytes;
    {
      const Off off;
      bytes = kernel.substr(0, size);
    }
    kernel.erase(0, size);
    line.owner->received(bytes);
    return true;
  }
  if (line.cut_after_received == 0) {
    const Off off;
    cut(line, "Connection reset by peer", false);
    return true;
  }
  if (!line.socket->server_closed) return false;
  end(line, "The server has closed the connection");
  return true;
}

void FakeNetwork::end(Line& line, std::string_view why) {
  if (line.socket != nullptr) line.socket->client_closed = true;
  WireOwner* const owner = std::exchange(line.owner, nullptr);
  if (owner != nullptr) owner->ended(why);
}

void FakeNetwork::cut(Line& line, std::string_view why, bool lose_sent) {
  if (line.has_ended()) return;
  line.cut = why;
  if (line.socket == nullptr) return;
  line.socket->client_closed = true;
  if (lose_sent) line.socket->to_server.clear();
}

void FakeNetwork::cut_all(std::string_view why, bool lose_sent) {
  for (const std::shared_ptr<Line>& each : lines()) cut(*each, why, lose_sent);
}

void FakeNetwork::cut_after_sent(std::size_t bytes) {
  for (const std::shared_ptr<Line>& each : lines_) each->cut_after_sent = bytes;
}

void FakeNetwork::cut_after_received(std::size_t bytes) {
  for (const std::shared_ptr<Line>& each : lines_) each->cut_after_received = bytes;
}

}  // namespace wsd::engine
