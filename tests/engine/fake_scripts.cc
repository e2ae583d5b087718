// What the scripts of src/engine/redis_scripts.cc do, written in C++ on the commands of FakeRedis.
// The test step `engine-contract` runs both on the same calls.
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <regex>
#include <utility>

#include "engine/fake_redis.h"

namespace wsd::engine {
namespace {

constexpr std::uint64_t kReplidSpan = std::uint64_t{1} << 20;
constexpr std::uint64_t kSeconds2024 = 1'704'067'200;

std::string sha1_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

std::uint64_t number(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); }

// Returns COUNT of a batch text, or "1" if the text has another form.
std::string count_in_head(const std::string& text) {
  static const std::regex head("^\\S+ \\S+ \\S+ ([0-9]+)\n");
  std::smatch found;
  const std::string start = text.substr(0, 96);
  return std::regex_search(start, found, head) ? found[1].str() : "1";
}

std::string id_text(std::uint64_t epoch, std::uint64_t seq) {
  return FakeStreamId{epoch, seq}.text();
}

// The reply of a script in which redis.call() has failed.
FakeReply failure_of_script(const FakeReply& error) {
  return FakeReply::error(error.text + " script: " + std::string(40, '0') + ", on @user_script:1.");
}

}  // namespace

FakeReply FakeRedis::script(Client& /*client*/, const Words& words) {
  const std::string what = fake_lower(words[1]);
  if (what == "flush") {
    scripts_.clear();
    return FakeReply::ok();
  }
  if (what == "exists" && words.size() > 2) {
    std::vector<FakeReply> found;
    for (std::size_t i = 2; i < words.size(); ++i) {
      found.push_back(FakeReply::of(scripts_.contains(fake_lower(words[i])) ? 1 : 0));
    }
    return FakeReply::array(std::move(found));
  }
  if (what != "load" || words.size() != 3) {
    return FakeReply::error("ERR unknown subcommand '" + words[1] + "'. Try SCRIPT HELP.");
  }
  const std::string& source = words[2];
  const auto has = [&source](std::string_view part) {
    return source.find(part) != std::string::npos;
  };
  ScriptKind kind = ScriptKind::kPage;
  if (has("NOMKSTREAM")) {
    kind = ScriptKind::kPublish;
  } else if (has("last-generated-id")) {
    kind = ScriptKind::kOpen;
  } else if (has("SPUBLISH")) {
    kind = ScriptKind::kProbe;
  } else if (!has("XREVRANGE")) {
    return FakeReply::error("ERR the fake does not know this script");
  }
  const std::string sha = sha1_of(source);
  scripts_[sha] = kind;
  return FakeReply::bulk(sha);
}

FakeReply FakeRedis::evalsha(Client& client, const Words& words) {
  const auto found = scripts_.find(fake_lower(words[1]));
  if (found == scripts_.end()) {
    ++calls_["evalsha unknown"];
    return FakeReply::error("NOSCRIPT No matching script. Please use EVAL.");
  }
  const std::size_t keys = number(words[2]);
  if (keys < 1 || keys > 2 || words.size() < 3 + keys) {
    return FakeReply::error("ERR Number of keys can't be greater than number of args");
  }
  const std::string once = keys == 2 ? words[4] : "";
  const Words args(words.begin() + 3 + static_cast<std::ptrdiff_t>(keys), words.end());
  in_script_ = true;
  script_has_written_ = false;
  FakeReply reply;
  switch (found->second) {
    case ScriptKind::kPublish:
      ++calls_["evalsha publish"];
      reply = publish(client, words[3], once, args);
      break;
    case ScriptKind::kOpen:
      ++calls_["evalsha open"];
      reply = open(client, words[3], args);
      break;
    case ScriptKind::kPage:
      ++calls_["evalsha page"];
      reply = page(client, words[3], args);
      break;
    case ScriptKind::kProbe:
      ++calls_["evalsha probe"];
      reply = probe(client, words[3]);
      break;
  }
  in_script_ = false;
  return reply;
}

