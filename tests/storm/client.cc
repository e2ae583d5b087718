#include "storm/client.h"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "net/peer.h"
#include "storm/dice.h"
#include "storm/publisher.h"
#include "storm/record.h"

namespace wsd::storm {
namespace {

constexpr std::size_t kClients = 16;  // of one thread
constexpr std::size_t kMostUnderWay = 40;

// One connection after another.
class Client {
 public:
  Client(Ports ports, std::uint64_t seed) : ports_(ports), dice_(seed) {}

  void step() {
    if (!peer_) {
      if (refused_ == 0 && dice_.chance(30)) connect();
      if (refused_ != 0) --refused_;
      return;
    }
    if (!dice_.chance(deaf_)) peer_->pump();
    if (http_) {
      step_http();
    } else if (open_) {
      read_frames();
    } else {
      read_head();
    }
    if (!peer_) return;
    if (peer_->end() != test::Peer::End::kOpen || (left_ == 0 && dice_.chance(50))) {
      end();
      return;
    }
    if (left_ > 0) --left_;
    if (open_) act();
  }

 private:
  void connect();
  void step_http();
  void read_head();
  void read_frames();
  void act();
  void end();
  void check(const std::string& payload);
  void check_order(const std::string& key, std::uint64_t number, bool without_gaps);

