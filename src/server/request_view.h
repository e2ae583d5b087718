// Implements the public Request for a parsed request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_request.h"
#include "server/router.h"
#include "wsd/http.h"

namespace wsd::server {

// The constructor's arguments must outlive the view.
class RequestView final : public Request {
 public:
  RequestView(const protocol::HttpRequest& request, std::string_view remote,
              const PathParams& params, const std::vector<std::string_view>& subprotocols)
      : request_(request), remote_(remote), params_(params), subprotocols_(subprotocols) {}

  [[nodiscard]] std::string_view method() const override { return request_.method; }
  [[nodiscard]] std::string_view path() const override { return request_.path; }
  [[nodiscard]] std::string_view query() const override { return request_.query; }
  [[nodiscard]] std::string_view host() const override { return request_.host; }
  [[nodiscard]] std::string_view remote() const override { return remote_; }
  [[nodiscard]] std::string_view header(std::string_view name) const override;
  [[nodiscard]] std::vector<std::string_view> headers(std::string_view name) const override;
  [[nodiscard]] std::string_view param(std::string_view name) const override;
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override {
    return subprotocols_;
  }
  [[nodiscard]] std::string_view body() const override { return request_.body; }

 private:
  const protocol::HttpRequest& request_;
  std::string_view remote_;
  const PathParams& params_;
  const std::vector<std::string_view>& subprotocols_;
};

}  // namespace wsd::server
