// A Request with the parts that a test sets.
#pragma once

#include <wsd/http.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsd::daemon {

class FakeRequest final : public Request {
 public:
  FakeRequest() = default;
  FakeRequest(const FakeRequest& other)
      : Request(),
        fields_(other.fields_),
        offered_(other.offered_),
        views_(offered_.begin(), offered_.end()),
        query_(other.query_) {}
  FakeRequest& operator=(const FakeRequest&) = delete;
  ~FakeRequest() override = default;

  FakeRequest& field(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  FakeRequest& offer(std::string subprotocol) {
    offered_.push_back(std::move(subprotocol));
    views_.assign(offered_.begin(), offered_.end());
    return *this;
  }
  FakeRequest& ask(std::string query) {
    query_ = std::move(query);
    return *this;
  }

  [[nodiscard]] std::string_view method() const override { return "GET"; }
  [[nodiscard]] std::string_view path() const override { return "/"; }
  [[nodiscard]] std::string_view query() const override { return query_; }
  [[nodiscard]] std::string_view host() const override { return "h"; }
  [[nodiscard]] std::string_view body() const override { return {}; }
  [[nodiscard]] std::string_view remote() const override { return "192.0.2.1:1"; }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    const std::vector<std::string_view> all = headers(name);
    return all.empty() ? std::string_view() : all.front();
  }
  // Compares names exactly, because the library compares without case.
  [[nodiscard]] std::vector<std::string_view> headers(std::string_view name) const override {
    std::vector<std::string_view> values;
    for (const auto& [each, value] : fields_) {
      if (each == name) values.emplace_back(value);
    }
    return values;
  }
  [[nodiscard]] std::string_view param(std::string_view /*name*/) const override { return {}; }
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override {
    return views_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
  std::vector<std::string> offered_;
  std::vector<std::string_view> views_;
  std::string query_;
};

}  // namespace wsd::daemon