  Ports ports_;
  Dice dice_;
  std::unique_ptr<test::Peer> peer_;
  bool http_ = false;
  bool open_ = false;
  bool blind_ = false;      // the payloads are compressed, or have a prefix
  bool requested_ = false;  // an HTTP response is due
  unsigned deaf_ = 0;       // percent of steps without reading
  std::uint64_t left_ = 0;  // steps until it ends
  int refused_ = 0;         // steps until it connects again
  std::uint64_t next_echo_ = 0;
  std::deque<std::string> echoes_;  // in the order in which they are due
  std::map<std::string, std::uint64_t> last_;
};

void Client::connect() {
  peer_ = std::make_unique<test::Peer>(dice_.chance(80) ? ports_.own : ports_.adopted);
  if (peer_->end() != test::Peer::End::kOpen) {  // the server has ended
    peer_.reset();
    refused_ = 100;
    return;
  }
  record().connections.fetch_add(1);
  http_ = dice_.chance(30);
  open_ = requested_ = false;
  deaf_ = dice_.chance(20) ? 90 : 0;
  left_ = dice_.below(500);
  echoes_.clear();
  last_.clear();
  if (http_) return;
  if (dice_.chance(3)) {
    peer_->send("GET /storm/x HTTP/1.1\r\nHost: a\r\nUpgra");  // the rest never comes
    return;
  }
  blind_ = dice_.chance(30);
  const std::string name = "n" + std::to_string(dice_.below(5));
  const std::uint64_t route = dice_.below(10);
  const std::string path = route < 3   ? "/routed/" + name + "/x"
                           : route < 6 ? "/later-storm/" + name
                                       : "/storm/" + name;
  std::string fields = "Cookie: a=b; storm=yes\r\n";
  if (blind_) {
    fields += dice_.chance(50) ? "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                               : "Sec-WebSocket-Protocol: ws+meta.nchan\r\n";
  }
  peer_->send(test::upgrade_request(path + "?a+b=c%26d", fields));
}

void Client::step_http() {
  if (requested_) {
    const std::string head = peer_->take_head();
    if (head.empty()) return;
    if (!head.starts_with("HTTP/1.1 ")) fail("a response begins with %.40s", head.c_str());
    record().responses.fetch_add(1);
    peer_->input.clear();  // the body; a part that comes later fails the next head
    end();
    return;
  }
  static constexpr const char* kRequests[] = {
      "GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      "POST /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
      "PUT /later HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
      "POST /later/yes HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
      "POST /later/no HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
      "POST /later/yes HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\nbo"};
  peer_->send(kRequests[dice_.below(std::size(kRequests))]);
  requested_ = true;
}

void Client::read_head() {
  const std::string head = peer_->take_head();
  if (head.empty()) return;
  open_ = head.starts_with("HTTP/1.1 101 ");
  if (!open_) end();
}

void Client::read_frames() {
  for (;;) {
    // RSV1: permessage-deflate (RFC 7692 §6). The payload is not looked at then.
    if (blind_ && !peer_->input.empty())
      peer_->input[0] = static_cast<char>(peer_->input[0] & 0xBF);
    const auto frame = test::take_frame(peer_->input);
    if (!frame) return;
    switch (frame->opcode) {
      case test::kText:
      case test::kBinary:
        if (!blind_) check(frame->payload);
        break;
      case test::kPing:
        if (!dice_.chance(2)) peer_->send(test::client_frame(test::kPong, frame->payload));
        break;
      case test::kPong:
        break;
      case test::kClose:
        if (dice_.chance(80)) peer_->send(test::client_frame(test::kClose, frame->payload));
        end();
        return;
      default:
        fail("a frame has opcode %d", frame->opcode);
    }
  }
}

void Client::check(const std::string& payload) {
  std::istringstream words(payload);
  std::string kind;
  std::string room;
  std::string publisher;
  std::uint64_t number = 0;
  words >> kind;
  if (kind == "e") {
    if (echoes_.empty() || echoes_.front() != payload) fail("an echo is not the one that is due");
    echoes_.pop_front();
    record().echoes.fetch_add(1);
    return;
  }
  if (kind == "p") words >> room;
  words >> publisher >> number;
  if (!words || (kind != "p" && kind != "d")) fail("a message is %.60s", payload.c_str());
  record().deliveries.fetch_add(1);
  // A join of a room with history may replay what was delivered before.
  if (room.starts_with('h')) return;
  check_order(room + " " + publisher, number, room == kAllRoom);
}

void Client::check_order(const std::string& key, std::uint64_t number, bool without_gaps) {
  std::uint64_t& last = last_[key];
  if (number <= last) fail("message %lu of '%s' comes after %lu", number, key.c_str(), last);
  if (without_gaps && last != 0 && number != last + 1) {
    fail("message %lu of '%s' comes right after %lu", number, key.c_str(), last);
  }
  last = number;
}

void Client::act() {
  if (echoes_.size() > kMostUnderWay) return;
  const int type = dice_.chance(50) ? test::kText : test::kBinary;
  if (dice_.chance(40)) {
    std::string text = "e " + std::to_string(next_echo_++) + " " +
                       std::string(dice_.chance(5) ? dice_.below(20'000) : dice_.below(200), '.');
    const std::size_t half = text.size() / 2;
    if (dice_.chance(10)) {
      peer_->send(test::client_frame(type, text.substr(0, half), false));
      peer_->send(test::client_frame(0, text.substr(half)));
    } else {
      peer_->send(test::client_frame(type, text));
    }
    echoes_.push_back(std::move(text));
  } else if (dice_.chance(60)) {
    peer_->send(test::client_frame(type, "act"));
  } else if (dice_.chance(3)) {
    peer_->send(test::client_frame(type, "throw"));
  } else if (dice_.chance(10)) {
    peer_->send(test::client_frame(dice_.chance(50) ? test::kPing : test::kPong, "ping"));
  }
}

void Client::end() {
  switch (dice_.below(4)) {
    case 0:
      if (open_) peer_->send(test::client_frame(test::kClose, test::close_payload(1000)));
      peer_->pump();
      break;
    case 1:
      peer_->shutdown_write();
      break;
    case 2:
      peer_->reset();
      break;
    default:
      break;
  }
  peer_.reset();
}

}  // namespace

void run_clients(Ports ports, std::uint64_t seed, const std::atomic<bool>& over) {
  std::vector<Client> clients;
  for (std::size_t i = 0; i < kClients; ++i) clients.emplace_back(ports, seed * 1'000 + i);
  while (!over.load()) {
    for (Client& each : clients) each.step();
    // A pace that leaves the server some of the machine. Nothing depends on it.
    std::this_thread::sleep_for(std::chrono::microseconds(300));
  }
}

void check_alive(Ports ports) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(kPatienceSeconds);
  const auto wait_for = [&](test::Peer& peer, std::string_view part) {
    while (peer.input.find(part) == std::string::npos) {
      if (std::chrono::steady_clock::now() >= deadline) fail("the server does not answer any more");
      if (peer.end() != test::Peer::End::kOpen) return false;
      peer.wait_and_pump();
    }
    return true;
  };
  // The hook rejects some, and other threads close some.
  for (;;) {
    test::Peer peer(ports.own);
    peer.send(test::upgrade_request("/storm/alive"));
    if (!wait_for(peer, "\r\n\r\n") || !peer.take_head().starts_with("HTTP/1.1 101 ")) continue;
    peer.send(test::client_frame(test::kText, "e alive"));
    if (wait_for(peer, "e alive")) return;
  }
}

}  // namespace wsd::storm
