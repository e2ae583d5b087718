#include "engine/redis_link.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"
#include "engine/redis_handshake.h"
#include "engine/resp_writer.h"
#include "engine/room_key.h"

namespace wsd::engine {

namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr std::uint64_t kBeatMs = 1'000;
constexpr std::size_t kMostKeptForCommands = std::size_t{256} << 10;
// A reply has one text, or a page, and the bytes around it.
constexpr std::size_t kPageBytes = std::size_t{512} << 10;

[[nodiscard]] RespReader::Limits limits_of(const LinkSettings& settings) noexcept {
  RespReader::Limits limits;
  limits.bytes = most_text_bytes(settings) + kPageBytes;
  return limits;
}

// Returns a key that no room has, because room_key() encodes the percent sign.
[[nodiscard]] std::string probe_key(const LinkSettings& settings) {
  return settings.prefix + "{%probe}";
}

// Returns such a key in this slot.
[[nodiscard]] std::string probe_key(const LinkSettings& settings, std::uint16_t slot) {
  for (std::uint64_t number = 0;; ++number) {
    std::string key = settings.prefix + "{%probe" + std::to_string(number) + "}";
    if (slot_of_key(key) == slot) return key;
  }
}

// Returns whether a node of a cluster refuses SSUBSCRIBE or SUNSUBSCRIBE because of its slot.
// Valkey answers NOSUB to SUNSUBSCRIBE when it has ended the last subscription of the connection
// itself.
[[nodiscard]] bool is_refused_subscription(RespValue reply) noexcept {
  if (reply.front().type != RespType::kError) return false;
  return is_about_slot(reply.front().text) || error_code(reply.front().text) == "NOSUB";
}

void append_bulk(std::string& out, std::string_view text) {
  out += '$';
  out += std::string_view{Decimal{text.size()}};
  out += "\r\n";
  out += text;
  out += "\r\n";
}

}  // namespace

RedisLink::RedisLink(const LinkSettings& settings, const FormerLink& former, Network& network,
                     const Endpoint& to, LinkOwner& owner, std::uint64_t now_ms)
    : settings_(settings),
      endpoint_(to),
      owner_(owner),
      handshake_(std::make_unique<RedisHandshake>(settings, former)),
      wire_(network.connect(to, *this)),
      reader_(limits_of(settings)),
      now_ms_(now_ms),
      start_ms_(now_ms),
      quiet_since_ms_(now_ms) {}

RedisLink::~RedisLink() {
  if (over_ != nullptr) *over_ = true;
}

const LinkUp& RedisLink::server() const noexcept { return handshake_->up(); }

std::size_t RedisLink::unsent() const noexcept { return wire_ ? wire_->unsent() : 0; }

std::uint64_t RedisLink::precise_us() const noexcept {
  return settings_.now_us != nullptr ? settings_.now_us() : now_ms_ * 1'000;
}

// --- The end

void RedisLink::end(const LinkDown& down) noexcept {
  if (state_ == State::kEnded) return;
  state_ = State::kEnded;
  if (over_ != nullptr) *over_ = true;
  over_ = nullptr;
  wire_.reset();
  expected_.clear();
  owner_.link_down(*this, down);  // may destroy the link
}

void RedisLink::end(std::string_view why, bool for_good) noexcept {
  LinkDown down;
  down.for_good = for_good;
  try {
    down.why = why;
  } catch (const std::bad_alloc&) {
    // The end is reported without its reason.
  }
  end(down);
}

void RedisLink::ended(std::string_view why) {
  try {
    const bool connects = state_ == State::kConnecting;
    end((connects ? "Cannot connect to " : "Lost the connection to ") + endpoint_.text() + ": " +
            printable(why, settings_.password),
        false);
  } catch (const std::bad_alloc&) {
    end("out of memory", false);
  }
}

// --- Time

