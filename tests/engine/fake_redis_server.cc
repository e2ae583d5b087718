// The commands of FakeRedis that concern connections and the server.
#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/fake_redis.h"

namespace wsd::engine {
namespace {

FakeReply bulk(std::string_view text) { return FakeReply::bulk(text); }

FakeReply unknown_subcommand(const FakeRedis::Words& words) {
  std::string upper = words[0];
  for (char& each : upper) {
    if (each >= 'a' && each <= 'z') each = static_cast<char>(each - 'a' + 'A');
  }
  return FakeReply::error("ERR unknown subcommand '" + words[1] + "'. Try " + upper + " HELP.");
}

FakeReply wrong_number(const FakeRedis::Words& words) {
  return FakeReply::error("ERR wrong number of arguments for '" + fake_lower(words[0]) + "|" +
                          fake_lower(words[1]) + "' command");
}

}  // namespace

FakeReply FakeRedis::log_in(Client& client, std::string_view user, std::string_view password) {
  const bool right =
      user == "default" && (options_.password.empty() || password == options_.password);
  if (!right) {
    return FakeReply::error("WRONGPASS invalid username-password pair or user is disabled.");
  }
  client.authenticated = true;
  return FakeReply::ok();
}

FakeReply FakeRedis::hello(Client& client, const Words& words) {
  int protocol = client.protocol;
  if (words.size() > 1) {
    if (words[1] != "2" && words[1] != "3") {
      return FakeReply::error(words[1].find_first_not_of("0123456789") == std::string::npos
                                  ? "NOPROTO unsupported protocol version"
                                  : "ERR Protocol version is not an integer or out of range");
    }
    protocol = words[1] == "2" ? 2 : 3;
  }
  std::string name = client.name;
  for (std::size_t i = 2; i < words.size();) {
    const std::string option = fake_lower(words[i]);
    if (option == "auth" && i + 2 < words.size()) {
      const FakeReply reply = log_in(client, words[i + 1], words[i + 2]);
      if (reply.is_error()) return reply;
      i += 3;
    } else if (option == "setname" && i + 1 < words.size()) {
      name = words[i + 1];
      i += 2;
    } else {
      return FakeReply::error("ERR Syntax error in HELLO option '" + words[i] + "'");
    }
  }
  if (!client.authenticated) {
    return FakeReply::error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
        "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
        "RESP protocol version at the same time");
  }
  client.name = std::move(name);
  client.protocol = protocol;
  return FakeReply::map(
      {bulk("server"), bulk("redis"), bulk("version"), bulk(options_.version), bulk("proto"),
       FakeReply::of(protocol), bulk("id"), FakeReply::of(static_cast<std::int64_t>(client.id)),
       bulk("mode"), bulk(options_.cluster ? "cluster" : "standalone"), bulk("role"),
       bulk(is_master_ ? "master" : "replica"), bulk("modules"), FakeReply::array()});
}

FakeReply FakeRedis::auth(Client& client, const Words& words) {
  if (words.size() > 3) return FakeReply::error("ERR syntax error");
  if (words.size() == 2) {
    if (options_.password.empty()) {
      return FakeReply::error(
          "ERR AUTH <password> called without any password configured for the default user. Are "
          "you sure your configuration is correct?");
    }
    return log_in(client, "default", words[1]);
  }
  return log_in(client, words[1], words[2]);
}

FakeReply FakeRedis::ping(Client& /*client*/, const Words& words) {
  if (words.size() > 2) {
    return FakeReply::error("ERR wrong number of arguments for 'ping' command");
  }
  return words.size() == 2 ? bulk(words[1]) : FakeReply::status("PONG");
}

FakeReply FakeRedis::echo(Client& /*client*/, const Words& words) { return bulk(words[1]); }

FakeReply FakeRedis::select(Client& /*client*/, const Words& words) {
  if (words[1] == "0") return FakeReply::ok();
  return FakeReply::error("ERR the fake has the database 0 only");
}

