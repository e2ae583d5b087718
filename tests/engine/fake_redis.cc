#include "engine/fake_redis.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/room_key.h"
#include "sim/random.h"

namespace wsd::engine {
namespace {

// Reads the number of a line like "*3\r\n" at `at`, and moves `at` behind it.
enum class LineResult : std::uint8_t { kRead, kMore, kBroken };
LineResult read_count(std::string_view input, std::size_t& at, char kind, long& count) {
  const std::size_t end = input.find("\r\n", at);
  if (end == std::string_view::npos) return LineResult::kMore;
  if (input[at] != kind) return LineResult::kBroken;
  const auto [stop, error] = std::from_chars(input.data() + at + 1, input.data() + end, count);
  if (error != std::errc() || stop != input.data() + end) return LineResult::kBroken;
  at = end + 2;
  return LineResult::kRead;
}

}  // namespace

std::string fake_lower(std::string_view text) {
  std::string lower(text);
  for (char& each : lower) {
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  }
  return lower;
}

FakeRedis::FakeRedis(const Options& options) : options_(options), replid_(fresh_replid()) {
  config_ = {{"maxmemory", "0"},
             {"maxmemory-policy", "noeviction"},
             {"min-replicas-to-write", "0"},
             {"client-output-buffer-limit",
              "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"}};
}

FakeRedis::~FakeRedis() { close_all(); }

std::string FakeRedis::fresh_replid() {
  sim::Random random(options_.seed * 1'000'003 + ++replids_);
  std::string id;
  for (int i = 0; i < 40; ++i) id += "0123456789abcdef"[random.below(16)];
  return id;
}

std::shared_ptr<FakeSocket> FakeRedis::accept() {
  auto client = std::make_unique<Client>();
  client->socket = std::make_shared<FakeSocket>();
  client->id = client->socket->client_id = ++last_client_id_;
  client->authenticated = options_.password.empty();
  clients_.push_back(std::move(client));
  return clients_.back()->socket;
}

bool FakeRedis::serve(const std::shared_ptr<FakeSocket>& socket, std::size_t most) {
  if (stopped_) return false;
  const auto found = std::ranges::find(
      clients_, socket, [](const auto& each) -> const auto& { return each->socket; });
  if (found == clients_.end()) return false;
  Client& client = **found;
  const std::size_t size = std::min(most, socket->to_server.size());
  const bool ends = size == 0 && socket->client_closed;
  if (size == 0 && !ends) return false;
  client.input.append(socket->to_server, 0, size);
  socket->to_server.erase(0, size);
  Words words;
  while (!client.closing && parse(client, words)) run(client, words);
  if (ends) client.closing = true;
  sweep();
  return true;
}

// Takes one whole command from the input. Returns false if there is none.
bool FakeRedis::parse(Client& client, Words& words) {
  words.clear();
  std::size_t at = 0;
  long count = 0;
  if (client.input.empty()) return false;
  LineResult result = read_count(client.input, at, '*', count);
  for (long i = 0; result == LineResult::kRead && i < count; ++i) {
    long size = 0;
    if (at >= client.input.size()) return false;
    result = read_count(client.input, at, '$', size);
    if (result != LineResult::kRead) break;
    if (client.input.size() - at < static_cast<std::size_t>(size) + 2) return false;
    words.emplace_back(client.input, at, static_cast<std::size_t>(size));
    at += static_cast<std::size_t>(size) + 2;
  }
  if (result == LineResult::kMore) return false;
  if (result == LineResult::kBroken) {
    client.socket->to_client += "-ERR Protocol error: invalid bulk length\r\n";
    client.closing = true;
    return false;
  }
  client.input.erase(0, at);
  return true;
}

void FakeRedis::run(Client& client, const Words& words) {
  if (words.empty()) return;
  dispatch(client, words).append_to(client.socket->to_client, client.protocol);
  client.socket->to_client += std::exchange(client.deferred, {});
}

FakeReply FakeRedis::execute(const Words& words) {
  Client client;
  client.socket = std::make_shared<FakeSocket>();
  client.id = ++last_client_id_;
  client.protocol = 3;
  client.authenticated = true;
  FakeReply reply = dispatch(client, words);
  sweep();
  return reply;
}

// A command of a client.
FakeReply FakeRedis::dispatch(Client& client, const Words& words) {
  const std::string name = fake_lower(words[0]);
  ++calls_[name];
  ++commands_run_;
  if (!client.authenticated && name != "auth" && name != "hello") {
    return FakeReply::error("NOAUTH Authentication required.");
  }
  if (!faults.error_for_all.empty() && name != "auth" && name != "hello") {
    if (name == "ssubscribe") client.taken.insert(words.begin() + 1, words.end());
    return FakeReply::error(faults.error_for_all);
  }
  FakeReply reply = call(client, words);
  if (name != "asking") client.asking = false;
  return reply;
}

// A command of a client or of a script.
FakeReply FakeRedis::call(Client& client, const Words& words) {
  const std::string name = fake_lower(words[0]);
  const auto found = commands().find(name);
  if (found == commands().end()) {
    std::string text = "ERR unknown command '" + words[0] + "', with args beginning with: ";
    for (std::size_t i = 1; i < words.size(); ++i) text += "'" + words[i] + "' ";
    return FakeReply::error(text);
  }
  const Command& command = found->second;
  const std::size_t least = static_cast<std::size_t>(std::abs(command.arity));
  if (words.size() < least || (command.arity > 0 && words.size() > least)) {
    return FakeReply::error("ERR wrong number of arguments for '" + name + "' command");
  }
  const std::string sub = words.size() > 1 ? name + "|" + fake_lower(words[1]) : name;
  for (const std::string& denied : {name, sub}) {
    if (!faults.denied.contains(denied)) continue;
    return FakeReply::error(
        in_script_ ? "ERR The user executing the script can't run this command or "
                     "subcommand"
                   : "NOPERM this user has no permissions to run the '" + denied + "' command");
  }
  if (slots_ != nullptr && !in_script_ && command.first_key != 0) {
    FakeReply elsewhere = redirect(client, command, words);
    if (elsewhere.is_error()) return elsewhere;
  }
  if (command.writes) {
    FakeReply refused = refusal(command);
    if (refused.is_error()) return refused;
    if (in_script_) script_has_written_ = true;
  }
  return (this->*command.handler)(client, words);
}

// Returns an error if another node of the cluster serves the keys of a command.
FakeReply FakeRedis::redirect(Client& client, const Command& command, const Words& words) {
  const auto first = static_cast<std::size_t>(command.first_key);
  if (words.size() <= first) return {};
  const std::string name = fake_lower(words[0]);
  const std::size_t keys = name == "evalsha" ? std::strtoul(words[2].c_str(), nullptr, 10) : 1;
  const std::size_t end = command.many_keys ? words.size() : std::min(words.size(), first + keys);
  const bool is_channel = name == "spublish" || name.ends_with("subscribe");
  const std::uint16_t slot = slot_of_key(words[first]);
  bool has_all = true;
  bool has_some = false;
  for (std::size_t i = first; i < end; ++i) {
    if (slot_of_key(words[i]) != slot) {
      return FakeReply::error("CROSSSLOT Keys in request don't hash to the same slot");
    }
    const bool has = find(words[i]) != nullptr;
    has_all = has_all && has;
    has_some = has_some || has;
  }
  FakeReply elsewhere = slots_->redirect(slot, is_channel, has_all, client.asking);
  if (has_some && elsewhere.text.starts_with("ASK ")) {
    return FakeReply::error("TRYAGAIN Multiple keys request during rehashing of slot");
  }
  if (elsewhere.is_error() && name == "ssubscribe") {
    client.taken.insert(words.begin() + 1, words.end());
  }
  return elsewhere;
}

// Returns an error if the server does not take a write. It asks in another order in a script.
FakeReply FakeRedis::refusal(const Command& command) const {
  if (in_script_ && script_has_written_) return {};
  const FakeReply no_memory =
      faults.out_of_memory && is_master_ && command.needs_memory
          ? FakeReply::error("OOM command not allowed when used memory > 'maxmemory'.")
          : FakeReply{};
  const FakeReply read_only =
      is_master_ ? FakeReply{}
                 : FakeReply::error("READONLY You can't write against a read only replica.");
  if (!in_script_ && no_memory.is_error()) return no_memory;
  if (in_script_ && read_only.is_error()) return read_only;
  if (faults.misconf) {
    return FakeReply::error(
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist "
        "to disk. Commands that may modify the data set are disabled, because this instance is "
        "configured to report errors during writes if RDB snapshotting fails "
        "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the "
        "RDB error.");
  }
  if (faults.no_replicas && is_master_) {
    return FakeReply::error("NOREPLICAS Not enough good replicas to write.");
  }
  return in_script_ ? no_memory : read_only;
}

// Closes the clients that are to be closed, and those that read too slowly.
void FakeRedis::sweep() {
  std::erase_if(clients_, [this](const std::unique_ptr<Client>& each) {
    if (faults.output_limit != 0 && !each->channels.empty() &&
        each->socket->to_client.size() > faults.output_limit) {
      each->closing = true;
    }
    if (each->closing) each->socket->server_closed = true;
    return each->closing;
  });
}

void FakeRedis::push(Client& to, const Client* from, const FakeReply& items) {
  std::string text;
  items.append_to(text, to.protocol);
  if (to.protocol == 3) text[0] = '>';
  (&to == from && faults.pushes_after_reply ? to.deferred : to.socket->to_client) += text;
}

void FakeRedis::close_all() {
  for (const std::unique_ptr<Client>& each : clients_) each->closing = true;
  sweep();
}

void FakeRedis::close_subscribers() {
  for (const std::unique_ptr<Client>& each : clients_) {
    if (!each->channels.empty()) each->closing = true;
  }
  sweep();
}

void FakeRedis::unsubscribe_all(std::string_view channel) {
  for (const std::unique_ptr<Client>& each : clients_) {
    const auto found = each->channels.find(channel);
    if (found == each->channels.end()) continue;
    each->channels.erase(found);
    each->taken.emplace(channel);
    push(*each, nullptr,
         FakeReply::array({FakeReply::bulk("sunsubscribe"), FakeReply::bulk(channel),
                           FakeReply::of(static_cast<std::int64_t>(each->channels.size()))}));
  }
}

void FakeRedis::unsubscribe_slot(std::uint16_t slot) {
  std::set<std::string, std::less<>> channels;
  for (const std::unique_ptr<Client>& each : clients_) {
    for (const std::string& channel : each->channels) {
      if (slot_of_key(channel) == slot) channels.insert(channel);
    }
  }
  for (const std::string& each : channels) unsubscribe_all(each);
}

void FakeRedis::restart(FakeData data) {
  close_all();
  data_ = std::move(data);
  scripts_.clear();
  replid_ = fresh_replid();
  is_master_ = true;
  stopped_ = false;
}

void FakeRedis::follow(const FakeRedis& master) { follow(master, master.data_); }

void FakeRedis::follow(const FakeRedis& master, FakeData data) {
  data_ = std::move(data);
  replid_ = master.replid_;
  is_master_ = false;
}

void FakeRedis::promote() {
  replid_ = fresh_replid();
  is_master_ = true;
}

std::size_t FakeRedis::subscribers(std::string_view channel) const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      clients_, [channel](const auto& each) { return each->channels.contains(channel); }));
}