FakeReply FakeRedis::script_call(Client& client, const Words& words) { return call(client, words); }

FakeReply FakeRedis::publish(Client& client, const std::string& key, const std::string& once,
                             const Words& args) {
  if (!once.empty()) {
    const FakeReply earlier = script_call(client, {"GET", once});
    if (earlier.is_error()) return failure_of_script(earlier);
    if (earlier.type != FakeReply::Type::kNull) {
      const std::size_t space = earlier.text.find(' ');
      if (earlier.text.substr(space + 1) == args[5]) {
        return FakeReply::array({FakeReply::bulk(earlier.text.substr(0, space))});
      }
      return FakeReply::error("KEYUSED another message has the key");
    }
  }
  const std::string& text = args[1];
  Words add = {"XADD", key, "NOMKSTREAM"};
  if (args.size() > 3 && !args[3].empty()) add.insert(add.end(), {"MINID", "~", args[3]});
  add.insert(add.end(), {args[0], "d", text});
  const FakeReply added = script_call(client, add);
  if (added.type == FakeReply::Type::kNull) {
    return FakeReply::error("EPOCH the room has no key");
  }
  if (added.is_error()) {
    if (added.text.find("equal or smaller") == std::string::npos) return added;
    return FakeReply::error("EPOCH the room has a later epoch");
  }
  const std::optional<FakeStreamId> id = FakeStreamId::parse(added.text, 0);
  if (id->seq == 0) {
    static_cast<void>(script_call(client, {"XSETID", key, id_text(id->ms + kReplidSpan, 1)}));
    static_cast<void>(script_call(client, {"XDEL", key, added.text}));
    return FakeReply::error("EPOCH the room had an earlier epoch");
  }
  const std::uint64_t count = args.size() > 2 ? number(args[2]) : 1;
  if (count != 1) {
    FakeReply set = script_call(client, {"XSETID", key, id_text(id->ms, id->seq + count - 1)});
    if (set.is_error()) {
      static_cast<void>(script_call(client, {"XDEL", key, added.text}));
      return set;
    }
  }
  if (!once.empty()) {
    FakeReply set = script_call(client, {"SET", once, added.text + " " + args[5], "PX", args[6]});
    if (set.is_error()) {
      static_cast<void>(script_call(client, {"XDEL", key, added.text}));
      return set;
    }
  }
  placed_.push_back({key, *id, count, text, replid_});
  if (args.size() > 4) static_cast<void>(script_call(client, {"PEXPIRE", key, args[4]}));
  const std::string announced =
      text.size() > 65'536 ? added.text + " !" + std::to_string(count) : added.text + " " + text;
  static_cast<void>(script_call(client, {"SPUBLISH", key, announced}));
  return added;
}

