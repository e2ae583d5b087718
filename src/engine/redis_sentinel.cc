#include "engine/redis_sentinel.h"

#include <new>
#include <utility>

#include "base/in_quotes.h"
#include "base/ip_address.h"
#include "engine/resp_writer.h"

namespace wsd::engine {
namespace {

constexpr std::string_view kSwitchMaster = "+switch-master";
constexpr std::size_t kMostHostBytes = 253;
// An answer is short. HELLO's reply has a few fields.
constexpr RespReader::Limits kLimits{std::size_t{64} << 10, 1'024, 8};

std::string_view text_of(RespValue value) noexcept {
  return !value.empty() && value.front().is_text() ? value.front().text : std::string_view();
}

std::optional<Endpoint> endpoint_of(std::string_view host, std::string_view port) {
  const std::optional<std::uint16_t> number = parse_port(port);
  if (host.empty() || host.size() > kMostHostBytes || !number || *number == 0) return std::nullopt;
  return Endpoint{std::string(host), *number, {}};
}

// Takes a word off the front.
std::string_view take_word(std::string_view& text) noexcept {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  if (!text.empty()) text.remove_prefix(1);
  return word;
}

}  // namespace

RedisSentinel::RedisSentinel(const EngineUrl& url, Network& network, SentinelOwner& owner)
    : sentinels_(url.endpoints),
      master_name_(url.master),
      network_(network),
      owner_(owner),
      reader_(kLimits) {}

RedisSentinel::~RedisSentinel() = default;

void RedisSentinel::on_time() {
  if (now_ < due_) return;
  switch (state_) {
    case State::kWaiting:
      connect();
      break;
    case State::kAsking:
      leave("did not answer within one second");
      break;
    case State::kKnowing:
      try {
        ask();
      } catch (const std::bad_alloc&) {
        leave("cannot be asked: out of memory");
      }
      break;
  }
}

void RedisSentinel::ask_again() noexcept {
  if (state_ != State::kKnowing) return;
  // The question may not fit into memory, so that it is due in the next turn.
  due_ = now_;
}

// Sends all questions at once: in RESP3 a connection that listens may also ask.
void RedisSentinel::connect() noexcept {
  try {
    std::string commands;
    append_command(commands, {"HELLO", "3"});
    append_command(commands, {"SUBSCRIBE", kSwitchMaster});
    reader_ = RespReader(kLimits);
    greeted_ = false;
    wire_ = network_.connect(sentinels_[current_], *this);
    wire_->send(commands);
    ask();
  } catch (const std::bad_alloc&) {
    leave("cannot be asked: out of memory");
  }
}

void RedisSentinel::ask() {
  state_ = State::kAsking;
  due_ = now_ + kPeriodMs;
  std::string command;
  append_command(command, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_name_});
  wire_->send(command);
}

void RedisSentinel::received(std::string_view bytes) {
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

void RedisSentinel::ended(std::string_view why) {
  leave(why.empty() ? "ended the connection" : why);
}

bool RedisSentinel::take(RespValue value) {
  if (value.front().type == RespType::kPush) return take_push(value);
  if (value.front().type == RespType::kError) {
    leave("refused: " + in_quotes(value.front().text));
    return false;
  }
  if (greeted_) return take_reply(value);
  greeted_ = true;
  return true;
}

bool RedisSentinel::take_reply(RespValue reply) {
  if (reply.front().type == RespType::kNull) {
    leave("does not know a master named " + in_quotes(master_name_));
    return false;
  }
  std::optional<Endpoint> master = endpoint_of(text_of(child(reply, 0)), text_of(child(reply, 1)));
  if (!master) {
    leave("named a master without an address");
    return false;
  }
  state_ = State::kKnowing;
  due_ = now_ + kPeriodMs;
  failed_ = 0;
  found(std::move(*master));
  return true;
}

// "message", "+switch-master", "NAME OLD-HOST OLD-PORT HOST PORT". Other pushes confirm SUBSCRIBE.
bool RedisSentinel::take_push(RespValue push) {
  if (text_of(child(push, 0)) != "message" || text_of(child(push, 1)) != kSwitchMaster) return true;
  std::string_view text = text_of(child(push, 2));
  if (take_word(text) != master_name_) return true;
  take_word(text);
  take_word(text);
  const std::string_view host = take_word(text);
  std::optional<Endpoint> master = endpoint_of(host, text);
  if (master) found(std::move(*master));
  return true;
}

void RedisSentinel::found(Endpoint master) {
  if (master_ == master) return;
  master_ = std::move(master);
  try {
    owner_.master_found(*master_);
  } catch (const std::bad_alloc&) {
    // The next answer tells the owner again.
    master_.reset();
    throw;
  }
}

void RedisSentinel::leave(std::string_view why) noexcept {
  std::string sentence;
  try {
    sentence = "sentinel " + sentinels_[current_].text() + " " + std::string(why);
  } catch (const std::bad_alloc&) {
    sentence = "out of memory";
  }
  // `why` may belong to the wire, so the sentence is made before.
  wire_.reset();
  current_ = (current_ + 1) % sentinels_.size();
  state_ = State::kWaiting;
  if (++failed_ < sentinels_.size()) {
    due_ = now_;
    return;
  }
  failed_ = 0;
  due_ = now_ + kPeriodMs;
  owner_.sentinels_silent(sentence);
}

}  // namespace wsd::engine
