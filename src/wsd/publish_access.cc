#include "publish_access.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "words.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kTokenMin = 16;
constexpr std::size_t kTokenMax = 4096;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// RFC 6750 §2.1: b68token.
bool is_token_byte(char c) {
  const char low = lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

bool is_local(std::string_view remote) {
  return remote == "unix" || remote.starts_with("127.") || remote.starts_with("[::1]:") ||
         remote.starts_with("[::ffff:127.");
}

// What stands behind "Bearer ", in any case (RFC 9110 §11.1); empty where the scheme is another.
std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  const bool bearer = authorization.size() > kScheme.size() &&
                      std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                                 [](char expected, char c) { return expected == lower(c); });
  return bearer ? trimmed(authorization.substr(kScheme.size())) : std::string_view();
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  unsigned differing = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && !b.empty(); ++i) {
    differing |= static_cast<unsigned>(static_cast<unsigned char>(a[i])) ^
                 static_cast<unsigned char>(b[i % b.size()]);
  }
  return differing == 0;
}

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
  if (equal_in_constant_time(bearer_of(authorization), token_)) return {};
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
