#include "server/cross_origin.h"

#include <algorithm>
#include <cstddef>

#include "protocol/host.h"
#include "protocol/origin.h"
#include "server/option_name.h"

namespace wsd::server {
namespace {

// Browsers ask again after this many seconds. Chromium never waits longer than two hours.
constexpr std::string_view kMaxAge = "600";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kAllowOrigin = "Access-Control-Allow-Origin";

// Without a list, only the same origin is allowed, which needs no fields.
bool is_active(const ServerOptions& options) noexcept {
  return options.http.cross_origin && !options.upgrade.allowed_origins.empty();
}

bool has_field(std::string_view response, std::string_view name) noexcept {
  for (std::size_t at = response.find(kLineEnd); at != std::string_view::npos;
       at = response.find(kLineEnd, at)) {
    at += kLineEnd.size();
    const std::string_view line = response.substr(at);
    if (line.starts_with(kLineEnd)) return false;  // the head ends here
    const std::string_view found = line.substr(0, name.size());
    if (protocol::equals_ignore_case(found, name) && line.substr(found.size()).starts_with(':')) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string cross_origin_lines(const ServerOptions& options, const protocol::HttpRequest& request) {
  if (!is_active(options)) return {};
  std::string lines = "Vary: Origin\r\n";
  const protocol::HttpField* const origin = request.find(protocol::FieldName::kOrigin);
  // Two fields are malformed (RFC 6454 §7.3), and no browser sends them.
  if (origin == nullptr || request.count(protocol::FieldName::kOrigin) != 1 ||
      !protocol::origin_allowed(origin->value, request.host, options.upgrade.allowed_origins)) {
    return lines;
  }
  return lines.append(kAllowOrigin).append(": ").append(origin->value).append(kLineEnd);
}

void insert_lines(std::string& response, std::string_view lines) {
  const std::size_t status_line = response.find(kLineEnd);
  if (lines.empty() || status_line == std::string::npos) return;
  if (!has_field(response, kAllowOrigin)) response.insert(status_line + kLineEnd.size(), lines);
}

bool is_preflight(const ServerOptions& options, const protocol::HttpRequest& request) {
  return is_active(options) && request.method == "OPTIONS" &&
         request.count(protocol::FieldName::kOrigin) == 1 &&
         request.find("Access-Control-Request-Method") != nullptr;
}

protocol::HeaderList preflight_fields(const HttpOptions& options,
                                      const protocol::HttpRequest& request,
                                      std::string_view methods) {
  std::string names;
  for (const std::string& name : options.cross_origin_fields) {
    names.append(names.empty() ? "" : ", ").append(name);
  }
  protocol::HeaderList fields = {{"Access-Control-Allow-Methods", std::string(methods)},
                                 {"Access-Control-Max-Age", std::string(kMaxAge)}};
  if (!names.empty()) fields.emplace_back("Access-Control-Allow-Headers", std::move(names));
  // A page from the Internet asks for this before it reaches a private address (Private Network
  // Access, section 3.1.1). The operator has listed its origin, so it may.
  const protocol::HttpField* const asks = request.find("Access-Control-Request-Private-Network");
  if (asks != nullptr && asks->value == "true") {
    fields.emplace_back("Access-Control-Allow-Private-Network", "true");
  }
  return fields;
}

std::string host_refusal(const ServerOptions& options, std::string_view host) {
  return protocol::host_refusal(host, option_name(options, "http.allowed_hosts"),
                                option_name(options, "proxy.trusted"));
}

}  // namespace wsd::server
