// One server under storm: its handlers, and the threads of the application that call it.
#pragma once

#include <wsd/server.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storm/dice.h"
#include "storm/publisher.h"

namespace wsd::storm {

// Checks a promise of hub.h: all receipts and answers of one room come on one thread, one after
// another, in the order of their positions. Its members have no lock, so ThreadSanitizer checks the
// first half.
struct RoomOrder {
  Position last;
};

class StormServer {
 public:
  explicit StormServer(std::uint64_t seed);
  StormServer(const StormServer&) = delete;
  StormServer& operator=(const StormServer&) = delete;
  ~StormServer();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // The port of a socket that the application opened and passed to adopt().
  [[nodiscard]] std::uint16_t adopted_port() const noexcept { return adopted_port_; }

  // Starts the threads of the application.
  void begin();
  // Drains or stops the server while these threads still call it, then ends them.
  void end(bool drain);
  // Must be called when no server exists.
  static void check_nothing_left();

 private:
  struct Data;

  void add_routes();
  Upgrade upgrade(const Request& request);
  [[nodiscard]] static Upgrade accept(std::string user, Dice& dice);
  void on_open(Connection& connection);
  void on_message(Connection& connection, const Message& message);
  void on_close(Connection& connection, const CloseInfo& info);
  Response page(const Request& request);
  void later(const Request& request, const Responder& responder);

  // application.cc: tasks, timers, notices and deferred handshakes
  void add_application_handlers(Handlers& handlers);
  void add_deferred_route(Handlers handlers);
  void decide_some(Dice& dice, bool all);
  void keep_timer(Dice& dice, Timer timer);
  [[nodiscard]] Timer any_timer(Dice& dice);
  void act_as_application(Dice& dice, const Connection& target);
  void act_on_reactor(Dice& dice);

  // The threads of the application.
  void call_often(std::uint64_t seed);
  void respond_later(std::uint64_t seed);
  void watch();
  void fork_often(std::uint64_t seed);

  // Makes one random call. `own` is the connection whose handler runs, or an empty handle.
  void act(Dice& dice, Publisher& publisher, const Connection& own);
  void act_on_connection(Dice& dice, Publisher& publisher, const Connection& target);
  void act_on_room(Dice& dice, Publisher& publisher, const Connection& target);
  void act_on_server(Dice& dice);
  void act_as_operator(Dice& dice);
  void publish(Dice& dice, Publisher& publisher, const std::string& room);
  void check_receipt(const std::string& room, const Position& position);

  void remember(const Connection& connection, Dice& dice);
  [[nodiscard]] Connection any_connection(Dice& dice);

  // The target of the log. Destroyed after the server.
  struct Sink {
    Sink();
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    ~Sink();
    int fd;
  };

  Sink log_;
  Server server_;
  std::uint64_t seed_;
  std::uint16_t port_ = 0;
  std::uint16_t adopted_port_ = 0;
  std::map<std::string, RoomOrder> receipts_;  // constant after the constructor, but for the values
  std::atomic<bool> over_{false};
  std::atomic<bool> ending_{false};  // end() was called
  std::atomic<std::uint64_t> opens_{0};
  std::atomic<std::uint64_t> closes_{0};
  std::atomic<std::uint64_t> hook_seed_{0};

  std::mutex mutex_;  // guards the four below; locked for a moment only
  std::vector<Connection> known_;
  std::vector<Responder> waiting_;
  std::vector<UpgradeResponder> undecided_;
  std::vector<Timer> timers_;  // most of them are over

  std::vector<std::thread> threads_;
};

}  // namespace wsd::storm
