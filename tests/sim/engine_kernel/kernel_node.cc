#include "sim/engine_kernel/kernel_node.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "net/address.h"
#include "net/connection.h"
#include "net/message_encoder.h"
#include "net/page_or_upgrade.h"
#include "protocol/frame_writer.h"
#include "sim/allocation_faults.h"
#include "sim/broken.h"
#include "sim/random_words.h"

namespace wsd::sim {
namespace {

SharedBytes text_frame(std::string_view text) {
  return protocol::make_frame(protocol::Opcode::kText, as_bytes(text));
}

// The parts of a request's path.
struct Wish {
  std::string room;
  Since since;
};

Wish wish_of(std::string_view path) {
  Wish wish;
  const std::size_t end = std::min(path.find('/', 1), path.size());
  wish.room = path.substr(1, end - 1);
  const std::string_view rest = path.substr(end);
  if (rest.starts_with("/after/")) {
    const std::optional<Position> position = parse_position(rest.substr(7));
    WSD_ASSERT(position.has_value());
    wish.since = Since::after(*position);
  } else if (rest.starts_with("/last/")) {
    std::uint32_t count = 0;
    std::from_chars(rest.data() + 6, rest.data() + rest.size(), count);
    wish.since = Since::last(count);
  }
  return wish;
}

// Every fourth message has no receipt: the connection ends if it is refused.
bool has_receipt(std::uint64_t number) noexcept { return number % 4 != 0; }

}  // namespace

class KernelNode::Receipt final : public hub::RoomStateCallback {
 public:
  Receipt(KernelNode& node, std::uint64_t number) : node_(node), number_(number) {}
  void run(const RoomState& state) noexcept override {
    const AllocationFaults::Off off;
    node_.unanswered_.erase(number_);
    node_.oracle_.answered(number_, state.last);
  }

 private:
  KernelNode& node_;
  std::uint64_t number_;
};

class KernelNode::Poke final : public hub::ShardTask {
 public:
  explicit Poke(EchoWire& wire) : wire_(wire) {}
  void run() override { wire_.act(); }