std::uint64_t FakeRedis::calls(std::string_view command) const noexcept {
  const auto found = calls_.find(command);
  return found == calls_.end() ? 0 : found->second;
}

const std::map<std::string, FakeRedis::Command, std::less<>>& FakeRedis::commands() {
  static const std::map<std::string, Command, std::less<>> all = {
      {"hello", {&FakeRedis::hello, -1}},
      {"auth", {&FakeRedis::auth, -2}},
      {"ping", {&FakeRedis::ping, -1}},
      {"echo", {&FakeRedis::echo, 2}},
      {"select", {&FakeRedis::select, 2}},
      {"client", {&FakeRedis::client, -2}},
      {"info", {&FakeRedis::info, -1}},
      {"time", {&FakeRedis::time, 1}},
      {"role", {&FakeRedis::role, 1}},
      {"replicaof", {&FakeRedis::replicaof, 3}},
      {"config", {&FakeRedis::config, -2}},
      {"acl", {&FakeRedis::acl, -2}},
      {"cluster", {&FakeRedis::cluster, -2}},
      {"asking", {&FakeRedis::asking, 1}},
      {"script", {&FakeRedis::script, -2}},
      {"evalsha", {&FakeRedis::evalsha, -3, false, false, 3}},
      {"ssubscribe", {&FakeRedis::ssubscribe, -2, false, false, 1, true}},
      {"sunsubscribe", {&FakeRedis::sunsubscribe, -1, false, false, 1, true}},
      {"spublish", {&FakeRedis::spublish, 3, false, false, 1}},
      {"flushall", {&FakeRedis::flushall, -1, true}},
      {"set", {&FakeRedis::set, -3, true, true, 1}},
      {"get", {&FakeRedis::get, 2, false, false, 1}},
      {"del", {&FakeRedis::del, -2, true, false, 1, true}},
      {"exists", {&FakeRedis::exists, -2, false, false, 1, true}},
      {"type", {&FakeRedis::type, 2, false, false, 1}},
      {"pexpire", {&FakeRedis::pexpire, -3, true, false, 1}},
      {"pttl", {&FakeRedis::pttl, 2, false, false, 1}},
      {"xadd", {&FakeRedis::xadd, -5, true, true, 1}},
      {"xtrim", {&FakeRedis::xtrim, -4, true, false, 1}},
      {"xdel", {&FakeRedis::xdel, -3, true, false, 1}},
      {"xlen", {&FakeRedis::xlen, 2, false, false, 1}},
      {"xsetid", {&FakeRedis::xsetid, -3, true, true, 1}},
      {"xinfo", {&FakeRedis::xinfo, -2, false, false, 2}},
      {"xrange", {&FakeRedis::xrange, -4, false, false, 1}},
      {"xrevrange", {&FakeRedis::xrange, -4, false, false, 1}},
  };
  return all;
}

}  // namespace wsd::engine