std::uint64_t RedisLink::deadline() const noexcept {
  if (state_ == State::kEnded) return kNever;
  if (state_ != State::kUp) return start_ms_ + settings_.timeout_ms;
  std::uint64_t next = kNever;
  if (!beats_) next = next_beat_ms_;
  if (reading_ && !expected_.empty()) {
    next = std::min(next, quiet_since_ms_ + settings_.timeout_ms);
  }
  return next;
}

void RedisLink::on_time() {
  if (now_ms_ < deadline()) return;
  try {
    const bool silent =
        reading_ && !expected_.empty() && now_ms_ >= quiet_since_ms_ + settings_.timeout_ms;
    if (state_ == State::kUp && !silent) return beat();
    const std::string after = " within " + std::to_string(settings_.timeout_ms) + " ms";
    if (state_ == State::kConnecting) {
      return end("No connection to " + endpoint_.text() + after, false);
    }
    end((state_ == State::kUp ? "No answer" : "No answer to the handshake") + after, false);
  } catch (const std::bad_alloc&) {
    end("out of memory", false);
  }
}

void RedisLink::beat() {
  if (beats_ || now_ms_ < next_beat_ms_) return;
  if (settings_.cluster) ask(Kind::kState, {"CLUSTER", "INFO"});
  ask(Kind::kBeat, {"INFO", "replication"});
  beats_ = true;
  next_beat_ms_ = now_ms_ + kBeatMs;
  beat_us_ = precise_us();
}

void RedisLink::took_beat() {
  beats_ = false;
  const std::uint64_t now_us = precise_us();
  owner_.link_beat(*this, now_us > beat_us_ ? now_us - beat_us_ : 0);
}

void RedisLink::set_reading(bool reading) noexcept {
  if (reading_ == reading || !wire_) return;
  reading_ = reading;
  if (reading) quiet_since_ms_ = now_ms_;
  wire_->set_reading(reading);
}

// --- Sending

// Sends out_, which is one command.
void RedisLink::queue(const Expected& expected) {
  if (expected_.empty()) quiet_since_ms_ = now_ms_;
  expected_.push_back(expected);
  try {
    wire_->send(out_);
  } catch (...) {
    expected_.pop_back();
    throw;
  }
  if (out_.capacity() > kMostKeptForCommands) std::string{}.swap(out_);
}

void RedisLink::ask(Kind kind, Words words, std::uint32_t number) {
  out_.clear();
  append_command(out_, words);
  queue({{}, kind, number});
}

void RedisLink::send(const RequestTag& tag, Words words) {
  if (!wire_) return;
  out_.clear();
  append_command(out_, words);
  queue({tag, Kind::kRequest, 0});
}

// In a cluster, a server also ends subscriptions by itself. Without a fence, such a push could be
// taken for that of a SUNSUBSCRIBE, and an error of this SUNSUBSCRIBE for the next reply.
void RedisLink::send_unanswered(Words words) {
  if (!wire_) return;
  WSD_DCHECK(words.size() > 1);
  const auto channels = static_cast<std::uint32_t>(words.size() - 1);
  if (!settings_.cluster) return ask(Kind::kSubscription, words, channels);
  WSD_DCHECK(channels == 1);
  const bool begins = *words.begin() == "SSUBSCRIBE";
  subscriptions_.push_back({begins, std::string(*(words.begin() + 1))});
  try {
    ask(Kind::kSubscription, words, channels);
  } catch (...) {
    subscriptions_.pop_back();
    throw;
  }
  if (begins) return;
  try {
    ask(Kind::kFence, {"TIME"});
  } catch (const std::bad_alloc&) {
    end("out of memory", false);  // the command without its fence was sent
  }
}

void RedisLink::append_script_call(Script script, Words keys, Words words) {
  out_.clear();
  out_ += '*';
  out_ += std::string_view{Decimal{words.size() + keys.size() + 3}};
  out_ += "\r\n$7\r\nEVALSHA\r\n";
  append_bulk(out_, sha_[static_cast<std::size_t>(script)]);
  append_bulk(out_, Decimal{keys.size()});
  for (const std::string_view key : keys) append_bulk(out_, key);
  for (const std::string_view word : words) append_bulk(out_, word);
}