FakeReply FakeRedis::client(Client& client, const Words& words) {
  const std::string what = fake_lower(words[1]);
  if (what == "id") {
    if (words.size() != 2) return wrong_number(words);
    return FakeReply::of(static_cast<std::int64_t>(client.id));
  }
  if (what == "setname") {
    if (words.size() != 3) return wrong_number(words);
    if (std::ranges::any_of(words[2], [](char each) { return each < '!' || each > '~'; })) {
      return FakeReply::error(
          "ERR Client names cannot contain spaces, newlines or special characters.");
    }
    client.name = words[2];
    return FakeReply::ok();
  }
  if (what == "getname") {
    return client.name.empty() ? FakeReply::null() : bulk(client.name);
  }
  if (what == "kill") {
    if (words.size() == 3) return FakeReply::error("ERR No such client");
    if (words.size() != 4 || fake_lower(words[2]) != "id") {
      return FakeReply::error("ERR syntax error");
    }
    std::uint64_t id = 0;
    const std::string& text = words[3];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size() || id == 0) {
      return FakeReply::error("ERR client-id should be greater than 0");
    }
    const auto found = std::ranges::find(clients_, id, [](const auto& each) { return each->id; });
    // A client that kills itself is not skipped by ID, but this fake's users never do that.
    if (found == clients_.end() || (*found)->closing) return FakeReply::of(0);
    (*found)->closing = true;
    return FakeReply::of(1);
  }
  return unknown_subcommand(words);
}

FakeReply FakeRedis::info(Client& /*client*/, const Words& words) {
  const auto wanted = [&words](std::string_view section) {
    if (words.size() == 1) return true;
    return std::any_of(words.begin() + 1, words.end(), [section](const std::string& each) {
      const std::string name = fake_lower(each);
      return name == section || name == "all" || name == "default" || name == "everything";
    });
  };
  std::string text;
  const auto begin = [&text](std::string_view title) {
    if (!text.empty()) text += "\r\n";
    text += "# " + std::string(title) + "\r\n";
  };
  if (wanted("server")) {
    begin("Server");
    text += "redis_version:" + options_.version +
            "\r\nredis_mode:" + (options_.cluster ? "cluster" : "standalone") + "\r\n";
  }
  if (wanted("memory")) {
    begin("Memory");
    text += "used_memory:1000000\r\nmaxmemory:" + config_["maxmemory"] +
            "\r\nmaxmemory_policy:" + config_["maxmemory-policy"] + "\r\n";
  }
  if (wanted("replication")) {
    begin("Replication");
    text += "role:" + std::string(is_master_ ? "master" : "slave") +
            "\r\nconnected_slaves:" + std::to_string(replicas_) + "\r\n";
    if (options_.has_replid) text += "master_replid:" + replid_ + "\r\n";
    text += "master_replid2:0000000000000000000000000000000000000000\r\n";
  }
  if (wanted("cluster")) {
    begin("Cluster");
    text += "cluster_enabled:" + std::string(options_.cluster ? "1" : "0") + "\r\n";
  }
  return FakeReply::verbatim(text);
}

FakeReply FakeRedis::time(Client& /*client*/, const Words& /*words*/) {
  return FakeReply::array(
      {bulk(std::to_string(time_us_ / 1'000'000)), bulk(std::to_string(time_us_ % 1'000'000))});
}

FakeReply FakeRedis::role(Client& /*client*/, const Words& /*words*/) {
  if (is_master_) {
    return FakeReply::array({bulk("master"), FakeReply::of(0), FakeReply::array()});
  }
  return FakeReply::array(
      {bulk("slave"), bulk("127.0.0.1"), FakeReply::of(6379), bulk("connected"), FakeReply::of(0)});
}

// As with a master that cannot be reached: the data stay.
FakeReply FakeRedis::replicaof(Client& /*client*/, const Words& words) {
  if (fake_lower(words[1]) != "no") {
    if (!is_master_) return FakeReply::status("OK Already connected to specified master");
    is_master_ = false;
  } else if (!is_master_) {
    promote();
  }
  return FakeReply::ok();
}

FakeReply FakeRedis::config(Client& /*client*/, const Words& words) {
  const std::string what = fake_lower(words[1]);
  if (what == "get") {
    if (words.size() < 3) return wrong_number(words);
    std::vector<FakeReply> found;
    for (const auto& [name, value] : config_) {
      if (std::find(words.begin() + 2, words.end(), name) == words.end()) continue;
      found.push_back(bulk(name));
      found.push_back(bulk(value));
    }
    return FakeReply::map(std::move(found));
  }
  if (what == "set") {
    if (words.size() < 4) return wrong_number(words);
    for (std::size_t i = 2; i + 1 < words.size(); i += 2)
      config_[fake_lower(words[i])] = words[i + 1];
    faults.out_of_memory = config_["maxmemory"] == "1";
    faults.no_replicas = config_["min-replicas-to-write"] != "0" && replicas_ == 0;
    return FakeReply::ok();
  }
  return unknown_subcommand(words);
}

