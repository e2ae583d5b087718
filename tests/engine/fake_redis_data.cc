// The commands of FakeRedis on strings and streams.
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "engine/fake_redis.h"

namespace wsd::engine {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

FakeReply bulk(std::string_view text) { return FakeReply::bulk(text); }
FakeReply wrong_type() {
  return FakeReply::error("WRONGTYPE Operation against a key holding the wrong kind of value");
}
FakeReply invalid_id() {
  return FakeReply::error("ERR Invalid stream ID specified as stream command argument");
}
FakeReply syntax() { return FakeReply::error("ERR syntax error"); }
FakeReply not_a_number() { return FakeReply::error("ERR value is not an integer or out of range"); }

std::optional<std::int64_t> integer(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

FakeReply entry_reply(const FakeStreamEntry& entry) {
  std::vector<FakeReply> fields;
  for (const std::string& each : entry.fields) fields.push_back(bulk(each));
  return FakeReply::array({bulk(entry.id.text()), FakeReply::array(std::move(fields))});
}

}  // namespace

// The options of XADD and XTRIM that say what is removed.
struct FakeRedis::Trim {
  enum class By : std::uint8_t { kNothing, kLength, kId };
  By by = By::kNothing;
  bool approximate = false;
  std::size_t length = 0;
  FakeStreamId least;
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  bool has_limit = false;

  // Reads one option at `at`. Returns false if there is none there.
  bool read(const Words& words, std::size_t& at, FakeReply& error) {
    const std::string option = fake_lower(words[at]);
    if (option == "limit" && at + 1 < words.size()) {
      const std::optional<std::int64_t> number = integer(words[at + 1]);
      has_limit = true;
      if (!number) {
        error = not_a_number();
      } else if (*number < 0) {
        error = FakeReply::error("ERR The LIMIT argument must be >= 0.");
      } else if (*number != 0) {
        limit = static_cast<std::size_t>(*number);
      }
      at += 2;
      return true;
    }
    if ((option != "maxlen" && option != "minid") || at + 1 >= words.size()) return false;
    if (by != By::kNothing) {
      error = FakeReply::error(
          "ERR syntax error, MAXLEN and MINID options at the same time are "
          "not compatible");
      return true;
    }
    ++at;
    if (at + 1 < words.size() && (words[at] == "~" || words[at] == "=")) {
      approximate = words[at] == "~";
      ++at;
    }
    if (option == "maxlen") {
      by = By::kLength;
      const std::optional<std::int64_t> number = integer(words[at]);
      if (!number) error = not_a_number();
      if (number && *number < 0) {
        error = FakeReply::error("ERR The MAXLEN argument must be >= 0.");
      }
      length = static_cast<std::size_t>(number.value_or(0));
    } else {
      by = By::kId;
      const std::optional<FakeStreamId> id = FakeStreamId::parse(words[at], 0);
      if (!id) error = invalid_id();
      least = id.value_or(FakeStreamId{});
    }
    ++at;
    return true;
  }

