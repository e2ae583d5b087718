// The URL of an engine, as --engine takes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wire.h"

namespace wsd::engine {

struct EngineUrl {
  enum class Kind : std::uint8_t {
    kRedis,     // redis://HOST[:PORT] or redis+unix:PATH
    kSentinel,  // redis+sentinel://HOST[:PORT],HOST[:PORT].../MASTER
    kCluster,   // redis+cluster://HOST[:PORT],HOST[:PORT]...
  };
  Kind kind = Kind::kRedis;
  std::vector<Endpoint> endpoints;  // one at least; default ports 6379 and 26379 (Sentinel)
  std::string master;               // kSentinel
};

// Returns an empty string and sets `url`, or returns an error as a sentence that names the value,
// the rule and the remedy. rediss:// is refused (use stunnel and a Unix socket), a user or password
// in the URL is refused (it shows in ps), and so is a database other than 0 (channels of Redis know
// no databases: use --engine-prefix).
[[nodiscard]] std::string parse_engine_url(std::string_view text, EngineUrl& url);
// Returns an empty string or an error. `{`, `}`, `%`, spaces and control characters are refused,
// and more than 64 bytes.
[[nodiscard]] std::string check_engine_prefix(std::string_view prefix);

}  // namespace wsd::engine
