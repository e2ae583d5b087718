#include "storm/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wsd/check.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "storm/record.h"

namespace wsd::storm {
namespace {

constexpr std::size_t kKnown = 200;  // handles that are kept, most of them of ended connections

ServerOptions options_of(std::uint64_t seed, int log) {
  Dice dice(seed);
  ServerOptions options;
  options.reactors = 4;
  options.log.level = LogLevel::kDebug;
  // Half of the servers write to the descriptor.
  options.log.fd = log;
  if (dice.chance(50)) {
    options.log.sink = [](LogLevel, std::string_view line) {
      record().called(Call::kLogSink);
      if (line.empty() || line.back() == '\n') fail("a line of the log is not one line");
    };
  }
  options.limits.send_queue_bytes = std::size_t{256} << 10;
  options.limits.max_pending_publishes = dice.chance(50) ? 200 : 20'000;
  options.limits.close_timeout_ms = 2'000;
  options.heartbeat = {400, 30'000, 0};
  options.upgrade.subprotocols = {std::string(kNchanSubprotocol)};
  options.rates.max_rooms_per_connection = 6;
  options.rates.max_connections_per_address = dice.chance(20) ? 60 : 0;
  options.history = {20, std::size_t{64} << 10, 2'000, std::size_t{4} << 20};
  options.rooms = {{.pattern = "l*", .slow_policy = SlowPolicy::kLatestOnly, .history_messages = 0},
                   {.pattern = "h*"},
                   {.pattern = "*", .history_messages = 0}};
  if (dice.chance(50)) options.deflate.mode = DeflateMode::kOff;
  options.http.response_timeout_ms = 1'000;
  options.drain_window_ms = 200;
  options.drain_timeout_ms = 5'000;
  return options;
}

std::uint16_t port_in(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

int listening_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof(here)) != 0 ||
      ::listen(fd, 256) != 0) {
    fail("cannot listen on a socket to adopt");
  }
  return fd;
}

std::atomic<std::int64_t> live_data{0};

}  // namespace

// The handlers change it without a lock, which tests that they all run on one thread.
struct StormServer::Data final : ConnectionData {
  explicit Data(std::uint64_t seed) : dice(seed) { live_data.fetch_add(1); }
  ~Data() override { live_data.fetch_sub(1); }