void RedisLink::send_script(const RequestTag& tag, Script script, Words keys, Words words) {
  if (!wire_) return;
  append_script_call(script, keys, words);
  queue({tag, Kind::kRequest, 0});
}

void RedisLink::reload_scripts() {
  if (!wire_ || scripts_to_load_ > 0) return;
  try {
    load_scripts();
  } catch (const std::bad_alloc&) {
    // Some of the commands may have been sent, and their replies would be taken for those of the
    // next attempt.
    end("out of memory", false);
  }
}

void RedisLink::load_scripts() {
  scripts_to_load_ = kScripts;
  for (std::uint32_t i = 0; i < kScripts; ++i) {
    ask(Kind::kScript, {"SCRIPT", "LOAD", source_of(static_cast<Script>(i))}, i);
  }
}

// --- The handshake

void RedisLink::connected() {
  if (state_ != State::kConnecting) return;
  state_ = State::kAsking;
  try {
    out_.clear();
    append_hello(out_, settings_);
    queue({{}, Kind::kHello, 0});
    ask(Kind::kReplication, {"INFO", "replication"});
    ask(Kind::kMemory, {"INFO", "memory"});
    ask(Kind::kTime, {"TIME"});
    ask(Kind::kBufferLimits, {"CONFIG", "GET", "client-output-buffer-limit"});
    if (settings_.cluster) {
      ask(Kind::kState, {"CLUSTER", "INFO"});
      ask(Kind::kNodes, {"CLUSTER", "NODES"});
    }
    load_scripts();
  } catch (const std::bad_alloc&) {
    end("out of memory", false);
  }
}

// Sends the commands that depend on the answers so far, and proves that the user has all rights: a
// right that is missing later could leave half of a batch behind.
void RedisLink::prove_rights() {
  state_ = State::kProving;
  for (const std::uint64_t id : handshake_->ids_to_kill()) {
    ask(Kind::kKill, {"CLIENT", "KILL", "ID", Decimal{id}});
  }
  const std::string key =
      settings_.cluster ? probe_key(settings_, handshake_->slot()) : probe_key(settings_);
  append_script_call(Script::kProbe, {key}, {});
  queue({{}, Kind::kProbe, 0});
  send_unanswered({"SSUBSCRIBE", key});
  send_unanswered({"SUNSUBSCRIBE", key});
}

// After a step of the handshake.
void RedisLink::go_on() {
  if (!expected_.empty()) return;
  if (state_ == State::kAsking) return prove_rights();
  if (state_ != State::kProving) return;
  state_ = State::kUp;
  next_beat_ms_ = now_ms_ + kBeatMs;
  owner_.link_up(*this, handshake_->up());
}

// Returns false if the link must end, as handshake_->down() says.
bool RedisLink::judge(const Expected& expected, RespValue reply) {
  switch (expected.kind) {
    case Kind::kHello:
      return handshake_->hello(reply);
    case Kind::kReplication:
      return handshake_->replication(reply);
    case Kind::kMemory:
      return handshake_->memory(reply);
    case Kind::kTime:
      return handshake_->time(reply, now_ms_);
    case Kind::kBufferLimits:
      return handshake_->buffer_limits(reply);
    case Kind::kScript:
      return handshake_->script(reply, sha_[expected.number]);
    case Kind::kKill:
      return handshake_->killed(reply);
    case Kind::kProbe:
      return handshake_->probed(reply);
    case Kind::kBeat:
      return handshake_->beat(reply);
    case Kind::kState:
      return handshake_->cluster_state(reply);
    case Kind::kNodes:
      // Each attempt chooses another slot, because a slot may be under way to another master.
      return handshake_->cluster_nodes(reply, endpoint_, now_ms_);
    case Kind::kSubscription:
      return handshake_->refused("SSUBSCRIBE", reply);
    case Kind::kFence:
      return reply.front().type != RespType::kError || handshake_->refused("TIME", reply);
    case Kind::kRequest:
      break;
  }
  return true;
}

// --- Receiving

