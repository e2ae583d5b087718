#include "sim/engine_kernel/room_client.h"

#include <array>
#include <span>
#include <utility>

#include "sim/broken.h"
#include "wsd/http.h"

namespace wsd::sim {
namespace {

// The publishers of connections have other names than the threads of nodes.
constexpr std::uint64_t kFirstPublisher = 1'000'000;
constexpr std::uint64_t kMostLives = 10'000;

}  // namespace

void RoomClient::connect(std::uint16_t port, std::size_t send_buffer) {
  ++lives_;
  std::string path = "/" + room_name_;
  Position after;
  if (last_.epoch != 0 && random_.chance(90)) {
    after = last_;
    path += "/after/" + position_text(after);
  } else if (random_.chance(50)) {
    path += "/last/" + std::to_string(random_.below(10));
  }
  link_ = &kernel_.connect(port, send_buffer);
  upgraded_ = false;
  input_.clear();
  const std::string name = "client" + std::to_string(index_) + "." + std::to_string(lives_);
  oracle_.trace().note("%8lu  %s connects as %d: %s", kernel_.now_ms(), name.c_str(), link_->number,
                       path.c_str());
  view_.emplace(oracle_, room_, name, after);
  kernel_.peer_send(*link_, test::upgrade_request(path));
}

void RoomClient::publish(std::size_t bytes) {
  const std::uint64_t number =
      oracle_.publishes(room_, kFirstPublisher + index_ * kMostLives + lives_);
  oracle_.trace().note("%8lu  client%zu.%lu publishes m%lu", kernel_.now_ms(), index_, lives_,
                       number);
  kernel_.peer_send(*link_, test::client_frame(test::kText, EngineOracle::text_of(number, bytes)));
}

void RoomClient::leave() {
  switch (random_.below(3)) {
    case 0:
      kernel_.peer_send(*link_, test::client_frame(test::kClose, test::close_payload(1'000)));
      return;  // the node closes its side
    case 1:
      kernel_.peer_close(*link_);
      break;
    default:
      kernel_.peer_reset(*link_);
  }
  // What has been sent still arrives, if it can.
  while (Kernel::has_arrivals(*link_)) kernel_.arrive(*link_, ~std::size_t{0});
  forget();
}

void RoomClient::forget() {
  if (view_ && view_->knows_last()) last_ = view_->last();
  view_.reset();
  upgraded_ = false;
  link_ = nullptr;
}

bool RoomClient::can_arrive() const noexcept {
  return link_ != nullptr && Kernel::has_arrivals(*link_);
}

void RoomClient::arrive() {
  static constexpr std::array<std::size_t, 4> kCuts = {3, 100, 2'000, 1'000'000};
  kernel_.arrive(*link_, random_.between(1, random_.one_of(std::span<const std::size_t>(kCuts))));
}

bool RoomClient::can_read() const noexcept {
  return link_ != nullptr &&
         (!link_->outgoing.empty() || link_->server_reset || Kernel::peer_sees_end(*link_));
}

void RoomClient::read() {
  if (!link_->server_reset) {
    input_ += kernel_.peer_read(*link_, random_.between(1, random_.chance(30) ? 60 : 20'000));
    take_input();
    if (link_ == nullptr || !Kernel::peer_sees_end(*link_)) return;
    Kernel::peer_takes_end(*link_);
  }
  kernel_.peer_close(*link_);
  forget();
}

bool RoomClient::quiet() const noexcept {
  return link_ == nullptr || (link_->outgoing.empty() && link_->on_the_way.empty() &&
                              link_->arrived.empty() && !link_->server_reset);
}

void RoomClient::take_input() {
  while (link_ != nullptr && !input_.empty()) {
    if (!upgraded_) {
      if (!take_response()) return;
      continue;
    }
    const auto frame = test::take_frame(input_);
    if (!frame) return;
    on_frame(*frame);
  }
}

bool RoomClient::take_response() {
  const std::size_t end = input_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  // Any other response ends the connection: the node stops, or has no memory.
  upgraded_ = input_.starts_with("HTTP/1.1 101 ");
  if (!upgraded_) {
    kernel_.peer_close(*link_);
    forget();
    return false;
  }
  input_.erase(0, end + 4);
  return true;
}

void RoomClient::on_frame(const test::WireFrame& frame) {
  switch (frame.opcode) {
    case test::kText:
      return on_message(frame.payload);
    case test::kPing:
      return kernel_.peer_send(*link_, test::client_frame(test::kPong, frame.payload));
    case test::kClose:
      // RFC 6455 §7.1.1: the server closes TCP after the answer.
      return kernel_.peer_send(*link_, test::client_frame(test::kClose, frame.payload));
    default:
      broken("client%zu was sent a frame of opcode %d", index_, frame.opcode);
  }
}

// As RoomView reads it: "POSITION TEXT", "gap POSITION" or "at POSITION".
void RoomClient::on_message(std::string_view payload) {
  const std::size_t line = payload.find('\n');
  const std::size_t head = payload.find("\n\n");
  if (!payload.starts_with("id: ") || head == std::string_view::npos) {
    broken("client%zu got the message \"%.60s\"", index_, std::string(payload).c_str());
  }
  const std::string position(payload.substr(4, line - 4));
  const std::string_view fields = payload.substr(0, head);
  if (fields.find(kGapContentType) != std::string_view::npos) {
    view_->saw("gap " + position);
  } else if (fields.find(kPositionContentType) != std::string_view::npos) {
    view_->saw("at " + position);
  } else {
    ++deliveries_;
    view_->saw(position + " " + std::string(payload.substr(head + 2, 24)));
  }
}

}  // namespace wsd::sim
