#include "engine/redis_handshake.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "engine/resp_writer.h"
#include "engine/slot_table.h"

namespace wsd::engine {

namespace {

constexpr std::size_t kReplidLength = 40;
constexpr std::size_t kShaLength = 40;
constexpr std::uint32_t kOldestMajor = 7;

[[nodiscard]] bool is_error(RespValue reply) noexcept {
  return !reply.empty() && reply.front().type == RespType::kError;
}

[[nodiscard]] std::string_view text_of(RespValue reply) noexcept {
  if (reply.empty() || !reply.front().is_text()) return {};
  return reply.front().text;
}

[[nodiscard]] bool is_hexadecimal(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

template <typename Number>
[[nodiscard]] bool parse(std::string_view text, Number& number, int base = 10) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc{} && stopped == end;
}

[[nodiscard]] bool contains(std::string_view text, std::string_view part) noexcept {
  return text.find(part) != std::string_view::npos;
}

// Returns the hard limit for subscribers in a value of client-output-buffer-limit, in bytes. 0
// means none, and is also returned if the value is of another form.
[[nodiscard]] std::uint64_t pubsub_limit(std::string_view limits) noexcept {
  constexpr std::string_view kClass = "pubsub ";
  const std::size_t at = limits.find(kClass);
  if (at == std::string_view::npos) return 0;
  limits.remove_prefix(at + kClass.size());
  std::uint64_t bytes = 0;
  return parse(limits.substr(0, limits.find(' ')), bytes) ? bytes : 0;
}

}  // namespace

std::string_view info_field(std::string_view info, std::string_view name) noexcept {
  while (!info.empty()) {
    const std::size_t end = info.find("\r\n");
    const std::string_view line = info.substr(0, end);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') {
      return line.substr(name.size() + 1);
    }
    if (end == std::string_view::npos) break;
    info.remove_prefix(end + 2);
  }
  return {};
}

std::string_view error_code(std::string_view text) noexcept {
  return text.substr(0, text.find(' '));
}

