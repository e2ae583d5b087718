// Exercise 4: a room on two servers with a message bus between them. Here both servers run in one
// process and the bus is a list of functions. In production it would be Redis, NATS or Kafka.
//   two_nodes [ADDRESS_A ADDRESS_B]; then connect to /rooms/NAME on either address
#include <wsd/server.h>

#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "serve.h"

namespace {

// Delivers each message to all subscribers. All of them see the same order.
class Bus {
 public:
  using Subscriber = std::function<void(const std::string& room, const std::string& text)>;

  // Call this before the first publish().
  void subscribe(Subscriber subscriber) { subscribers_.push_back(std::move(subscriber)); }

  // May be called from any thread.
  void publish(const std::string& room, const std::string& text) {
    const std::lock_guard lock(mutex_);  // gives all messages one order
    for (const Subscriber& each : subscribers_) each(room, text);
  }

 private:
  std::mutex mutex_;
  std::vector<Subscriber> subscribers_;
};

// A node delivers only the messages that come from the bus. If it also published to its own hub
// directly, its own members would receive every message twice.
void connect_node(wsd::Server& server, Bus& bus) {
  bus.subscribe([hub = server.hub()](const std::string& room, const std::string& text) {
    hub.publish(room, wsd::MessageType::kText, text);
  });
  wsd::Handlers handlers;
  handlers.open = [](wsd::Connection& member) { member.join(member.path()); };
  handlers.message = [&bus](wsd::Connection& from, const wsd::Message& message) {
    bus.publish(std::string(from.path()), std::string(message.payload));
  };
  server.route("/rooms/{room}", handlers);
}

}  // namespace

int main(int argc, char** argv) {
  Bus bus;
  wsd::Server a;
  wsd::Server b;
  connect_node(a, bus);
  connect_node(b, bus);
  return chat::serve(a, argc > 2 ? argv[1] : "127.0.0.1:9003", [&] {
    std::string error = b.listen(argc > 2 ? argv[2] : "127.0.0.1:9004");
    if (error.empty()) error = b.start();
    if (!error.empty()) return b.log(wsd::LogLevel::kError, "node_b", error);
    std::fprintf(stderr, "listening on %s\n", b.addresses().front().c_str());
  });
}