  [[nodiscard]] FakeReply check() const {
    if (!has_limit || approximate) return {};
    return FakeReply::error("ERR syntax error, LIMIT cannot be used without the special ~ option");
  }
};

std::size_t FakeRedis::apply(const Trim& trim, FakeStream& stream) const {
  std::size_t limit = trim.limit;
  if (trim.approximate && trim.by != Trim::By::kNothing) {
    FakeStream copy = stream;
    const std::size_t all = trim.by == Trim::By::kLength ? copy.trim_to(trim.length, limit)
                                                         : copy.trim_below(trim.least, limit);
    limit = all / faults.entries_per_node * faults.entries_per_node;
  }
  switch (trim.by) {
    case Trim::By::kNothing:
      return 0;
    case Trim::By::kLength:
      return stream.trim_to(trim.length, limit);
    case Trim::By::kId:
      return stream.trim_below(trim.least, limit);
  }
  return 0;
}

// Returns the value of a key, or nullptr. Removes it first if it has expired.
FakeValue* FakeRedis::find(std::string_view key) {
  const auto found = data_.find(key);
  if (found == data_.end()) return nullptr;
  if (found->second.expires_ms != 0 && found->second.expires_ms <= time_us_ / 1'000) {
    data_.erase(found);
    return nullptr;
  }
  return &found->second;
}

FakeReply FakeRedis::set(Client& /*client*/, const Words& words) {
  const bool expires = words.size() == 5 && fake_lower(words[3]) == "px";
  if (words.size() != 3 && !expires) return syntax();
  FakeValue value;
  value.string = words[2];
  if (expires) {
    const std::optional<std::int64_t> ms = integer(words[4]);
    if (!ms) return not_a_number();
    value.expires_ms = time_us_ / 1'000 + static_cast<std::uint64_t>(*ms);
  }
  data_[words[1]] = std::move(value);
  return FakeReply::ok();
}

FakeReply FakeRedis::get(Client& /*client*/, const Words& words) {
  const FakeValue* const value = find(words[1]);
  if (value == nullptr) return FakeReply::null();
  return value->is_stream ? wrong_type() : bulk(value->string);
}

FakeReply FakeRedis::del(Client& /*client*/, const Words& words) {
  std::int64_t count = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (find(words[i]) == nullptr) continue;
    data_.erase(words[i]);
    ++count;
  }
  return FakeReply::of(count);
}

FakeReply FakeRedis::exists(Client& /*client*/, const Words& words) {
  return FakeReply::of(std::count_if(words.begin() + 1, words.end(),
                                     [this](const auto& each) { return find(each) != nullptr; }));
}

FakeReply FakeRedis::type(Client& /*client*/, const Words& words) {
  const FakeValue* const value = find(words[1]);
  if (value == nullptr) return FakeReply::status("none");
  return FakeReply::status(value->is_stream ? "stream" : "string");
}

FakeReply FakeRedis::pexpire(Client& /*client*/, const Words& words) {
  if (words.size() > 3) return FakeReply::error("ERR Unsupported option " + words[3]);
  const std::optional<std::int64_t> ms = integer(words[2]);
  if (!ms) return not_a_number();
  FakeValue* const value = find(words[1]);
  if (value == nullptr) return FakeReply::of(0);
  if (*ms <= 0) {
    data_.erase(words[1]);
  } else {
    value->expires_ms = time_us_ / 1'000 + static_cast<std::uint64_t>(*ms);
  }
  return FakeReply::of(1);
}

