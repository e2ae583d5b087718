// Flags for rooms that several nodes share.
#include <wsd/check.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "daemon/config/flag_groups.h"
#include "daemon/config/option_flags.h"

namespace wsd::daemon {
namespace {

std::string user_error(std::string_view value) {
  const bool odd = std::any_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
  });
  if (!value.empty() && !odd) return {};
  return quote(value) + " is not a user of Redis: write a name without spaces, as in its ACL file";
}

}  // namespace

Table engine_flags() {
  return {
      text_value(
          "URL",
          {"engine",
           "share the rooms with all nodes that use this Redis or Valkey, 7.0 or later: "
           "redis://HOST[:PORT], redis+unix:PATH, redis+sentinel://HOST[:PORT],.../MASTER or "
           "redis+cluster://HOST[:PORT],..."},
          [](std::string_view text) { return check_engine_url(text, &flag_of_option); },
          [](Options & o) -> auto& { return o.server.engine.url; }),
      text_value(
          "NAME",
          {"engine-user",
           "log in to Redis as this user, with the password in --engine-password-file"},
          &user_error, [](Options & o) -> auto& { return o.server.engine.user; }),
      file_name(
          "FILE", {"engine-password-file", "file with the password for Redis"},
          [](Options & o) -> auto& { return o.engine_password_file; }),
      text_value(
          "TEXT",
          {"engine-prefix",
           "begin all keys and channels in Redis with TEXT, the same on all nodes of a service"},
          &check_engine_prefix, [](Options & o) -> auto& { return o.server.engine.prefix; }),
      duration(
          {"engine-timeout",
           "connect to Redis again if it does not answer for this long; from 100ms to 1m"},
          Zero::kRefused, [](Options & o) -> auto& { return o.server.engine.timeout_ms; }),
      count<std::uint32_t>(
          {"engine-backlog",
           "keep at least this many messages per room in Redis, so that a node that was cut off "
           "catches up even if --history-messages is smaller"},
          [](Options & o) -> auto& { return o.server.engine.backlog; }),
  };
}

}  // namespace wsd::daemon
