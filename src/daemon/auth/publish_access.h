// The right to publish to rooms over HTTP.
#pragma once

#include <wsd/http.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/config/daemon_options.h"

namespace wsd::daemon {

// 200 allows the request. Any other status rejects it, with `text` as the body.
struct AccessVerdict {
  int status = 200;
  std::string text;
};

class PublishAccess {
 public:
  // `token` is the token that allows publishing; empty: there is none.
  PublishAccess(PublishMode mode, std::string token) : mode_(mode), token_(std::move(token)) {}

  // Returns whether any request could be allowed. If not, the HTTP routes are not served.
  [[nodiscard]] bool open() const noexcept { return mode_ != PublishMode::kOff || !token_.empty(); }
  // Judges a request by its Authorization field and its peer's address. `relayed`: the request has
  // a field that a proxy adds, or a browser's Origin, so the peer's address proves nothing.
  [[nodiscard]] AccessVerdict judge(std::string_view authorization, std::string_view remote,
                                    bool relayed) const;
  [[nodiscard]] AccessVerdict judge(const Request& request) const;

 private:
  PublishMode mode_;
  std::string token_;
};

}  // namespace wsd::daemon