FakeReply FakeRedis::pttl(Client& /*client*/, const Words& words) {
  const FakeValue* const value = find(words[1]);
  if (value == nullptr) return FakeReply::of(-2);
  if (value->expires_ms == 0) return FakeReply::of(-1);
  return FakeReply::of(static_cast<std::int64_t>(value->expires_ms - time_us_ / 1'000));
}

FakeReply FakeRedis::xadd(Client& /*client*/, const Words& words) {
  Trim trim;
  bool makes = true;
  std::size_t at = 2;
  for (FakeReply error; at < words.size();) {
    if (fake_lower(words[at]) == "nomkstream") {
      makes = false;
      ++at;
    } else if (!trim.read(words, at, error)) {
      break;
    }
    if (error.is_error()) return error;
  }
  if (at >= words.size()) return syntax();
  const FakeReply bad_trim = trim.check();
  if (bad_trim.is_error()) return bad_trim;
  const std::string& id_text = words[at];
  const bool counts_up = id_text.size() > 2 && id_text.ends_with("-*");
  std::optional<FakeStreamId> id;
  if (id_text != "*") {
    id = FakeStreamId::parse(
        counts_up ? std::string_view(id_text).substr(0, id_text.size() - 2) : id_text, 0);
    if (!id) return invalid_id();
  }
  const Words fields(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
  if (fields.empty() || fields.size() % 2 != 0) {
    return FakeReply::error("ERR wrong number of arguments for 'xadd' command");
  }
  if (id && !counts_up && *id == FakeStreamId{}) {
    return FakeReply::error("ERR The ID specified in XADD must be greater than 0-0");
  }
  FakeValue* value = find(words[1]);
  if (value != nullptr && !value->is_stream) return wrong_type();
  if (value == nullptr && !makes) return FakeReply::null();
  const FakeStreamId last = value == nullptr ? FakeStreamId{} : value->stream.last_id;
  if (last == FakeStreamId{kMost, kMost}) {
    return FakeReply::error(
        "ERR The stream has exhausted the last possible ID, unable to add more items");
  }
  if (!id) {
    const std::uint64_t now = time_us_ / 1'000;
    id = now > last.ms ? FakeStreamId{now, 0} : FakeStreamId{last.ms, last.seq + 1};
  } else if (counts_up && id->ms == last.ms) {
    id->seq = last.seq == kMost ? 0 : last.seq + 1;
  }
  if (*id <= last) {
    return FakeReply::error(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item");
  }
  if (value == nullptr) {
    value = &data_[words[1]];
    value->is_stream = true;
  }
  value->stream.add(*id, fields);
  static_cast<void>(apply(trim, value->stream));
  return bulk(id->text());
}

FakeReply FakeRedis::xtrim(Client& /*client*/, const Words& words) {
  Trim trim;
  FakeReply error;
  for (std::size_t at = 2; at < words.size();) {
    if (!trim.read(words, at, error)) return syntax();
    if (error.is_error()) return error;
  }
  if (trim.by == Trim::By::kNothing) {
    return FakeReply::error("ERR syntax error, XTRIM must be called with MAXLEN or MINID");
  }
  error = trim.check();
  if (error.is_error()) return error;
  FakeValue* const value = find(words[1]);
  if (value == nullptr) return FakeReply::of(0);
  if (!value->is_stream) return wrong_type();
  return FakeReply::of(static_cast<std::int64_t>(apply(trim, value->stream)));
}

FakeReply FakeRedis::xdel(Client& /*client*/, const Words& words) {
  FakeValue* const value = find(words[1]);
  if (value == nullptr) return FakeReply::of(0);
  if (!value->is_stream) return wrong_type();
  std::vector<FakeStreamId> ids;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::optional<FakeStreamId> id = FakeStreamId::parse(words[i], 0);
    if (!id) return invalid_id();
    ids.push_back(*id);
  }
  return FakeReply::of(std::ranges::count_if(
      ids, [value](const FakeStreamId& id) { return value->stream.remove(id); }));
}

FakeReply FakeRedis::xlen(Client& /*client*/, const Words& words) {
  const FakeValue* const value = find(words[1]);
  if (value == nullptr) return FakeReply::of(0);
  if (!value->is_stream) return wrong_type();
  return FakeReply::of(static_cast<std::int64_t>(value->stream.size()));
}

FakeReply FakeRedis::xsetid(Client& /*client*/, const Words& words) {
  if (words.size() > 3) return syntax();
  const std::optional<FakeStreamId> id = FakeStreamId::parse(words[2], 0);
  if (!id) return invalid_id();
  FakeValue* const value = find(words[1]);
  if (value == nullptr) return FakeReply::error("ERR no such key");
  if (!value->is_stream) return wrong_type();
  FakeStream& stream = value->stream;
  if (stream.size() != 0 && *id < stream.entries().back().id) {
    return FakeReply::error(
        "ERR The ID specified in XSETID is smaller than the target stream top item");
  }
  stream.last_id = *id;
  return FakeReply::ok();
}

FakeReply FakeRedis::xinfo(Client& /*client*/, const Words& words) {
  if (fake_lower(words[1]) != "stream" || words.size() != 3) {
    return FakeReply::error("ERR the fake knows XINFO STREAM KEY only");
  }
  const FakeValue* const value = find(words[2]);
  if (value == nullptr) return FakeReply::error("ERR no such key");
  if (!value->is_stream) return wrong_type();
  const FakeStream& stream = value->stream;
  const bool empty = stream.size() == 0;
  const auto number = [](std::uint64_t each) {
    return FakeReply::of(static_cast<std::int64_t>(each));
  };
  // The layout of the radix tree is not the fake's: its two numbers are wrong.
  return FakeReply::map({bulk("length"),
                         number(stream.size()),
                         bulk("radix-tree-keys"),
                         number(stream.size()),
                         bulk("radix-tree-nodes"),
                         number(stream.size() + 1),
                         bulk("last-generated-id"),
                         bulk(stream.last_id.text()),
                         bulk("max-deleted-entry-id"),
                         bulk(stream.max_deleted_id.text()),
                         bulk("entries-added"),
                         number(stream.added),
                         bulk("recorded-first-entry-id"),
                         bulk(empty ? FakeStreamId{}.text() : stream.entries().front().id.text()),
                         bulk("groups"),
                         FakeReply::of(0),
                         bulk("first-entry"),
                         empty ? FakeReply::null() : entry_reply(stream.entries().front()),
                         bulk("last-entry"),
                         empty ? FakeReply::null() : entry_reply(stream.entries().back())});
}

FakeReply FakeRedis::xrange(Client& /*client*/, const Words& words) {
  return range(words, fake_lower(words[0]) == "xrevrange");
}

FakeReply FakeRedis::range(const Words& words, bool newest_first) {
  const auto bound = [](std::string_view text, bool lowest, FakeReply& error) {
    FakeStreamId id;
    if (text == "-") return id;
    if (text == "+") return FakeStreamId{kMost, kMost};
    const bool excluded = text.starts_with('(');
    if (excluded) text.remove_prefix(1);
    const std::optional<FakeStreamId> read = FakeStreamId::parse(text, lowest ? 0 : kMost);
    if (!read) {
      error = invalid_id();
      return id;
    }
    id = *read;
    if (!excluded) return id;
    if (lowest) {
      if (id == FakeStreamId{kMost, kMost})
        error = FakeReply::error("ERR invalid start ID for the interval");
      if (++id.seq == 0) ++id.ms;
    } else {
      if (id == FakeStreamId{}) error = FakeReply::error("ERR invalid end ID for the interval");
      if (id.seq-- == 0) --id.ms;
    }
    return id;
  };
  FakeReply error;
  const FakeStreamId from = bound(words[newest_first ? 3 : 2], true, error);
  if (error.is_error()) return error;
  const FakeStreamId to = bound(words[newest_first ? 2 : 3], false, error);
  if (error.is_error()) return error;
  std::size_t most = std::numeric_limits<std::size_t>::max();
  if (words.size() > 4) {
    if (words.size() != 6 || fake_lower(words[4]) != "count") return syntax();
    const std::optional<std::int64_t> count = integer(words[5]);
    if (!count) return not_a_number();
    most = static_cast<std::size_t>(std::max<std::int64_t>(*count, 0));
  }
  const FakeValue* const value = find(words[1]);
  if (value == nullptr) return FakeReply::array();
  if (!value->is_stream) return wrong_type();
  if (most == 0) return FakeReply::null();
  std::vector<FakeReply> found;
  const std::vector<FakeStreamEntry>& entries = value->stream.entries();
  for (std::size_t i = 0; i < entries.size() && found.size() < most; ++i) {
    const FakeStreamEntry& each = entries[newest_first ? entries.size() - 1 - i : i];
    if (each.id >= from && each.id <= to) found.push_back(entry_reply(each));
  }
  return FakeReply::array(std::move(found));
}

}  // namespace wsd::engine