void RedisLink::received(std::string_view bytes) {
  bool over = false;
  over_ = &over;
  quiet_since_ms_ = now_ms_;
  try {
    take(bytes, over);
  } catch (const std::bad_alloc&) {
    if (!over) end("out of memory", false);
    return;
  }
  if (!over) over_ = nullptr;
}

// `over` becomes true when the link has ended, and may be destroyed.
void RedisLink::take(std::string_view bytes, const bool& over) {
  reader_.take(bytes);
  while (!over) {
    switch (reader_.next()) {
      case RespReader::Result::kMore:
        return;
      case RespReader::Result::kBroken:
        return end("The server breaks the protocol: " + std::string{reader_.error()}, false);
      case RespReader::Result::kValue:
        break;
    }
    const RespValue value = reader_.value();
    if (value.front().type == RespType::kPush) {
      take_push(value);
    } else {
      take_reply(value);
    }
  }
}

void RedisLink::take_push(RespValue push) {
  const RespValue kind = child(push, 0);
  const std::string_view name = kind.empty() ? std::string_view{} : kind.front().text;
  if (name != "smessage") {
    if (name != "ssubscribe" && name != "sunsubscribe") {
      return end("The server sent an unknown push: " + printable(name, settings_.password), false);
    }
    if (is_awaited(name, push) && --expected_.front().number == 0) {
      expected_.pop_front();
      if (settings_.cluster) subscriptions_.pop_front();
    }
  }
  if (state_ == State::kUp) return owner_.link_pushed(*this, push);
  go_on();
}

// Returns whether the push takes the place of the next reply.
bool RedisLink::is_awaited(std::string_view name, RespValue push) const noexcept {
  if (expected_.empty() || expected_.front().kind != Kind::kSubscription) return false;
  if (!settings_.cluster) return true;
  const Subscription& awaited = subscriptions_.front();
  const RespValue channel = child(push, 1);
  return awaited.begins == (name == "ssubscribe") && !channel.empty() &&
         channel.front().text == awaited.channel;
}

// The owner learns that the server does not serve the channel, as if a subscription had ended.
void RedisLink::take_refused_subscription() {
  expected_.pop_front();
  const std::string channel = std::move(subscriptions_.front().channel);
  subscriptions_.pop_front();
  std::array<RespNode, 3> push;
  push[0].type = RespType::kPush;
  push[0].count = 2;
  push[0].nodes = 3;
  push[1].type = RespType::kBulk;
  push[1].text = "sunsubscribe";
  push[2].type = RespType::kBulk;
  push[2].text = channel;
  owner_.link_pushed(*this, push);
}

void RedisLink::take_reply(RespValue reply) {
  if (expected_.empty()) return end("The server sent a reply without a request", false);
  if (settings_.cluster && state_ == State::kUp && is_refused_subscription(reply)) {
    if (expected_.front().kind == Kind::kSubscription) return take_refused_subscription();
    // An error of the SUNSUBSCRIBE before, whose push seemed to have come.
    if (expected_.front().kind == Kind::kFence) return;
  }
  const Expected expected = expected_.front();
  expected_.pop_front();
  if (expected.kind != Kind::kRequest) return take_own(expected, reply);
  if (reply.front().type != RespType::kError || !ends_link(reply.front().text, settings_.cluster)) {
    return owner_.link_replied(*this, expected.tag, reply);
  }
  const std::string why =
      "The server is not available: " + printable(reply.front().text, settings_.password);
  owner_.link_replied(*this, expected.tag, reply);
  end(why, false);
}

void RedisLink::take_own(const Expected& expected, RespValue reply) {
  if (!judge(expected, reply)) {
    const LinkDown down = handshake_->down();  // outlives the link
    return end(down);
  }
  if (expected.kind == Kind::kBeat) return took_beat();
  if (expected.kind == Kind::kScript) {
    const bool last = --scripts_to_load_ == 0;
    if (last && state_ == State::kUp) return owner_.link_scripts_loaded(*this);
  }
  if (state_ != State::kUp) go_on();
}

}  // namespace wsd::engine
