#include "engine/engine_url.h"

#include <algorithm>
#include <optional>

#include "base/in_quotes.h"
#include "base/ip_address.h"

namespace wsd::engine {
namespace {

constexpr std::string_view kRedis = "redis://";
constexpr std::string_view kUnix = "redis+unix:";
constexpr std::string_view kSentinel = "redis+sentinel://";
constexpr std::string_view kCluster = "redis+cluster://";
constexpr std::string_view kTls = "rediss://";
constexpr std::uint16_t kRedisPort = 6379;
constexpr std::uint16_t kSentinelPort = 26'379;
constexpr std::size_t kMostPathBytes = 107;  // of a Unix socket (sun_path without its NUL)
constexpr std::size_t kMostHostBytes = 253;
constexpr std::size_t kMostPrefixBytes = 64;
constexpr std::string_view kForms =
    "redis://HOST[:PORT], redis+unix:PATH, redis+sentinel://HOST[:PORT],.../MASTER or "
    "redis+cluster://HOST[:PORT],...";

std::string refuse(std::string_view text, std::string_view why) {
  return in_quotes(text) + " " + std::string(why);
}

bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_name(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_name_char);
}

// Parses HOST, HOST:PORT, [V6] or [V6]:PORT.
std::optional<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) {
  Endpoint endpoint;
  endpoint.port = default_port;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    const std::string_view host = text.substr(1, close - 1);
    if (host.find(':') == host.npos || !IpAddress::parse(host)) return std::nullopt;
    endpoint.host = host;
    rest = text.substr(close + 1);
  } else {
    const std::string_view host = text.substr(0, text.find(':'));
    if (!is_name(host) || host.size() > kMostHostBytes) return std::nullopt;
    endpoint.host = host;
    rest = text.substr(host.size());
  }
  if (rest.empty()) return endpoint;
  const std::optional<std::uint16_t> port = parse_port(rest.substr(1));
  if (rest.front() != ':' || !port || *port == 0) return std::nullopt;
  endpoint.port = *port;
  return endpoint;
}

// Parses endpoints with commas between them. Returns an error, or an empty string.
std::string parse_endpoints(std::string_view text, std::string_view list,
                            std::uint16_t default_port, std::vector<Endpoint>& endpoints) {
  for (;;) {
    const std::size_t comma = list.find(',');
    const std::string_view one = list.substr(0, comma);
    const std::optional<Endpoint> endpoint = parse_endpoint(one, default_port);
    if (!endpoint) {
      return refuse(text, "does not name a host in " + in_quotes(one) +
                              ": write HOST, HOST:PORT, [V6] or [V6]:PORT, with a port of 1 to "
                              "65535");
    }
    if (std::find(endpoints.begin(), endpoints.end(), *endpoint) != endpoints.end()) {
      return refuse(text, "names " + endpoint->text() + " twice: write each host once");
    }
    endpoints.push_back(*endpoint);
    if (comma == list.npos) return {};
    list.remove_prefix(comma + 1);
  }
}

std::string parse_unix(std::string_view text, EngineUrl& url) {
  Endpoint endpoint;
  endpoint.path = text.substr(kUnix.size());
  if (!endpoint.path.starts_with('/') || endpoint.path.find('\0') != endpoint.path.npos) {
    return refuse(text, "does not have an absolute path: write redis+unix:/PATH");
  }
  if (endpoint.path.size() > kMostPathBytes) {
    return refuse(text,
                  "has a path of more than 107 bytes, the limit of a Unix socket: use a "
                  "shorter path");
  }
  url.endpoints.push_back(endpoint);
  return {};
}

std::string parse_redis(std::string_view text, EngineUrl& url) {
  const std::string_view rest = text.substr(kRedis.size());
  const std::size_t slash = rest.find('/');
  if (slash != rest.npos) {
    const std::string_view database = rest.substr(slash + 1);
    if (!database.empty() && database != "0") {
      return refuse(text, "names the database " + in_quotes(database) +
                              ", but channels of Redis belong to no database: leave it out and "
                              "set {option:engine.prefix}");
    }
  }
  const std::string_view host = rest.substr(0, slash);
  if (host.find(',') != host.npos) {
    return refuse(text,
                  "names several hosts: write one, redis+sentinel://HOST,HOST/MASTER, or "
                  "redis+cluster://HOST,HOST");
  }
  return parse_endpoints(text, host, kRedisPort, url.endpoints);
}

std::string parse_sentinel(std::string_view text, EngineUrl& url) {
  url.kind = EngineUrl::Kind::kSentinel;
  const std::string_view rest = text.substr(kSentinel.size());
  const std::size_t slash = rest.find('/');
  if (slash == rest.npos || !is_name(rest.substr(slash + 1))) {
    return refuse(text,
                  "does not end with the name of a master: write "
                  "redis+sentinel://HOST[:PORT],.../MASTER");
  }
  url.master = rest.substr(slash + 1);
  return parse_endpoints(text, rest.substr(0, slash), kSentinelPort, url.endpoints);
}

std::string parse_cluster(std::string_view text, EngineUrl& url) {
  url.kind = EngineUrl::Kind::kCluster;
  const std::string_view hosts = text.substr(kCluster.size());
  if (hosts.find('/') != hosts.npos) {
    return refuse(text, "has a path: write redis+cluster://HOST[:PORT],...");
  }
  return parse_endpoints(text, hosts, kRedisPort, url.endpoints);
}

}  // namespace

std::string parse_engine_url(std::string_view text, EngineUrl& url) {
  url = {};
  if (text.starts_with(kUnix)) return parse_unix(text, url);
  // The text is not repeated here, because a log is no place for a password.
  if (text.find('@') != text.npos) {
    return "the URL has a user or a password, which other users see in the list of processes: set "
           "{option:engine.user} and {option:engine.password} instead";
  }
  if (text.starts_with(kTls)) {
    return refuse(text,
                  "asks for TLS, which wsd does not speak with Redis: run stunnel and write "
                  "redis+unix:PATH of its socket");
  }
  if (text.find_first_of("?#") != text.npos) {
    return refuse(
        text, "has a query or a fragment: leave it out, and set the other options of the engine");
  }
  if (text.starts_with(kSentinel)) return parse_sentinel(text, url);
  if (text.starts_with(kCluster)) return parse_cluster(text, url);
  if (text.starts_with(kRedis)) return parse_redis(text, url);
  return refuse(text, "is not the URL of an engine: write " + std::string(kForms));
}

std::string check_engine_prefix(std::string_view prefix) {
  if (prefix.size() > kMostPrefixBytes) {
    return refuse(prefix, "exceeds 64 bytes: use a shorter prefix");
  }
  const auto forbidden = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7F || c == '{' || c == '}' || c == '%';
  };
  if (std::any_of(prefix.begin(), prefix.end(), forbidden)) {
    return refuse(prefix, "has a space, a control character, '{', '}' or '%': leave these out");
  }
  return {};
}

}  // namespace wsd::engine
