#include "sim/client/client_simulation.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "sim/broken.h"
#include "sim/client/captured_reactors.h"

namespace wsd::sim {
namespace {

// More steps than any run needs to come to rest.
constexpr std::uint64_t kEnoughSteps = 2'000'000;

void expect_ok(const std::string& error) {
  if (!error.empty()) broken("%s", error.c_str());
}

}  // namespace

ClientSimulation::ClientSimulation(std::uint64_t seed, Trace& trace)
    : random_(seed), trace_(trace), kernel_(random_, trace) {
  plan();
  start();
}

ClientSimulation::~ClientSimulation() = default;

void ClientSimulation::plan() {
  steps_ = static_cast<std::uint32_t>(random_.between(50, 600));
  most_conversations_ = static_cast<std::uint32_t>(random_.between(1, 8));
  disturbs_ = random_.chance(50);
  plan_.deflate = random_.chance(70);
  plan_.connect_timeout_ms = static_cast<std::uint32_t>(random_.between(10, 2'000));
  plan_.handshake_timeout_ms = static_cast<std::uint32_t>(random_.between(10, 2'000));

  HeartbeatOptions heartbeat;
  heartbeat.ping_interval_ms = static_cast<std::uint32_t>(random_.between(100, 2'000));
  heartbeat.pong_timeout_ms = static_cast<std::uint32_t>(random_.between(100, 2'000));
  heartbeat.read_timeout_ms = heartbeat.ping_interval_ms + heartbeat.pong_timeout_ms;
  static constexpr std::array kModes = {DeflateMode::kOff, DeflateMode::kNoContextTakeover,
                                        DeflateMode::kContextTakeover};
  server_options_.reactors = static_cast<std::uint32_t>(random_.between(1, 2));
  server_options_.heartbeat = heartbeat;
  server_options_.log.level = LogLevel::kOff;
  server_options_.deflate.mode = random_.one_of(std::span<const DeflateMode>(kModes));
  server_options_.limits.close_timeout_ms = static_cast<std::uint32_t>(random_.between(100, 3'000));
  client_options_.reactors = static_cast<std::uint32_t>(random_.between(1, 2));
  if (random_.chance(70)) client_options_.heartbeat = heartbeat;
  client_options_.deflate.mode = random_.one_of(std::span<const DeflateMode>(kModes));
  client_options_.limits.close_timeout_ms = server_options_.limits.close_timeout_ms;
}

void ClientSimulation::start() {
  kernel_.sleep = [this](int epoll, std::uint64_t until_ms) {
    Driven& driven = *running_;
    driven.epoll = epoll;
    driven.until_ms = until_ms;
    driven.fiber.pause();
    return !std::exchange(driven.interrupted, false);
  };
  server_.emplace(server_options_);
  Handlers handlers;
  handlers.open = [this](Connection& client) { conversation_of(client).server_open(client); };
  handlers.message = [this](Connection& client, const Message& message) {
    conversation_of(client).server_message(client, message);
  };
  handlers.close = [this](Connection& client, const CloseInfo& info) {
    conversation_of(client).server_close(info);
  };
  server_->route("/{number}", std::move(handlers));
  expect_ok(server_->listen("127.0.0.1:0"));
  expect_ok(server_->start());
  drive(server_options_.reactors);
  const std::string address = server_->addresses().at(0);
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  network_.emplace(kernel_, random_, trace_, static_cast<std::uint16_t>(port));
  client_.emplace(client_options_);
  expect_ok(client_->start());
  drive(client_options_.reactors);

  static constexpr std::array<unsigned, 3> kPercent = {0, 5, 40};
  const auto percent = [this] { return random_.one_of(std::span<const unsigned>(kPercent)); };
  kernel_.faults.interrupted = percent();
  kernel_.faults.short_send = percent();
  kernel_.faults.spurious_wake = percent();
  kernel_.faults.partial_harvest = percent();
}

void ClientSimulation::drive(std::uint32_t reactors) {
  for (net::Reactor* const each : take_reactors(reactors)) {
    Driven& driven = driven_.emplace_back();
    driven.fiber.start([each] { run_reactor(*each); });
    running_ = &driven;
    driven.fiber.resume();  // to its first sleep
  }
  running_ = nullptr;
}

Conversation& ClientSimulation::conversation_of(const Connection& client) {
  const std::string path(client.path());
  return conversations_.at(static_cast<std::size_t>(std::stoi(path.substr(1))));
}

// What happens

void ClientSimulation::connect() {
  static constexpr std::array kOthers = {FarEnd::kNobody,  FarEnd::kLost,     FarEnd::kSilent,
                                         FarEnd::kRejects, FarEnd::kNonsense, FarEnd::kEnds};
  const FarEnd end =
      random_.chance(75) ? FarEnd::kServer : random_.one_of(std::span<const FarEnd>(kOthers));
  const int number = static_cast<int>(conversations_.size());
  conversations_.emplace_back(number, end, random_, trace_);
  conversations_.back().begin(*client_, *network_, plan_);
  ++tally_.conversations;
}

void ClientSimulation::disturb() {
  if (conversations_.empty()) return;
  Conversation& chosen = conversations_[random_.below(conversations_.size())];
  const bool reset = random_.chance(60);
  if (!(reset ? network_->reset(chosen.number()) : network_->cut(chosen.number()))) return;
  trace_.note("%8lu  the network %s client %d", kernel_.now_ms(), reset ? "resets" : "loses",
              chosen.number());
  if (!chosen.disturbed()) ++tally_.disturbed;
  chosen.disturb();
}

// Steps

bool ClientSimulation::is_runnable(const Driven& driven) {
  return !driven.fiber.ended() &&
         (driven.interrupted || kernel_.now_ms() >= driven.until_ms || kernel_.ready(driven.epoll));
}

bool ClientSimulation::work_is_left() {
  return network_->able() ||
         std::ranges::any_of(driven_, [this](const Driven& each) { return is_runnable(each); }) ||
         std::ranges::any_of(conversations_,
                             [](const Conversation& each) { return each.can_speak(); });
}

void ClientSimulation::step() {
  ++tally_.steps;
  std::vector<Driven*> runnable;
  for (Driven& each : driven_) {
    if (is_runnable(each)) runnable.push_back(&each);
  }
  std::vector<Conversation*> speakers;
  for (Conversation& each : conversations_) {
    if (each.can_speak()) speakers.push_back(&each);
  }
  const bool network = network_->able();
  const std::uint64_t drawn =
      random_.below((network ? 2 : 0) + (runnable.empty() ? 0 : 2) + (speakers.empty() ? 0 : 1));
  if (network && drawn < 2) {
    network_->step();
  } else if (!runnable.empty() && drawn < (network ? 4U : 2U)) {
    running_ = random_.one_of(std::span<Driven* const>(runnable));
    running_->fiber.resume();
    running_ = nullptr;
  } else {
    random_.one_of(std::span<Conversation* const>(speakers))->speak();
  }
}

void ClientSimulation::come_to_rest() {
  for (std::uint64_t i = 0; work_is_left(); ++i) {
    if (i == kEnoughSteps) broken("the run does not come to rest");
    step();
  }
}

std::uint64_t ClientSimulation::next_moment() const {
  std::uint64_t next = kernel_.now_ms() + 1'000;
  for (const Driven& each : driven_) {
    if (!each.fiber.ended()) next = std::min(next, each.until_ms);
  }
  return next;
}

void ClientSimulation::pass_time(std::uint64_t ms) {
  kernel_.pass(ms);
  tally_.simulated_ms += ms;
  trace_.count('t', kernel_.now_ms(), 0);
}

void ClientSimulation::check_rest() const {
  for (const Conversation& each : conversations_) each.check_at_rest();
}

// The run

ClientTally ClientSimulation::run() {
  for (std::uint32_t i = 0; i < steps_; ++i) {
    if (conversations_.size() < most_conversations_ && random_.chance(10)) connect();
    if (disturbs_ && random_.chance(2)) disturb();
    if (random_.chance(kernel_.faults.interrupted / 4)) {
      driven_[random_.below(driven_.size())].interrupted = true;
    }
    if (work_is_left()) {
      step();
    } else {
      check_rest();
      pass_time(next_moment() - kernel_.now_ms());
    }
  }
  kernel_.faults = {};
  while (conversations_.size() < most_conversations_) connect();
  if (random_.chance(70)) {
    come_to_rest();
    check_rest();
    if (random_.chance(50)) wait_out();
  }
  finish();
  tally_.hash = trace_.hash();
  return tally_;
}

// Time passes until each deadline of a connection must have fired.
void ClientSimulation::wait_out() {
  const HeartbeatOptions& slowest = client_options_.heartbeat;
  const std::uint64_t until = kernel_.now_ms() + plan_.connect_timeout_ms +
                              plan_.handshake_timeout_ms + slowest.ping_interval_ms +
                              slowest.pong_timeout_ms +
                              2 * client_options_.limits.close_timeout_ms + 1'000;
  while (kernel_.now_ms() < until) {
    pass_time(std::min(next_moment(), until) - kernel_.now_ms());
    come_to_rest();
    check_rest();
  }
  for (const Conversation& each : conversations_) {
    if (each.disturbed() || each.end() != FarEnd::kServer) each.check_over();
  }
}

void ClientSimulation::finish() {
  trace_.note("%8lu  the end begins", kernel_.now_ms());
  for (Conversation& each : conversations_) each.disturb();
  const std::uint64_t until = kernel_.now_ms() + client_options_.drain_timeout_ms +
                              server_options_.drain_timeout_ms + server_options_.drain_window_ms +
                              1'000;
  const bool server_first = random_.chance(50);
  if (server_first) server_->drain();
  for (std::uint64_t left = random_.below(50); left != 0 && work_is_left(); --left) step();
  if (random_.chance(50)) {
    client_->drain();
  } else {
    client_->stop();
  }
  for (std::uint64_t left = random_.below(50); left != 0 && work_is_left(); --left) step();
  if (!server_first) server_->stop();
  come_to_rest();
  while (std::ranges::any_of(driven_, [](const Driven& each) { return !each.fiber.ended(); })) {
    if (kernel_.now_ms() >= until) broken("an end does not end");
    pass_time(next_moment() - kernel_.now_ms());
    come_to_rest();
  }
  for (const Conversation& each : conversations_) {
    each.check_over();
    tally_.opened += each.opened() ? 1 : 0;
    tally_.echoes += each.echoes();
  }
  if (client_->connection_count() != 0 || server_->connection_count() != 0) {
    broken("%zu connections of the client and %zu of the server are left",
           client_->connection_count(), server_->connection_count());
  }
  client_.reset();
  server_.reset();
  if (kernel_.open_descriptors() != 0) {
    broken("%zu descriptors are left open", kernel_.open_descriptors());
  }
}

}  // namespace wsd::sim
