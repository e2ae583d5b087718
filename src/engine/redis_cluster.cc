#include "engine/redis_cluster.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/in_quotes.h"
#include "engine/redis_handshake.h"
#include "engine/resp_writer.h"

namespace wsd::engine {
namespace {

// One line for each node, and a few bytes for each slot.
constexpr RespReader::Limits kLimits{std::size_t{2} << 20, 1'024, 8};

bool is_error(RespValue reply) noexcept { return reply.front().type == RespType::kError; }

}  // namespace

RedisCluster::RedisCluster(const EngineUrl& url, const LinkSettings& settings, Network& network,
                           ClusterOwner& owner)
    : seeds_(url.endpoints),
      settings_(settings),
      network_(network),
      owner_(owner),
      reader_(kLimits) {}

RedisCluster::~RedisCluster() = default;

void RedisCluster::on_time() {
  if (now_ < due_) return;
  if (state_ != State::kWaiting) return leave("did not answer within one second");
  connect();
}

void RedisCluster::ask_again() noexcept {
  if (state_ != State::kWaiting) {
    again_ = true;
  } else if (!silent_) {
    due_ = std::min(due_, std::max(now_, asked_ms_ + kLeastMs));
  }
}

// The masters that serve slots, and then the nodes of the URL.
std::vector<Endpoint> RedisCluster::nodes() const {
  std::vector<Endpoint> nodes;
  for (const SlotMaster& master : table_.masters()) {
    if (master.serves) nodes.push_back(master.at);
  }
  for (const Endpoint& seed : seeds_) {
    if (std::find(nodes.begin(), nodes.end(), seed) == nodes.end()) nodes.push_back(seed);
  }
  return nodes;
}

void RedisCluster::connect() noexcept {
  silent_ = false;
  again_ = false;
  asked_ms_ = now_;
  due_ = now_ + kAnswerMs;
  state_ = State::kHello;
  try {
    const std::vector<Endpoint> all = nodes();
    known_ = all.size();
    const auto before = std::find(all.begin(), all.end(), asked_);
    const bool from_the_front = before == all.end() || before + 1 == all.end();
    asked_ = from_the_front ? all.front() : *(before + 1);
    reader_ = RespReader(kLimits);
    handshake_ = std::make_unique<RedisHandshake>(settings_, FormerLink{});
    wire_ = network_.connect(asked_, *this);
    send_questions();
  } catch (const std::bad_alloc&) {
    leave("cannot be asked: out of memory");
  }
}

void RedisCluster::send_questions() {
  std::string commands;
  append_hello(commands, settings_);
  append_command(commands, {"CLUSTER", "INFO"});
  append_command(commands, {"CLUSTER", "NODES"});
  wire_->send(commands);
}

void RedisCluster::received(std::string_view bytes) {
  try {
    reader_.take(bytes);
    for (;;) {
      switch (reader_.next()) {
        case RespReader::Result::kMore:
          return;
        case RespReader::Result::kBroken:
          return leave("broke the protocol: " + std::string(reader_.error()));
        case RespReader::Result::kValue:
          if (!take(reader_.value())) return;
      }
    }
  } catch (const std::bad_alloc&) {
    leave("cannot be read: out of memory");
  }
}

void RedisCluster::ended(std::string_view why) {
  leave(why.empty() ? "ended the connection" : why);
}

bool RedisCluster::take(RespValue reply) {
  switch (state_) {
    case State::kWaiting:
      return false;
    case State::kHello:
      state_ = State::kInfo;
      if (handshake_->hello(reply)) return true;
      break;
    case State::kInfo:
      state_ = State::kNodes;
      if (handshake_->cluster_state(reply)) return true;
      break;
    case State::kNodes:
      if (!is_error(reply) && reply.front().is_text()) {
        took_nodes(reply.front().text);
        return false;
      }
      static_cast<void>(handshake_->refused("CLUSTER NODES", reply));
      break;
  }
  leave(handshake_->down());
  return false;
}

void RedisCluster::took_nodes(std::string_view text) {
  SlotTable view;
  const std::string error = SlotTable::parse(text, asked_, view);
  if (!error.empty()) return leave(error);
  untold_ = table_.learn(view, now_) || untold_;
  wire_.reset();
  state_ = State::kWaiting;
  begin_round();
  due_ = now_ + (again_ ? kLeastMs : kPeriodMs);
  if (!untold_) return;
  try {
    owner_.slots_found(table_);
    untold_ = false;
  } catch (const std::bad_alloc&) {
    // The next answer tells the owner again.
    due_ = now_ + kLeastMs;
  }
}

void RedisCluster::leave(std::string_view why) noexcept {
  std::string sentence;
  try {
    sentence = "The node " + asked_.text() + " " + std::string(why);
  } catch (const std::bad_alloc&) {
    // The report has no reason.
  }
  next_node(std::move(sentence), false);
}

void RedisCluster::leave(const LinkDown& refusal) noexcept {
  std::string sentence;
  try {
    sentence = refusal.why + " (" + asked_.text() + ")";
  } catch (const std::bad_alloc&) {
    // The report has no reason.
  }
  next_node(std::move(sentence), refusal.for_good);
}

void RedisCluster::next_node(std::string sentence, bool for_good) noexcept {
  wire_.reset();
  state_ = State::kWaiting;
  due_ = now_;
  ++failed_;
  if (for_good) ++refused_;
  (for_good ? refusal_ : failure_) = std::move(sentence);
  if (failed_ < known_) return;
  LinkDown down;
  down.for_good = refused_ == failed_;
  // A refusal for good explains more than a node that does not answer.
  down.why = std::move(refusal_.empty() ? failure_ : refusal_);
  begin_round();
  silent_ = true;
  due_ = now_ + kSilenceMs;
  owner_.cluster_silent(down);
}

void RedisCluster::begin_round() noexcept {
  failed_ = 0;
  refused_ = 0;
  refusal_.clear();
  failure_.clear();
}

}  // namespace wsd::engine
