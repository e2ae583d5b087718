// Exercise 4: a room on more than one machine. Two servers, here in one process, and a bus between
// them, here a list of functions: what Redis, NATS or Kafka is in earnest.
//   two_nodes [ADDRESS_A ADDRESS_B]; then connect to /rooms/NAME on either
#include <wsd/server.h>

#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "serve.h"

namespace {

// Each message goes to all subscribers, in one order. Any thread.
class Bus {
 public:
  using Subscriber = std::function<void(const std::string& room, const std::string& text)>;

  // Before anything is published.
  void subscribe(Subscriber subscriber) { subscribers_.push_back(std::move(subscriber)); }

  void publish(const std::string& room, const std::string& text) {
    const std::lock_guard lock(mutex_);  // one order for all: a bus gives each message its place
    for (const Subscriber& each : subscribers_) each(room, text);
  }

 private:
  std::mutex mutex_;
  std::vector<Subscriber> subscribers_;
};

// A node's members hear what the bus says, and nothing else: who publishes to the own hub as well
// would send every message twice at home.
void connect_node(wsd::Server& server, Bus& bus) {
  bus.subscribe([hub = server.hub()](const std::string& room, const std::string& text) {
    hub.publish(room, wsd::MessageType::kText, text);
  });
  wsd::Handlers handlers;
  handlers.open = [](wsd::Connection& who) { who.join(who.path()); };
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
  return chat::serve(a, argc > 2 ? argv[1] : "127.0.0.1:9002", [&] {
    std::string error = b.listen(argc > 2 ? argv[2] : "127.0.0.1:9003");
    if (error.empty()) error = b.start();
    if (!error.empty()) return b.log(wsd::LogLevel::kError, "node_b", error);
    std::fprintf(stderr, "listening on %s\n", b.addresses().front().c_str());
  });
}