FakeReply FakeRedis::open(Client& client, const std::string& key, const Words& args) {
  const FakeStreamId seen{number(args[0]), number(args[1])};
  if (!client.channels.contains(key) && !client.taken.contains(key)) ++unsubscribed_opens_;
  const std::uint64_t bits = std::strtoull(replid_.substr(0, 5).c_str(), nullptr, 16);
  const FakeReply now = script_call(client, {"TIME"});
  if (now.is_error()) return now;
  const FakeReply replication = script_call(client, {"INFO", "replication"});
  if (replication.is_error()) return replication;
  if (!options_.has_replid || bits != number(args[3]) || !is_master_) {
    return FakeReply::error("REPLID the server is another one, or not a master");
  }
  FakeStreamId last;
  const FakeReply info = script_call(client, {"XINFO", "STREAM", key});
  const bool missing = info.is_error();
  if (missing && info.text.find("no such key") == std::string::npos) return info;
  FakeStreamId first;
  if (!missing) {
    const FakeStream& stream = find(key)->stream;
    last = stream.last_id;
    if (stream.size() != 0) first = stream.entries().front().id;
  }
  bool begun = false;
  if (missing || last.ms % kReplidSpan != bits || last.ms < seen.ms ||
      (last.ms == seen.ms && last.seq < seen.seq)) {
    const std::uint64_t us = time_us_ % 1'000'000;
    const std::uint64_t eighth = (time_us_ / 1'000'000 - kSeconds2024) * 8 + us / 125'000;
    const std::uint64_t after = std::max(last.ms, seen.ms) / kReplidSpan + 1;
    begun = true;
    last.ms = std::max(eighth, after) * kReplidSpan + bits;
    last.seq =
        missing ? std::max<std::uint64_t>(us % 125'000 * 8, 1) : std::max(last.seq, seen.seq);
    const FakeReply done =
        missing ? script_call(client, {"XADD", key, "MAXLEN", "=", "0", last.text(), "d", ""})
                : script_call(client, {"XSETID", key, last.text()});
    if (done.is_error()) return done;
  }
  static_cast<void>(script_call(client, {"PEXPIRE", key, args[2]}));
  return FakeReply::array(
      {FakeReply::bulk(std::to_string(last.ms)), FakeReply::of(static_cast<std::int64_t>(last.seq)),
       FakeReply::of(begun ? 1 : 0), now.items[0], now.items[1], FakeReply::bulk(first.text())});
}

FakeReply FakeRedis::page(Client& client, const std::string& key, const Words& args) {
  const bool newest = args[0] == "+";
  std::string at = args[1];
  const std::uint64_t most_bytes = number(args[2]);
  const std::uint64_t most = number(args[3]);
  const std::uint64_t most_text = number(args[4]);
  std::vector<FakeReply> page;
  std::uint64_t bytes = 0;
  std::uint64_t step = 1;
  while (page.size() / 2 < most && bytes < most_bytes) {
    const FakeReply got = script_call(client, {newest ? "XREVRANGE" : "XRANGE", key, at,
                                               newest ? "-" : "+", "COUNT", std::to_string(step)});
    if (got.is_error()) return failure_of_script(got);
    for (const FakeReply& each : got.items) {
      FakeReply text = each.items[1].items[1];
      if (text.text.size() > most_text) text.text = "!" + count_in_head(text.text);
      bytes += text.text.size();
      if (!page.empty() && bytes > most_bytes) return FakeReply::array(std::move(page));
      page.push_back(each.items[0]);
      page.push_back(text);
    }
    if (got.items.size() < step) {
      page.push_back(FakeReply::bulk("end"));
      break;
    }
    at = "(" + got.items.back().items[0].text;
    // As in the script: no more is read than about what fits.
    const std::uint64_t entries = page.size() / 2;
    const std::uint64_t space =
        bytes >= most_bytes ? 0
                            : (most_bytes - bytes) * entries / std::max<std::uint64_t>(bytes, 1);
    step = std::max<std::uint64_t>(1, std::min({std::uint64_t{16}, most - entries, space}));
  }
  return FakeReply::array(std::move(page));
}

// Returns the names of the commands that the user may not call.
FakeReply FakeRedis::probe(Client& client, const std::string& key) {
  std::vector<FakeReply> denied;
  const Words calls[] = {{"TIME"},
                         {"INFO", "replication"},
                         {"XADD", key, "MAXLEN", "=", "0", "*", "d", ""},
                         {"XINFO", "STREAM", key},
                         {"XSETID", key, "18446744073709551615-1"},
                         {"XDEL", key, "1-1"},
                         {"XRANGE", key, "-", "+", "COUNT", "1"},
                         {"XREVRANGE", key, "+", "-", "COUNT", "1"},
                         {"PEXPIRE", key, "1"},
                         {"GET", key},
                         {"SET", key, "", "PX", "1"},
                         {"SPUBLISH", key, ""}};
  for (const Words& words : calls) {
    const FakeReply reply = script_call(client, words);
    if (reply.is_error() && reply.text.find("can't run this command") != std::string::npos) {
      denied.push_back(FakeReply::bulk(words[0]));
    }
  }
  return FakeReply::array(std::move(denied));
}

}  // namespace wsd::engine
