// Holds the Redis in memory of the engine's tests (tests/engine/fake_redis.h) to a real server: the
// same random commands go to both, and both must answer with the same bytes.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "e2e/engine_contract_clients.h"
#include "engine/fake_redis.h"
#include "engine/redis_scripts.h"
#include "sim/random.h"
#include "support/redis_process.h"

namespace e2e {
namespace {

using wsd::engine::FakeRedis;
using wsd::engine::Script;

// Replaces what differs between two servers of the same behaviour.
std::string masked(std::string text) {
  static const std::array<std::pair<std::regex, const char*>, 7> rules = {{
      {std::regex("\\$6\r\nserver\r\n\\$[56]\r\n[a-z]+\r\n\\$7\r\nversion\r\n\\$[0-9]+\r\n[0-9.]+"),
       "server and version"},
      // The layout of a stream in memory.
      {std::regex("(radix-tree-(keys|nodes)\r\n):[0-9]+"), "$1:N"},
      // A missing right in a script, in Redis 7.0 and in all later versions and Valkey.
      {std::regex("The user executing the script can't run this command or subcommand|"
                  "ACL failure in script: User default has no permissions to run the '[^']+' "
                  "command"),
       "MISSING RIGHT"},
      {std::regex("(NOSCRIPT No matching script\\.) Please use EVAL\\."), "$1"},
      {std::regex("NOPERM (this user|User default) has no"), "NOPERM USER has no"},
      // Where a script has failed.
      {std::regex(" script: [0-9a-f]{40}, on @user_script:[0-9]+\\."), " SCRIPT"},
      {std::regex("\r\n\\$2\r\nid\r\n:[0-9]+"), "\r\nid:N"},
  }};
  for (const auto& [rule, by] : rules) text = std::regex_replace(text, rule, by);
  return text;
}

class Contract {
 public:
  explicit Contract(std::uint64_t seed)
      : random_(seed), real_({.more = {"--stream-node-max-entries", "1"}}) {
    for (int i = 0; i < 2; ++i) {
      real_clients_.push_back(std::make_unique<RealClient>(real_.socket()));
      fake_clients_.push_back(std::make_unique<FakeClient>(fake_));
    }
    learn_replid();
    const bool is_valkey = !real_.info("server", "valkey_version").empty();
    const std::string version = real_.version();
    static_cast<void>(std::printf("engine-contract: the server is %s %s\n",
                                  is_valkey ? "Valkey" : "Redis", version.c_str()));
    fake_.set_version(version);
    fake_.faults.pushes_after_reply = std::strtod(version.c_str(), nullptr) >= 7.2;
    fake_.faults.unsubscribe_needs_one = is_valkey && std::strtod(version.c_str(), nullptr) >= 8;
    for (std::size_t i = 0; i < 2; ++i) same(i, {"HELLO", "3"});
    load_scripts();
  }

  // Sends one random command to both. Returns whether the answers are equal.
  bool go_on() {
    const std::size_t client = random_.below(8) == 0 ? 1 : 0;
    return same(client, random_command());
  }

 private:
  std::string any(std::initializer_list<const char*> of) {
    return of.begin()[random_.below(of.size())];
  }
  std::string number(std::uint64_t most) { return std::to_string(random_.below(most + 1)); }
  std::string key() { return any({"w:{a}", "w:{a}", "w:{a}", "w:{b}", "w:{c}"}); }
  std::string id() {
    // The greatest part of what is asked is near the epoch of the room.
    const std::string epoch = random_.chance(70) ? epoch_ : number(5);
    switch (random_.below(12)) {
      case 0:
        return epoch;
      case 1:
        return epoch + "-*";
      case 2:
        return "*";
      case 3:
        return any({"-", "+", "x", "1-x", "0-0", "1-"});
      case 4:
        return "(" + epoch + "-" + number(40);
      default:
        return epoch + "-" +
               std::to_string(std::max<std::uint64_t>(seq_, 4) + random_.below(9) - 4);
    }
  }

