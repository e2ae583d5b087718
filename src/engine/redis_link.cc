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
// A reply has one message, or a page, and the bytes around it. A node with a greater limit may have
// published the message, or this node before its limit was lowered, and each link would end at it.
constexpr std::size_t kLeastMessageLimit = std::size_t{64} << 20;
constexpr std::size_t kPageBytes = std::size_t{512} << 10;

[[nodiscard]] RespReader::Limits limits_of(const LinkSettings& settings) noexcept {
  RespReader::Limits limits;
  limits.bytes = std::max(settings.max_message_bytes, kLeastMessageLimit) + kPageBytes;
  return limits;
}

// Returns a key that no room has, because room_key() encodes the percent sign.
[[nodiscard]] std::string probe_key(const LinkSettings& settings) {
  return settings.prefix + "{%probe}";
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

void RedisLink::send_unanswered(Words words) {
  if (!wire_) return;
  WSD_DCHECK(words.size() > 1);
  ask(Kind::kSubscription, words, static_cast<std::uint32_t>(words.size() - 1));
}

void RedisLink::append_script_call(Script script, std::string_view key, Words words) {
  out_.clear();
  out_ += '*';
  out_ += std::string_view{Decimal{words.size() + 4}};
  out_ += "\r\n$7\r\nEVALSHA\r\n";
  append_bulk(out_, sha_[static_cast<std::size_t>(script)]);
  out_ += "$1\r\n1\r\n";
  append_bulk(out_, key);
  for (const std::string_view word : words) append_bulk(out_, word);
}

void RedisLink::send_script(const RequestTag& tag, Script script, std::string_view key,
                            Words words) {
  if (!wire_) return;
  append_script_call(script, key, words);
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
  const std::string_view name = settings_.user;
  const std::string_view user = name.empty() ? std::string_view{"default"} : name;
  const bool authenticates = !settings_.user.empty() || !settings_.password.empty();
  try {
    if (authenticates) {
      ask(Kind::kHello,
          {"HELLO", "3", "AUTH", user, settings_.password, "SETNAME", settings_.client_name});
    } else {
      ask(Kind::kHello, {"HELLO", "3", "SETNAME", settings_.client_name});
    }
    ask(Kind::kReplication, {"INFO", "replication"});
    ask(Kind::kMemory, {"INFO", "memory"});
    ask(Kind::kTime, {"TIME"});
    ask(Kind::kBufferLimits, {"CONFIG", "GET", "client-output-buffer-limit"});
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
  const std::string key = probe_key(settings_);
  append_script_call(Script::kProbe, key, {});
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
    case Kind::kSubscription:
      return handshake_->refused("SSUBSCRIBE", reply);
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
    // A server also ends subscriptions by itself.
    if (!expected_.empty() && expected_.front().kind == Kind::kSubscription &&
        --expected_.front().number == 0) {
      expected_.pop_front();
    }
  }
  if (state_ == State::kUp) return owner_.link_pushed(*this, push);
  go_on();
}

void RedisLink::take_reply(RespValue reply) {
  if (expected_.empty()) return end("The server sent a reply without a request", false);
  const Expected expected = expected_.front();
  expected_.pop_front();
  if (expected.kind != Kind::kRequest) return take_own(expected, reply);
  if (reply.front().type == RespType::kError && ends_link(reply.front().text)) {
    return end("The server is not available: " + printable(reply.front().text, settings_.password),
               false);
  }
  owner_.link_replied(*this, expected.tag, reply);
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