FakeReply FakeRedis::acl(Client& /*client*/, const Words& words) {
  const std::string what = fake_lower(words[1]);
  if (what == "whoami") return bulk("default");
  if (what == "setuser") {
    for (std::size_t i = 3; i < words.size(); ++i) {
      if (words[i].starts_with('-')) faults.denied.insert(words[i].substr(1));
      if (words[i].starts_with('+')) faults.denied.erase(words[i].substr(1));
    }
    return FakeReply::ok();
  }
  if (what == "dryrun") {
    if (words.size() < 4) return wrong_number(words);
    if (words[2] != "default") return FakeReply::error("ERR User '" + words[2] + "' not found");
    const std::string name = fake_lower(words[3]);
    if (!commands().contains(name))
      return FakeReply::error("ERR Command '" + words[3] + "' not found");
    const std::string sub = words.size() > 4 ? name + "|" + fake_lower(words[4]) : name;
    for (const std::string& denied : {name, sub}) {
      if (faults.denied.contains(denied)) {
        return bulk("This user has no permissions to run the '" + denied + "' command");
      }
    }
    return FakeReply::ok();
  }
  return unknown_subcommand(words);
}

FakeReply FakeRedis::cluster(Client& /*client*/, const Words& words) {
  if (slots_ == nullptr) {
    return FakeReply::error("ERR This instance has cluster support disabled");
  }
  const std::string what = fake_lower(words[1]);
  if (words.size() == 2 && what == "nodes") return slots_->nodes();
  if (words.size() == 2 && what == "info") return slots_->info();
  if (words.size() == 2 && what == "myid") return slots_->id();
  return unknown_subcommand(words);
}

FakeReply FakeRedis::asking(Client& client, const Words& /*words*/) {
  if (slots_ == nullptr) {
    return FakeReply::error("ERR This instance has cluster support disabled");
  }
  client.asking = true;
  return FakeReply::ok();
}

FakeReply FakeRedis::ssubscribe(Client& client, const Words& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    client.channels.insert(words[i]);
    push(client, nullptr,
         FakeReply::array({bulk("ssubscribe"), bulk(words[i]),
                           FakeReply::of(static_cast<std::int64_t>(client.channels.size()))}));
  }
  return {};
}

FakeReply FakeRedis::sunsubscribe(Client& client, const Words& words) {
  if (faults.unsubscribe_needs_one && client.channels.empty()) {
    return FakeReply::error("NOSUB 'sunsubscribe' command executed not in subscribed mode");
  }
  Words channels(words.begin() + 1, words.end());
  if (channels.empty()) channels.assign(client.channels.begin(), client.channels.end());
  if (channels.empty()) {
    push(client, nullptr,
         FakeReply::array({bulk("sunsubscribe"), FakeReply::null(), FakeReply::of(0)}));
  }
  for (const std::string& channel : channels) {
    client.channels.erase(channel);
    push(client, nullptr,
         FakeReply::array({bulk("sunsubscribe"), bulk(channel),
                           FakeReply::of(static_cast<std::int64_t>(client.channels.size()))}));
  }
  return {};
}

FakeReply FakeRedis::spublish(Client& client, const Words& words) {
  if (faults.lost_pushes != 0) {
    --faults.lost_pushes;
    return FakeReply::of(0);
  }
  std::int64_t receivers = 0;
  for (const std::unique_ptr<Client>& each : clients_) {
    if (each->closing || !each->channels.contains(words[1])) continue;
    push(*each, &client, FakeReply::array({bulk("smessage"), bulk(words[1]), bulk(words[2])}));
    ++receivers;
  }
  return FakeReply::of(receivers);
}

FakeReply FakeRedis::flushall(Client& /*client*/, const Words& /*words*/) {
  data_.clear();
  return FakeReply::ok();
}

}  // namespace wsd::engine
