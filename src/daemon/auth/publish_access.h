// Who may publish to rooms over HTTP.
#pragma once

#include <wsd/http.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/config/daemon_options.h"

namespace wsd::daemon {

// A request's way past publish_access: 200, or what it is answered.
struct AccessVerdict {
  int status = 200;
  std::string text;
};

class PublishAccess {
 public:
  // `token` is what the token file holds; empty: there is none.
  PublishAccess(PublishMode mode, std::string token) : mode_(mode), token_(std::move(token)) {}

  // Whether the HTTP side of rooms is served at all.
  [[nodiscard]] bool open() const noexcept { return mode_ != PublishMode::kOff || !token_.empty(); }
  // `authorization` and `remote` are the request's. `relayed`: it has a field that a proxy adds, or
  // a browser's Origin, so that its peer says nothing of who asks.
  [[nodiscard]] AccessVerdict judge(std::string_view authorization, std::string_view remote,
                                    bool relayed) const;
  [[nodiscard]] AccessVerdict judge(const Request& request) const;

 private:
  PublishMode mode_;
  std::string token_;
};

}  // namespace wsd::daemon