  Words random_command() {
    if (random_.chance(50)) return script_command();
    switch (random_.below(20)) {
      case 0:
        return {any({"PING", "ECHO", "TIME", "NOTHING"}), "x"};
      case 1:
        return {"SET", key(), number(9)};
      case 2:
        return {any({"GET", "TYPE", "XLEN", "PTTL"}), key()};
      case 3:
        return {"DEL", key()};
      case 4:
        return {any({"SSUBSCRIBE", "SUNSUBSCRIBE"}), key()};
      case 5:
        return {"SPUBLISH", key(), number(999)};
      case 6:
      case 7:
        return {"XADD", key(), id(), "d", number(999)};
      case 8:
        return {"XADD", key(), "NOMKSTREAM", any({"MINID", "MAXLEN"}), any({"~", "="}), id(),
                id(),   "d",   number(999)};
      case 9:
        return {"XTRIM", key(), any({"MINID", "MAXLEN"}), any({"~", "="}), id()};
      case 10:
        return {"XTRIM", key(), "MAXLEN", any({"~", "=", "~"}), number(20), "LIMIT", number(3)};
      case 11:
        return {"XDEL", key(), id(), id()};
      case 12:
        return {"XSETID", key(), id()};
      case 13:
        return {"XINFO", "STREAM", key()};
      case 14:
        return {"XRANGE", key(), any({"-", id().c_str()}), any({"+", id().c_str()})};
      case 15:
        return {any({"XRANGE", "XREVRANGE"}), key(), id(), id(), "COUNT", number(5)};
      case 16:
        return {"PEXPIRE", key(), any({"100000000", "0", "x"})};
      case 17:
        return state_command();
      case 18:
        return {any({"CLIENT", "ACL", "SCRIPT", "CONFIG"}), any({"NOTHING", "WHOAMI", "GETNAME"})};
      default:
        return {"CLIENT", any({"SETNAME", "KILL"}), any({"name", "a name", "ID"})};
    }
  }

  // Changes the state of the server, or changes it back.
  Words state_command() {
    switch (random_.below(8)) {
      case 0:
        return {"CONFIG", "SET", "maxmemory", any({"1", "0", "0"})};
      case 1:
        return {"CONFIG", "SET", "min-replicas-to-write", any({"1", "0", "0"})};
      case 2:
        return {"SCRIPT", "FLUSH"};
      case 3:
        return {"REPLICAOF", "127.0.0.1", "1"};
      case 4:
      case 5:
        return {"REPLICAOF", "NO", "ONE"};
      default:
        return {"ACL", "SETUSER", "default",
                any({"-xsetid", "+xsetid", "+xsetid", "-spublish", "+spublish", "+spublish",
                     "-xdel", "+xdel", "-set", "+set", "+set", "-get", "+get", "+get"})};
    }
  }

