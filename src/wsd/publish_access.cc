#include "publish_access.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "bearer.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kTokenMin = 16;
constexpr std::size_t kTokenMax = 4096;

// RFC 6750 §2.1: b68token.
bool is_token_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

bool is_local(std::string_view remote) {
  return remote == "unix" || remote.starts_with("127.") || remote.starts_with("[::1]:") ||
         remote.starts_with("[::ffff:127.");
}

}  // namespace

TokenText token_of(std::string_view file_text) {
  while (!file_text.empty() && (file_text.back() == '\n' || file_text.back() == '\r')) {
    file_text.remove_suffix(1);
  }
  TokenText result;
  if (file_text.size() < kTokenMin || file_text.size() > kTokenMax) {
    result.error = "holds " + std::to_string(file_text.size()) +
                   " bytes, and a token has 16 to 4096: write one with openssl rand -hex 32";
  } else if (!std::all_of(file_text.begin(), file_text.end(), is_token_byte)) {
    result.error =
        "holds more than one line of letters, digits and -._~+/=, which is what a token "
        "is: write one with openssl rand -hex 32";
  } else {
    result.token = file_text;
  }
  return result;
}

AccessVerdict PublishAccess::judge(std::string_view authorization, std::string_view remote,
                                   bool relayed) const {
  if (mode_ == PublishMode::kLoopback && is_local(remote) && !relayed) return {};
  if (token_.empty()) {
    return {403, "Publishing is for clients on this machine, without a proxy or a browser.\n"};
  }
  if (authorization.empty()) return {401, "A token is needed: Authorization: Bearer TOKEN.\n"};
  if (same_secret(bearer_of(authorization).value_or(std::string_view()), token_)) return {};
  return {403, "The token is not the one that may publish here.\n"};
}

AccessVerdict PublishAccess::judge(const Request& request) const {
  bool relayed = false;
  for (const std::string_view name : {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Origin"}) {
    relayed = relayed || !request.header(name).empty();
  }
  return judge(request.header("Authorization"), request.remote(), relayed);
}

}  // namespace wsd::daemon