bool ends_link(std::string_view error, bool cluster) noexcept {
  constexpr std::array<std::string_view, 6> kCodes = {"READONLY", "MASTERDOWN", "LOADING",
                                                      "BUSY",     "NOAUTH",     "REPLID"};
  const std::string_view code = error_code(error);
  if (code == "CLUSTERDOWN") return !cluster;
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

bool is_about_slot(std::string_view error) noexcept {
  const std::string_view code = error_code(error);
  return code == "MOVED" || code == "ASK" || code == "TRYAGAIN" || code == "CLUSTERDOWN";
}

void append_hello(std::string& out, const LinkSettings& settings) {
  if (settings.user.empty() && settings.password.empty()) {
    return append_command(out, {"HELLO", "3", "SETNAME", settings.client_name});
  }
  const std::string_view name = settings.user;
  const std::string_view user = name.empty() ? std::string_view{"default"} : name;
  append_command(out,
                 {"HELLO", "3", "AUTH", user, settings.password, "SETNAME", settings.client_name});
}

std::string printable(std::string_view text, std::string_view password) {
  constexpr std::size_t kMost = 200;
  std::string result;
  while (!text.empty() && result.size() < kMost) {
    if (!password.empty() && text.starts_with(password)) {
      result += "***";
      text.remove_prefix(password.size());
      continue;
    }
    const char c = text.front();
    result += c >= ' ' && c <= '~' ? c : '?';
    text.remove_prefix(1);
  }
  if (!text.empty()) result += "...";
  return result;
}

std::size_t most_text_bytes(const LinkSettings& settings) noexcept {
  constexpr std::size_t kLeast = std::size_t{64} << 20;
  constexpr std::size_t kHead = 1'024;  // and the type of the message
  return std::max(settings.max_message_bytes, kLeast) + kHead;
}

bool RedisHandshake::fail(std::string why, bool for_good) {
  down_ = {std::move(why), for_good};
  return false;
}

bool RedisHandshake::refused(std::string_view command, RespValue reply) {
  const std::string name{command};
  if (!is_error(reply)) {
    return fail("The server's reply to " + name + " has an unknown form", false);
  }
  const std::string_view error = reply.front().text;
  const std::string text = printable(error, settings_.password);
  if (error_code(error) == "NOPERM") {
    return fail("The server does not permit " + name + " (" + text + "): extend the user's ACL",
                true);
  }
  if (ends_link(error, false)) return fail("The server is not available: " + text, false);
  return fail("The server rejects " + name + ": " + text, false);
}

bool RedisHandshake::hello_refused(RespValue reply) {
  const std::string_view error = reply.front().text;
  const std::string_view code = error_code(error);
  if (code == "WRONGPASS") {
    return fail(
        "The server rejects the user or the password: correct "
        "{option:engine.user} and {option:engine.password}",
        true);
  }
  if (code == "NOAUTH") {
    return fail("The server requires a password: set {option:engine.password}", true);
  }
  if (code == "NOPROTO" || contains(error, "unknown command")) {
    // The text of the server may quote the password, so it is not repeated.
    return fail("The server does not support RESP3: use Redis 7.0 or later, or Valkey", true);
  }
  if (code == "DENIED") {
    return fail(
        "The server is in protected mode: set a password or protected-mode in its "
        "configuration",
        true);
  }
  return refused("HELLO", reply);
}

bool RedisHandshake::hello(RespValue reply) {
  if (is_error(reply)) return hello_refused(reply);
  const std::string_view version = text_of(find(reply, "version"));
  const RespValue id = find(reply, "id");
  if (version.empty() || id.empty() || id.front().type != RespType::kNumber ||
      id.front().number <= 0) {
    return refused("HELLO", reply);
  }
  up_.version = printable(version, {});
  up_.client_id = static_cast<std::uint64_t>(id.front().number);
  std::uint32_t major = 0;
  if (!parse(version.substr(0, version.find('.')), major) || major < kOldestMajor) {
    return fail("The server has version " + up_.version +
                    ", which is older than 7.0: use Redis 7.0 or later, or Valkey",
                true);
  }
  const std::string_view mode = text_of(find(reply, "mode"));
  if (mode == "sentinel") {
    return fail("The server is a Sentinel: use redis+sentinel:// with the name of the master",
                true);
  }
  if (settings_.cluster != (mode == "cluster")) {
    return fail(settings_.cluster
                    ? "The server is not a node of a cluster: use redis:// instead"
                    : "The server is a node of a cluster: use redis+cluster:// instead",
                true);
  }
  return true;
}

bool RedisHandshake::replication(RespValue reply) {
  const std::string_view info = text_of(reply);
  if (info.empty()) return refused("INFO", reply);
  const std::string_view role = info_field(info, "role");
  if (role != "master") {
    return fail("The server is not a master: its role is '" + printable(role, {}) + "'", false);
  }
  const std::string_view replid = info_field(info, "master_replid");
  constexpr std::size_t kBitsDigits = 5;
  if (replid.size() != kReplidLength || !is_hexadecimal(replid) ||
      !parse(replid.substr(0, kBitsDigits), up_.replid_bits, 16)) {
    return fail(
        "The server reports no master_replid, which tells one life of a master from "
        "another: use a Redis or Valkey without a proxy before it",
        true);
  }
  up_.replid = replid;
  up_.same_server = former_.client_id != 0 && former_.replid == replid;
  up_.fenced = former_.client_id == 0;
  std::uint64_t replicas = 0;
  if (parse(info_field(info, "connected_slaves"), replicas) && replicas > 0 &&
      info_field(info, "min_slaves_good_slaves").empty()) {
    up_.warnings.emplace_back(
        "min-replicas-to-write is 0: a master that has lost its replicas goes on, and a failover "
        "then loses messages. Set it to 1");
  }
  return true;
}

bool RedisHandshake::memory(RespValue reply) {
  const std::string_view info = text_of(reply);
  if (info.empty()) return refused("INFO", reply);
  const std::string_view policy = info_field(info, "maxmemory_policy");
  if (!policy.empty() && policy != "noeviction") {
    up_.warnings.push_back("maxmemory-policy is " + printable(policy, {}) +
                           ": Redis may delete rooms. Set it to noeviction");
  }
  return true;
}

bool RedisHandshake::time(RespValue reply, std::uint64_t now_ms) {
  std::int64_t seconds = 0;
  std::int64_t microseconds = 0;
  if (!parse(text_of(child(reply, 0)), seconds) || !parse(text_of(child(reply, 1)), microseconds) ||
      seconds < 0 || seconds > std::numeric_limits<std::int64_t>::max() / 2000 ||
      microseconds < 0 || microseconds > 999'999) {
    return refused("TIME", reply);
  }
  const std::int64_t unix_ms = seconds * 1000 + microseconds / 1000;
  up_.clock_offset_ms = unix_ms - static_cast<std::int64_t>(now_ms);
  return true;
}

bool RedisHandshake::buffer_limits(RespValue reply) {
  // The right to ask is not required.
  if (is_error(reply)) return !ends_link(reply.front().text, false) || refused("CONFIG GET", reply);
  constexpr std::uint64_t kLeast = std::uint64_t{64} << 20;
  const std::uint64_t bytes = pubsub_limit(text_of(find(reply, "client-output-buffer-limit")));
  if (bytes != 0 && bytes < kLeast) {
    up_.warnings.push_back("client-output-buffer-limit pubsub is " + std::to_string(bytes) +
                           " bytes: Redis disconnects a node that reads slowly. Set it to "
                           "256mb 64mb 60");
  }
  // The text must leave room for the other bytes that are under way.
  if (bytes != 0) up_.most_text_bytes = std::min(up_.most_text_bytes, bytes - bytes / 4);
  return true;
}

bool RedisHandshake::script(RespValue reply, std::string& sha) {
  const std::string_view text = text_of(reply);
  if (text.size() != kShaLength || !is_hexadecimal(text)) return refused("SCRIPT LOAD", reply);
  sha = text;
  return true;
}

std::vector<std::uint64_t> RedisHandshake::ids_to_kill() const {
  std::vector<std::uint64_t> ids;
  if (up_.same_server) ids.push_back(former_.client_id);
  for (const FormerLink& each : former_.before) {
    if (each.replid == up_.replid) ids.push_back(each.client_id);
  }
  if (ids.empty()) {
    ids.push_back(static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  }
  return ids;
}

bool RedisHandshake::killed(RespValue reply) {
  if (reply.empty() || reply.front().type != RespType::kNumber) {
    return refused("CLIENT KILL", reply);
  }
  // 0 connections were killed if the former one had ended before.
  up_.fenced = up_.fenced || up_.same_server;
  return true;
}

bool RedisHandshake::probed(RespValue reply) {
  if (reply.empty() || reply.front().type != RespType::kArray) return refused("EVALSHA", reply);
  if (reply.front().count == 0) return true;
  std::string commands;
  for (std::size_t i = 0; i < reply.front().count; ++i) {
    if (!commands.empty()) commands += ", ";
    commands += printable(text_of(child(reply, i)), {});
  }
  return fail("The server does not permit " + commands + ": extend the user's ACL", true);
}

bool RedisHandshake::cluster_state(RespValue reply) {
  const std::string_view info = text_of(reply);
  if (info.empty()) return refused("CLUSTER INFO", reply);
  const std::string_view state = info_field(info, "cluster_state");
  if (state == "ok") return true;
  return fail("The server's cluster_state is '" + printable(state, {}) +
                  "': it does not reach the majority of the masters, or slots have no master",
              false);
}

bool RedisHandshake::cluster_nodes(RespValue reply, const Endpoint& asked, std::uint64_t choice) {
  const std::string_view nodes = text_of(reply);
  if (nodes.empty()) return refused("CLUSTER NODES", reply);
  SlotTable view;
  const std::string error = SlotTable::parse(nodes, asked, view);
  if (!error.empty()) return fail("The server " + error, false);
  slot_ = view.own_slot(choice);
  if (slot_ == SlotTable::kSlots) return fail("The server has no slots of the cluster", false);
  return true;
}

bool RedisHandshake::beat(RespValue reply) {
  const std::string_view info = text_of(reply);
  if (info.empty()) return refused("INFO", reply);
  if (info_field(info, "role") != "master") {
    return fail("The server is no longer a master", false);
  }
  if (info_field(info, "master_replid") != up_.replid) {
    return fail("The server has begun a new replication history", false);
  }
  return true;
}

}  // namespace wsd::engine