  Words script_command() {
    const auto call = [this](Script script, Words words) {
      words.insert(words.begin(), {"EVALSHA", shas_[static_cast<std::size_t>(script)], "1", key()});
      return words;
    };
    switch (random_.below(8)) {
      case 0:
      case 1: {
        const std::string bits =
            random_.chance(95)
                ? std::to_string(std::stoul(fake_.replid().substr(0, 5), nullptr, 16))
                : "7";
        return call(
            Script::kOpen,
            {random_.chance(70) ? epoch_ : "0",
             std::to_string(random_.chance(80) ? 0 : seq_ + random_.below(3)), "600000", bits});
      }
      case 2:
        return call(Script::kPage, {any({"+", "-"}), any({"-", "+", "0-0", id().c_str()}),
                                    number(3'000), number(40), number(1'000)});
      case 3:
        return random_.chance(80)
                   ? Words{"SCRIPT", "LOAD",
                           std::string(source_of(static_cast<Script>(random_.below(4))))}
                   : Words{"EVALSHA", shas_.back(), "1", "w:{%probe}"};
      default: {
        std::string epoch = epoch_;
        if (random_.chance(5)) epoch = std::to_string(std::stoull(epoch_) + 1'048'576);
        if (random_.chance(5)) epoch = number(1'000);
        const std::string oldest =
            epoch + "-" + std::to_string(seq_ - std::min<std::uint64_t>(seq_, 9));
        Words words{epoch + "-*",
                    std::string(random_.chance(3) ? 70'000 : random_.below(300), 'x')};
        if (random_.chance(60)) words.push_back(any({"1", "2", "64"}));
        if (words.size() == 3 && random_.chance(60)) {
          words.push_back(random_.chance(70) ? oldest : std::string{});
        }
        if (words.size() == 4 && random_.chance(60)) words.emplace_back("600000");
        if (words.size() == 5 && random_.chance(70)) return keyed(words);
        return call(Script::kPublish, words);
      }
    }
  }

  // A publish of one message with a key, which another one may have had.
  Words keyed(Words words) {
    words[2] = "1";
    words.push_back(number(1));  // the fingerprint
    words.emplace_back("300000");
    const std::string room = key();
    const std::string& sha = shas_[static_cast<std::size_t>(Script::kPublish)];
    words.insert(words.begin(), {"EVALSHA", sha, "2", room, room + "k" + number(9)});
    return words;
  }

  void learn_replid() { fake_.set_replid(real_.info("replication", "master_replid")); }

  void load_scripts() {
    for (std::size_t i = 0; i < shas_.size(); ++i) {
      const std::string source(source_of(static_cast<Script>(i)));
      same(0, {"SCRIPT", "LOAD", source});
      shas_[i] = fake_.execute({"SCRIPT", "LOAD", source}).text;
    }
  }

  // The fake's clock becomes that of the real answer. And the next commands ask about its epoch.
  void learn(const Words& words, const std::string& reply) {
    static const std::regex two_times("\\$10\r\n([0-9]{10})\r\n\\$[1-6]\r\n([0-9]{1,6})\r\n");
    static const std::regex opened("^\\*6\r\n\\$[0-9]+\r\n([0-9]+)\r\n:([0-9]+)\r\n");
    static const std::regex added("^\\$[0-9]+\r\n([0-9]+)-([0-9]+)\r\n$");
    std::smatch found;
    if (std::regex_search(reply, found, two_times)) {
      fake_.set_time_us(std::stoull(found[1]) * 1'000'000 + std::stoull(found[2]));
    }
    if (std::regex_search(reply, found, opened) || std::regex_search(reply, found, added)) {
      if (words[0] == "XADD") {
        // Else the id is greater than the time, and follows the last one.
        if (found[1].length() == 13) fake_.set_time_us(std::stoull(found[1]) * 1'000);
      } else {
        epoch_ = found[1];
      }
      seq_ = std::stoull(found[2]);
    }
  }

  bool same(std::size_t client, const Words& words) {
    real_clients_[client]->send(words);
    std::vector<std::string> real;
    for (const auto& each : real_clients_) real.push_back(each->take());
    if (words[0] == "EVALSHA" || words[0] == "TIME" ||
        (words[0] == "XADD" && words.size() == 5 && words[2] == "*")) {
      learn(words, real[client]);
    }
    fake_clients_[client]->send(words);
    if (words[0] == "REPLICAOF") learn_replid();
    if (words[0] == "EVALSHA" && words[1] == shas_.back()) {
      // The script `probe` lets its key expire after one millisecond.
      ::usleep(2'000);
      fake_.advance_ms(2);
    }
    for (std::size_t i = 0; i < real.size(); ++i) {
      const std::string fake = fake_clients_[i]->take();
      if (words[0] == "PTTL") continue;
      if (masked(fake) == masked(real[i])) continue;
      std::string text;
      for (const std::string& each : words) text += " " + each.substr(0, 80);
      ADD_FAILURE() << "command " << client << ":" << text << "\nclient " << i << "\n--- real\n"
                    << real[i] << "\n--- fake\n"
                    << fake;
      return false;
    }
    return true;
  }

  wsd::sim::Random random_;
  RedisProcess real_;
  FakeRedis fake_;
  std::vector<std::unique_ptr<RealClient>> real_clients_;
  std::vector<std::unique_ptr<FakeClient>> fake_clients_;
  std::array<std::string, wsd::engine::kScripts> shas_;
  std::string epoch_ = "3";
  std::uint64_t seq_ = 5;
};

TEST(EngineContract, FakeAndRealServer_AnswerTheSame) {
  E2E_REQUIRE(redis_server());
  const char* const given = std::getenv("SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  SCOPED_TRACE("again: make engine-contract SEED=" + std::to_string(seed));
  Contract contract(seed);
  for (int i = 0; i < 2'000; ++i) {
    if (!contract.go_on()) return;
  }
}

}  // namespace
}  // namespace e2e
