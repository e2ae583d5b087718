#include "sim/engine/engine_oracle.h"

#include <algorithm>
#include <cstdlib>

#include "engine/batch_text.h"

namespace wsd::sim {
namespace {

std::string place_text(const Position& at) { return position_text(at); }

}  // namespace

std::uint64_t number_of_text(std::string_view text) {
  if (text.empty() || text[0] != 'm') broken("a message has the text \"%.40s\"", text.data());
  return std::strtoull(std::string(text.substr(1, 20)).c_str(), nullptr, 10);
}

void RoomView::saw(std::string_view frame) {
  const auto position = [](std::string_view text) {
    const std::optional<Position> parsed = parse_position(text);
    if (!parsed) broken("a member has got the frame \"%.40s\"", text.data());
    return *parsed;
  };
  if (frame.starts_with("gap ")) return saw_gap(position(frame.substr(4)));
  if (frame.starts_with("at ")) {
    last_ = position(frame.substr(3));
    told_[last_.epoch] = last_.seq;
    return;
  }
  const std::size_t space = frame.find(' ');
  saw_message(position(frame.substr(0, space)), number_of_text(frame.substr(space + 1)));
}

void RoomView::saw_gap(const Position& at) {
  oracle_.trace().note("%s: gap up to %s", name_.c_str(), place_text(at).c_str());
  ++oracle_.gaps;
  if (!oracle_.settings().gaps_are_excused) {
    broken("%s was told a gap from %s to %s, though nothing was lost", name_.c_str(),
           place_text(last_).c_str(), place_text(at).c_str());
  }
  // A room that moves has a new epoch, and then goes on after its last message.
  if (oracle_.settings().nothing_is_lost && !told_.empty() && at.seq != last_.seq) {
    broken("%s was told a gap from %s to %s, though nothing was lost", name_.c_str(),
           place_text(last_).c_str(), place_text(at).c_str());
  }
  if (std::uint64_t& told = told_[at.epoch]; at.seq < told) {
    broken("%s was told of %lu:%lu, and then got a gap up to %s", name_.c_str(), at.epoch, told,
           place_text(at).c_str());
  } else {
    told = at.seq;
  }
  last_ = at;
}

void RoomView::saw_message(const Position& at, std::uint64_t number) {
  oracle_.trace().note("%s: m%lu at %s", name_.c_str(), number, place_text(at).c_str());
  if (last_.epoch != 0 && (at.epoch != last_.epoch || at.seq != last_.seq + 1)) {
    broken("%s got %s after %s, without a gap notice", name_.c_str(), place_text(at).c_str(),
           place_text(last_).c_str());
  }
  last_ = at;
  if (std::uint64_t& told = told_[at.epoch]; at.seq <= told) {
    broken("%s was told of %lu:%lu, and then got %s", name_.c_str(), at.epoch, told,
           place_text(at).c_str());
  } else {
    told = at.seq;
  }
  oracle_.delivered(room_, at, number);
  const auto [found, first_time] = seen_.try_emplace(number, oracle_.now());
  if (first_time) return;
  if (!oracle_.is_doubled(number)) {
    broken("%s got the message m%lu twice", name_.c_str(), number);
  }
  // A message that stands in two epochs is left out for a while.
  if (!oracle_.is_keyed(number) &&
      oracle_.now() - found->second < oracle_.settings().engine_timeout_ms) {
    broken("%s got the message m%lu of two epochs within %lu ms", name_.c_str(), number,
           oracle_.now() - found->second);
  }
  ++oracle_.doubled;
}

std::uint64_t EngineOracle::publishes(std::size_t room, std::uint64_t publisher) {
  messages_.push_back({room, publisher, changes_, false, false, {}, {}});
  return messages_.size() - 1;
}

std::string EngineOracle::text_of(std::uint64_t number, std::size_t bytes) {
  std::string text = "m" + std::to_string(number);
  if (text.size() < bytes) text += ':' + std::string(bytes - text.size(), 'x');
  return text;
}

void EngineOracle::answered(std::uint64_t number, const Position& at) {
  Message& message = messages_[number];
  trace_.note("m%lu: the receipt says %s", number,
              at == kRefusedPosition   ? "refused"
              : at == kUnknownPosition ? "unknown"
                                       : place_text(at).c_str());
  trace_.count(3, number, at.seq);
  if (message.answered) broken("m%lu has got two receipts", number);
  message.answered = true;
  message.answer = at;
  if (at == kRefusedPosition) {
    ++refused;
    if (!message.places.empty()) {
      broken("m%lu was refused, but it has the place %s", number,
             place_text(message.places.front().at).c_str());
    }
  } else if (at == kUnknownPosition) {
    ++unknown;
  } else if (std::ranges::none_of(message.places,
                                  [&at](const Place& each) { return each.at == at; })) {
    broken("the receipt of m%lu says %s, where it was not placed", number, place_text(at).c_str());
  }
}

void EngineOracle::take_placed(std::size_t server, const engine::FakeRedis& redis,
                               const std::vector<std::string>& keys) {
  const std::vector<engine::FakePlaced>& all = redis.placed();
  for (std::size_t& next = taken_[server]; next < all.size(); ++next) {
    const engine::FakePlaced& each = all[next];
    const auto room = std::ranges::find(keys, each.key);
    if (room == keys.end()) continue;
    engine::BatchReader batch;
    if (!batch.begin(each.text) || batch.head().count != each.count) {
      broken("a batch at %s has a wrong text", each.id.text().c_str());
    }
    for (std::uint64_t i = 0; i < each.count; ++i) {
      const std::uint64_t number = number_of_text(batch.next().payload);
      place(static_cast<std::size_t>(room - keys.begin()),
            {{each.id.ms, each.id.seq + i}, server, each.replid}, number);
      if (messages_[number].keyed) check_once(redis, each.key, number);
    }
  }
}

void EngineOracle::place(std::size_t room, const Place& place, std::uint64_t number) {
  if (number >= messages_.size()) broken("m%lu was placed, but never published", number);
  trace_.count(1, number, place.at.seq);
  Message& message = messages_[number];
  trace_.note("server %zu: m%lu of room %zu has the place %s", place.server, number, room,
              place_text(place.at).c_str());
  if (message.room != room) broken("m%lu was placed in another room", number);
  if (message.answered && message.answer == kRefusedPosition) {
    broken("m%lu was refused, and later placed at %s", number, place_text(place.at).c_str());
  }
  if (message.keyed) {
    place_keyed(message, room, place, number);
    return;
  }
  // When another server serves the room, a message without an answer is sent to it, too. One server
  // has it twice only if the key was deleted between, so that the first place was lost.
  bool was_lost = false;
  for (const Place& each : message.places) {
    was_lost = was_lost || (each.deleted && message.changes != changes_);
    if (settings_.nothing_is_lost || (each.replid == place.replid && !was_lost)) {
      broken("m%lu was placed twice, at %s and %s", number, place_text(each.at).c_str(),
             place_text(place.at).c_str());
    }
  }
  name(room, place.at, number);
  const bool is_one = settings_.nothing_is_lost;
  std::uint64_t& before =
      last_[{is_one ? 0 : place.server, is_one ? "" : place.replid, room, message.publisher}];
  if (before > number && !was_lost) {
    broken("m%lu was placed after m%lu of the same publisher", number, before);
  }
  before = std::max(before, number);
  message.places.push_back(place);
}

std::uint64_t EngineOracle::publishes_once(std::size_t room) {
  messages_.push_back({room, 0, changes_, false, true, {}, {}});
  return messages_.size() - 1;
}

// A failed attempt says nothing of the others.
void EngineOracle::answered_once(std::uint64_t number, const Position& at) {
  Message& message = messages_[number];
  trace_.note("m%lu: a receipt with a key says %s", number, place_text(at).c_str());
  if (at == kKeyUsedPosition) broken("another message has the key of m%lu", number);
  if (at == kRefusedPosition || at == kUnknownPosition) return;
  const auto place = std::ranges::find(message.places, at, &Place::at);
  if (place == message.places.end()) {
    broken("a receipt of m%lu says %s, where it was not placed", number, place_text(at).c_str());
  }
  if (message.answer == at) ++repeated;
  message.answer = at;
}

// It has no order with others, because any node may publish it much later. A second place is
// possible only after the server has lost the first one, and check_once() looks at that.
void EngineOracle::place_keyed(Message& message, std::size_t room, const Place& place,
                               std::uint64_t number) {
  name(room, place.at, number);
  const bool is_safe = settings_.nothing_is_lost || !settings_.gaps_are_excused;
  if (is_safe && !message.places.empty()) {
    broken("m%lu was placed twice, though it has a key and nothing was lost", number);
  }
  message.places.push_back(place);
}

// The stream must not have a message twice that was published with one key.
void EngineOracle::check_once(const engine::FakeRedis& redis, const std::string& key,
                              std::uint64_t number) {
  const auto found = redis.data().find(key);
  if (found == redis.data().end()) return;
  std::size_t times = 0;
  for (const engine::FakeStreamEntry& each : found->second.stream.entries()) {
    engine::BatchReader batch;
    if (each.fields.size() < 2 || !batch.begin(each.fields[1])) continue;
    for (std::uint32_t i = 0; i < batch.head().count; ++i) {
      if (number_of_text(batch.next().payload) == number) ++times;
    }
  }
  if (times > 1) broken("m%lu was placed again, though it has a key", number);
}

void EngineOracle::deleted(std::size_t room, std::string_view replid) {
  for (Message& message : messages_) {
    if (message.room != room) continue;
    for (Place& each : message.places) each.deleted = each.deleted || each.replid == replid;
  }
}

void EngineOracle::name(std::size_t room, const Position& at, std::uint64_t number) {
  const auto [found, is_new] = names_.try_emplace({room, at.epoch, at.seq}, number);
  if (found->second != number) {
    broken("the place %s of room %zu names m%lu and m%lu", place_text(at).c_str(), room,
           found->second, number);
  }
}

// A message of an earlier epoch may be told under the name of a later one. The place is then its
// own all the same.
void EngineOracle::delivered(std::size_t room, const Position& at, std::uint64_t number) {
  ++deliveries;
  trace_.count(2, number, at.seq);
  if (number >= messages_.size()) broken("m%lu was delivered, but never published", number);
  const Message& message = messages_[number];
  if (message.room != room) broken("m%lu was delivered in another room", number);
  if (std::ranges::none_of(message.places,
                           [&at](const Place& each) { return each.at.seq == at.seq; })) {
    broken("m%lu was delivered at %s, where it was not placed", number, place_text(at).c_str());
  }
  name(room, at, number);
}

bool EngineOracle::is_doubled(std::uint64_t number) const noexcept {
  return messages_[number].places.size() > 1;
}

void EngineOracle::check_is_placed(std::uint64_t number) const {
  const Message& message = messages_[number];
  if (!message.answered) broken("m%lu has no receipt at rest", number);
  if (message.answer == kRefusedPosition || message.answer == kUnknownPosition) {
    broken("m%lu has failed, though there was no fault", number);
  }
}

void EngineOracle::check_at_end() const {
  for (const Message& each : messages_) {
    if (each.answered && each.answer == kRefusedPosition && !each.places.empty()) {
      broken("a refused message has a place");
    }
  }
}

}  // namespace wsd::sim