  Dice dice;
  Publisher publisher;
  std::uint64_t messages = 0;
};

StormServer::Sink::Sink() : fd(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {}
StormServer::Sink::~Sink() { ::close(fd); }

StormServer::StormServer(std::uint64_t seed) : server_(options_of(seed, log_.fd)), seed_(seed) {
  for (const char* room :
       {kAllRoom, "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "h0", "h1", "l0"}) {
    receipts_[room];
  }
  add_routes();
  if (const std::string error = server_.listen("127.0.0.1:0"); !error.empty()) {
    fail("%s", error.c_str());
  }
  record().called(Call::kAdopt);
  if (const std::string error = server_.adopt(listening_socket()); !error.empty()) {
    fail("%s", error.c_str());
  }
  if (const std::string error = server_.start(); !error.empty()) fail("%s", error.c_str());
  port_ = port_in(server_.addresses().at(0));
  adopted_port_ = port_in(server_.addresses().at(1));
}

StormServer::~StormServer() {
  if (!threads_.empty()) end(false);
}

void StormServer::add_routes() {
  Handlers handlers;
  handlers.upgrade = [this](const Request& request) { return upgrade(request); };
  handlers.open = [this](Connection& connection) { on_open(connection); };
  handlers.message = [this](Connection& connection, const Message& message) {
    on_message(connection, message);
  };
  handlers.close = [this](Connection& connection, const CloseInfo& info) {
    on_close(connection, info);
  };
  handlers.join_refused = [](Connection& connection, std::string_view room, JoinRefusal) {
    record().called(Call::kJoinRefused);
    if (room.size() % 2 == 0) connection.leave(room);
  };
  add_application_handlers(handlers);
  add_deferred_route(handlers);
  server_.route("/storm/{name}", handlers);
  RouteOptions limits;
  limits.send_queue_bytes = std::size_t{128} << 10;
  limits.ping_interval_ms = 300;
  limits.deflate = DeflateMode::kOff;
  limits.max_messages_per_second = 1'000'000;
  server_.route("/routed/{name...}", std::move(handlers), std::move(limits));
  server_.http("/page", [this](const Request& request) { return page(request); });
  server_.http("POST", "/page", [this](const Request& request) { return page(request); });
  server_.http("PUT", "/later", [this](const Request& request, const Responder& responder) {
    later(request, responder);
  });
  server_.http(
      "POST", "/later/{key}",
      [](const Request& request) -> std::optional<Response> {
        record().called(Call::kGuard);
        if (request.param("key") != "no") return std::nullopt;
        return Response{403, "text/plain", "no", {}};
      },
      [this](const Request& request, const Responder& responder) { later(request, responder); });
}

// Handlers

Upgrade StormServer::upgrade(const Request& request) {
  record().called(Call::kUpgrade);
  Dice dice(seed_ + hook_seed_.fetch_add(1));
  if (dice.chance(3)) {
    record().called(Call::kRejectUpgrade);
    return Upgrade::reject(403, "not you");
  }
  if (dice.chance(1)) throw std::runtime_error("of the upgrade hook");
  if (request.path().starts_with("/routed/")) record().called(Call::kRouteOptions);
  if (const auto cookie = request.cookie("storm")) {
    record().called(Call::kCookie);
    if (*cookie != "yes") fail("a cookie has another value");
  }
  if (const auto text = request.query_param("a b")) {
    record().called(Call::kQueryParam);
    if (*text != "c&d") fail("a parameter of the query has another value");
  }
  Upgrade verdict = accept(std::string(request.param("name")), dice);
  verdict.headers = {{"X-Storm", std::string(request.remote())}};
  return verdict;
}

Upgrade StormServer::accept(std::string user, Dice& dice) {
  Upgrade verdict = Upgrade::accept(std::move(user));
  verdict.data = std::make_unique<Data>(dice.next());
  verdict.opened = [](Connection& connection) {
    record().called(Call::kOpened);
    if (connection.data<Data>() == nullptr) fail("the upgrade's data is not there in opened()");
  };
  return verdict;
}

void StormServer::on_open(Connection& connection) {
  record().called(Call::kOpen);
  opens_.fetch_add(1);
  // The server may stop between the handshake and this call.
  const SendResult joined = connection.join(kAllRoom);
  if (joined == SendResult::kSent && connection.room() != kAllRoom)
    fail("a connection is not in the room that it has joined");
  Data* const data = connection.data<Data>();
  if (data == nullptr) fail("the upgrade's data is not there in open()");
  remember(connection, data->dice);
}

void StormServer::on_message(Connection& connection, const Message& message) {
  record().called(Call::kMessage);
  if (message.payload.starts_with("e ")) {
    record().called(Call::kSend);
    connection.send(message);
    return;
  }
  if (message.payload.starts_with("t")) {
    record().called(Call::kThrow);
    throw std::runtime_error("of the message handler");
  }
  record().called(Call::kData);
  Data* const data = connection.data<Data>();
  if (data == nullptr) fail("a connection has lost its data");
  ++data->messages;
  for (std::uint64_t i = data->dice.below(4); i != 0; --i) {
    act(data->dice, data->publisher, connection);
  }
  if (data->dice.chance(5)) {
    record().called(Call::kSetData);
    connection.set_data(std::make_unique<Data>(data->dice.next()));
  }
}

void StormServer::on_close(Connection& connection, const CloseInfo& info) {
  record().called(Call::kCloseHandler);
  closes_.fetch_add(1);
  if (!connection.rooms().empty()) fail("a connection is in a room in its close handler");
  if (connection.data<Data>() == nullptr) fail("a connection has no data in its close handler");
  if (connection.send_text("late") != SendResult::kClosed) fail("a send after the end is accepted");
  if (close_cause_name(info.cause).empty()) fail("a close cause has no name");
  Data& data = *connection.data<Data>();
  if (data.dice.chance(20)) act(data.dice, data.publisher, connection);
}

Response StormServer::page(const Request& request) {
  record().called(Call::kHttpHandler);
  Dice dice(seed_ + hook_seed_.fetch_add(1));
  if (dice.chance(2)) throw std::runtime_error("of the HTTP handler");
  Publisher publisher;
  if (dice.chance(30)) act(dice, publisher, {});
  return Response{200,
                  "text/plain",
                  std::string(request.body()),
                  {{"X-Method", std::string(request.method())}}};
}

void StormServer::later(const Request& request, const Responder& responder) {
  record().called(Call::kDeferred);
  Dice dice(seed_ + hook_seed_.fetch_add(1));
  if (dice.chance(10)) {
    record().called(Call::kNoResponse);
    return;
  }
  if (dice.chance(20)) {
    record().called(Call::kRespond);
    responder.respond(Response{200, "text/plain", std::string(request.body()), {}});
    return;
  }
  const std::lock_guard lock(mutex_);
  waiting_.push_back(responder);
}

// The threads of the application

void StormServer::begin() {
  constexpr int kCallers = 3;
  for (std::uint64_t i = 0; i < kCallers; ++i) {
    threads_.emplace_back([this, i] { call_often(seed_ + 1'000 + i); });
  }
  threads_.emplace_back([this] { respond_later(seed_ + 2'000); });
  threads_.emplace_back([this] { watch(); });
  threads_.emplace_back([this] { fork_often(seed_ + 3'000); });
}

void StormServer::call_often(std::uint64_t seed) {
  Dice dice(seed);
  Publisher publisher;
  while (!over_.load()) {
    for (std::uint64_t i = dice.below(30); i != 0; --i) {
      act(dice, publisher, {});
      if (dice.chance(5)) act_on_server(dice);
      if (dice.chance(5)) act_on_reactor(dice);
    }
    // A pace that leaves the clients some of the machine. Nothing depends on it.
    std::this_thread::sleep_for(std::chrono::microseconds(dice.below(3'000)));
  }
}

void StormServer::respond_later(std::uint64_t seed) {
  Dice dice(seed);
  for (bool last = false; !last;) {
    last = over_.load();
    std::vector<Responder> taken;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(waiting_);
    }
    for (const Responder& each : taken) {
      if (dice.chance(10)) {
        record().called(Call::kNoResponse);
        continue;  // the last copy goes with `taken`
      }
      record().called(Call::kRespond);
      each.respond(Response{200, "text/plain", "later", {}});
      if (!dice.chance(20)) continue;
      record().called(Call::kRespondTwice);
      each.respond(Response{200, "text/plain", "never", {}});
    }
    decide_some(dice, last);
    std::this_thread::sleep_for(std::chrono::milliseconds(dice.chance(3) ? 1'200 : 2));
  }
}

void StormServer::watch() {
  while (!over_.load()) {
    record().called(Call::kLiveness);
    static_cast<void>(server_.check_liveness());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// act() is called from handlers and from foreign threads alike.
void StormServer::act(Dice& dice, Publisher& publisher, const Connection& own) {
  const Connection target = own.id() != 0 && dice.chance(50) ? own : any_connection(dice);
  switch (dice.below(4)) {
    case 0:
      act_on_connection(dice, publisher, target);
      break;
    case 3:
      act_as_application(dice, target);
      break;
    case 1:
      act_on_room(dice, publisher, target);
      break;
    default:
      publish(dice, publisher, dice.chance(30) ? kAllRoom : any_room(dice));
      break;
  }
}

void StormServer::act_on_connection(Dice& dice, Publisher& publisher, const Connection& target) {
  if (dice.chance(2)) {
    record().called(Call::kClose);
    target.close(dice.chance(50) ? CloseCode::kNormalClosure : CloseCode{4'000}, "of the storm");
    return;
  }
  if (dice.chance(20)) {
    // On another thread than the connection's, these have no effect.
    record().called(Call::kProperties);
    std::size_t size = target.user().size() + target.remote().size() + target.path().size() +
                       target.subprotocol().size() + target.queued_bytes() + target.room().size();
    for (const std::string_view room : target.rooms()) size += room.size();
    if (size > 100'000'000) fail("properties of a connection are impossible");
    return;
  }
  record().called(Call::kSend);
  const std::string text = publisher.to_connection();
  switch (dice.below(3)) {
    case 0:
      target.send_text(text);
      break;
    case 1:
      target.send_binary(text);
      break;
    default:
      target.send(Message{MessageType::kText, text});
      break;
  }
}

void StormServer::act_on_room(Dice& dice, Publisher& publisher, const Connection& target) {
  static_cast<void>(publisher);
  const std::string room = any_room(dice);
  const Hub hub = server_.hub();
  switch (dice.below(6)) {
    case 0:
      record().called(Call::kJoin);
      target.join(room);
      break;
    case 1: {
      record().called(Call::kJoinSince);
      const Position position{dice.next() >> 16U, dice.below(50)};
      target.join(room, dice.chance(50) ? Since::last(5) : Since::after(position));
      break;
    }
    case 2:
      record().called(Call::kLeave);
      target.leave(room);
      break;
    case 3:
      record().called(Call::kHubJoin);
      hub.join(target, room);
      break;
    case 4:
      record().called(Call::kHubLeave);
      hub.leave(target, room);
      break;
    default:
      record().called(Call::kQuery);
      static_cast<void>(hub.query(room, [](const RoomState&) { record().called(Call::kState); }));
      break;
  }
}

void StormServer::publish(Dice& dice, Publisher& publisher, const std::string& room) {
  const Hub hub = server_.hub();
  const std::string text = publisher.to_room(room);
  SendResult result;
  if (dice.chance(50)) {
    record().called(Call::kPublish);
    result = hub.publish(room, Message{MessageType::kText, text});
  } else {
    record().called(Call::kPublishReceipt);
    result = hub.publish(room, MessageType::kBinary, text,
                         [this, room](const Position& position) { check_receipt(room, position); });
  }
  if (result == SendResult::kSent) publisher.sent(room);
  // A drain takes messages to its end, and a stop refuses them.
  const bool refused = result == SendResult::kClosed && ending_.load();
  if (result != SendResult::kSent && result != SendResult::kCongested && !refused) {
    fail("publish() has returned %d", static_cast<int>(result));
  }
}

void StormServer::check_receipt(const std::string& room, const Position& position) {
  record().called(Call::kReceipt);
  if (position == Position{}) return;
  Position& last = receipts_.find(room)->second.last;
  const bool later = position.epoch == last.epoch ? position.seq > last.seq : true;
  if (!later) fail("a receipt of room %s comes after one of a later message", room.c_str());
  last = position;
}

// Looks at the smallest of the large rooms, and sometimes empties or closes it.
void StormServer::act_as_operator(Dice& dice) {
  record().called(Call::kRooms);
  const auto rooms = server_.rooms(10);
  if (rooms.rows.empty()) return;
  ConnectionFilter filter;
  filter.room = rooms.rows.back().name;
  record().called(Call::kFindConnections);
  const ConnectionPage page = server_.find_connections(filter, 0, 10);
  if (page.rows.size() > 10) fail("find_connections() has more rows than asked for");
  if (dice.chance(50)) {
    record().called(Call::kRemoveMessages);
    static_cast<void>(server_.remove_message(*filter.room, {1, dice.below(9)}));
    static_cast<void>(server_.clear_history(*filter.room));
  }
  if (!dice.chance(20)) return;
  record().called(Call::kCloseRoom);
  server_.close_room(*filter.room, CloseCode::kPolicyViolation, "closed by the storm");
}

void StormServer::act_on_server(Dice& dice) {
  switch (dice.below(7)) {
    case 0:
      record().called(Call::kAddresses);
      if (server_.addresses().size() != 2) fail("the addresses have changed");
      break;
    case 1: {
      record().called(Call::kStats);
      const ServerStats stats = server_.stats();
      if (stats.reactors != 4) fail("stats() knows %u reactors", stats.reactors);
      static_cast<void>(server_.connection_count() + server_.forced_closes());
      static_cast<void>(server_.draining());
      break;
    }
    case 2: {
      record().called(Call::kConnections);
      const auto order = static_cast<ConnectionOrder>(dice.below(3));
      const auto limit = static_cast<std::uint32_t>(dice.below(40));
      const auto listing = server_.connections({order, limit});
      if (listing.rows.size() > limit) fail("connections() has more rows than asked for");
      if (listing.rows.empty() || !dice.chance(20)) break;
      record().called(Call::kCloseConnection);
      server_.close_connection(listing.rows.front().id, CloseCode::kGoingAway, "listed");
      break;
    }
    case 3:
      act_as_operator(dice);
      break;
    case 4:
      record().called(Call::kLog);
      server_.log(LogLevel::kInfo, "storm", "a line");
      break;
    case 5:
      record().called(Call::kLateRoute);
      try {
        server_.route("/late", {});
        fail("route() after start() says success");
      } catch (const std::logic_error&) {
        break;
      }
    default:
      record().called(Call::kLateListen);
      if (server_.listen("127.0.0.1:0").empty()) fail("listen() after start() says success");
      break;
  }
}

void StormServer::remember(const Connection& connection, Dice& dice) {
  const std::lock_guard lock(mutex_);
  if (known_.size() < kKnown) {
    known_.push_back(connection);
  } else {
    known_[dice.below(known_.size())] = connection;
  }
}

Connection StormServer::any_connection(Dice& dice) {
  const std::lock_guard lock(mutex_);
  return known_.empty() ? Connection() : known_[dice.below(known_.size())];
}

// While the threads of the application still call the server, so that the calls meet its end.
void StormServer::end(bool drain) {
  record().called(drain ? Call::kDrain : Call::kStop);
  ending_.store(true);
  if (drain) {
    server_.drain();
    server_.wait();
  } else {
    server_.stop();
  }
  over_.store(true);
  for (std::thread& each : threads_) each.join();
  threads_.clear();
  if (server_.connection_count() != 0) fail("%zu connections are left", server_.connection_count());
  if (opens_.load() != closes_.load()) {
    fail("%lu connections were opened and %lu closed", opens_.load(), closes_.load());
  }
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    undecided_.clear();
    timers_.clear();
  }
}

// A verdict that comes during the end may wait in the mail of a reactor that has ended.
void StormServer::check_nothing_left() {
  if (live_data.load() != 0) fail("the data of %ld connections is left", live_data.load());
}

}  // namespace wsd::storm