 private:
  EchoWire& wire_;
};

KernelNode::KernelNode(const KernelNodePlan& plan, std::uint32_t process, Random& random,
                       FarSide& far, EngineOracle& oracle)
    : process_(process),
      name_("node" + std::to_string(process)),
      plan_(plan),
      oracle_(oracle),
      reactors_(plan.reactors) {
  std::vector<hub::Waker*> wakers;
  for (FiberReactor& each : reactors_) wakers.push_back(each.reactor.get());
  hub_ = std::make_unique<hub::Hub>(wakers, plan.hub);
  net::ListenAddress address;
  WSD_ASSERT(
      net::parse_listen_address("127.0.0.1:" + std::to_string(10'000 + process), address).empty());
  WSD_ASSERT(listener_.open(address, plan.reactors, {}).empty());
  port_ = static_cast<std::uint16_t>(10'000 + process);
  for (std::uint32_t i = 0; i < plan.reactors; ++i) {
    net::Reactor& reactor = *reactors_[i].reactor;
    reactor.attach(plan.settings, hub_->shard(i), *this, counts_);
    WSD_ASSERT(reactor.listen(listener_));
  }
  // Each process has another name, as its random word decides.
  random_word() = kUsualWord + process;
  redis_ = std::make_unique<server::RedisSetup>(
      plan.options, [this](LogLevel, std::string_view event, std::uint32_t reactor,
                           std::string_view room, std::string_view text) {
        const AllocationFaults::Off off;
        oracle_.trace().note("%s.%u: %.*s %.*s: %.*s", name_.c_str(), reactor,
                             static_cast<int>(event.size()), event.data(),
                             static_cast<int>(room.size()), room.data(),
                             static_cast<int>(text.size()), text.data());
        plan_.report(event, text);
      });
  std::vector<std::unique_ptr<net::Reactor>> borrowed;
  for (FiberReactor& each : reactors_) borrowed.push_back(std::move(each.reactor));
  redis_->attach(*hub_, borrowed);
  random_word() = kUsualWord;
  for (std::uint32_t i = 0; i < plan.reactors; ++i) {
    reactors_[i].reactor = std::move(borrowed[i]);
    wires_.push_back(std::make_unique<EchoWire>(reactors_[i].reactor->engine_port(), random, far));
    reactors_[i].reactor->expect_to_run();
  }
  for (FiberReactor& each : reactors_) each.start();
}

// In the order of ServerCore.
KernelNode::~KernelNode() {
  redis_->stop();
  wires_.clear();
  for (FiberReactor& each : reactors_) each.reactor.reset();
  listener_.close();
}

bool KernelNode::ended() const {
  return std::ranges::all_of(reactors_,
                             [](const FiberReactor& each) { return each.fiber.ended(); });
}

bool KernelNode::publish(const std::string& room, std::uint64_t number, std::size_t bytes) {
  const SendResult result = hub_->publish(room, text_frame(EngineOracle::text_of(number, bytes)),
                                          std::make_unique<Receipt>(*this, number));
  if (result == SendResult::kSent) unanswered_.insert(number);
  return result == SendResult::kSent;
}

void KernelNode::poke_wire(std::uint32_t reactor) {
  hub_->shard(reactor).post(
      hub::mail_of(hub::ShardTaskMail{std::make_unique<Poke>(*wires_[reactor])}));
}

void KernelNode::calm_wires() noexcept {
  for (const auto& each : wires_) each->calm_down();
}

bool KernelNode::is_quiet() const {
  const EngineFigures figures = redis_->figures();
  if (!figures.up || figures.unready_ms != 0 || figures.rooms_opening != 0 ||
      figures.rooms_lost != 0 || figures.in_flight != 0) {
    return false;
  }
  for (std::uint32_t i = 0; i < hub_->shard_count(); ++i) {
    if (hub_->shard(i).has_pending()) return false;
  }
  return true;
}

std::string KernelNode::state() const {
  const EngineFigures figures = redis_->figures();
  return " " + name_ + (figures.up ? " up" : " down") + ", unready " +
         std::to_string(figures.unready_ms) + " ms, opening " +
         std::to_string(figures.rooms_opening) + ", live " + std::to_string(figures.rooms_live) +
         ", lost " + std::to_string(figures.rooms_lost) + ", in flight " +
         std::to_string(figures.in_flight) + ";";
}

void KernelNode::check_wires() const {
  for (const auto& each : wires_) each->check_at_rest();
}

void KernelNode::check_at_rest() const {
  for (const std::uint64_t each : unanswered_) {
    broken("m%lu has got no receipt at %s", each, name_.c_str());
  }
  for (const auto& [id, number] : without_receipt_) {
    if (!oracle_.has_place(number)) {
      broken("m%lu has no place, and its connection has not ended", number);
    }
  }
}

// net::Application

net::RequestResult KernelNode::on_request(net::Connection& connection,
                                          const protocol::HttpRequest& request) {
  net::RequestResult result = net::page_or_upgrade(connection, request, "");
  result.encoding = net::kNchanEncoding;
  return result;
}

void KernelNode::on_open(net::Connection& connection) {
  const Wish wish = wish_of(connection.peer_info().path());
  heed(net::Reactor::current()->shard().join(connection, wish.room, wish.since));
}

void KernelNode::heed(hub::PublishOutcome outcome) {
  if (outcome == hub::PublishOutcome::kCongested) net::Reactor::current()->pause_publisher();
}

void KernelNode::on_message(net::Connection& connection, const Message& message) {
  net::Reactor& reactor = *net::Reactor::current();
  if (reactor.find(connection.id()) != &connection) broken("a handler runs on a foreign reactor");
  const std::uint64_t number = number_of_text(message.payload);
  const Wish wish = wish_of(connection.peer_info().path());
  SharedBytes frame = text_frame(message.payload);
  if (!frame) throw std::bad_alloc();
  const ConnectionId id = connection.id();
  if (!has_receipt(number)) {
    heed(reactor.shard().publish(wish.room, std::move(frame), nullptr, id));
    const AllocationFaults::Off off;
    without_receipt_[id] = number;
    return;
  }
  heed(reactor.shard().publish(wish.room, std::move(frame),
                               std::make_unique<Receipt>(*this, number)));
  const AllocationFaults::Off off;
  if (!oracle_.has_answer(number)) unanswered_.insert(number);
}

void KernelNode::on_close(net::Connection& connection, const CloseInfo& /*info*/) {
  without_receipt_.erase(connection.id());
}

void KernelNode::on_end(const net::EndRecord& record) {
  const AllocationFaults::Off off;
  oracle_.trace().note("%s: the connection of %s ends: %s", name_.c_str(),
                       std::string(record.peer_info->remote()).c_str(),
                       std::string(close_cause_name(record.close.cause)).c_str());
}

void KernelNode::on_warning(const char* event, const std::string& /*text*/) {
  oracle_.trace().note("%s: %s", name_.c_str(), event);
}

}  // namespace wsd::sim
