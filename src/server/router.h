// Which handlers serve a path.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsd::server {

// Values of a pattern's "{name}" segments, percent-decoded (RFC 3986 §2.1).
using PathParams = std::vector<std::pair<std::string_view, std::string>>;

struct RouteMatch {
  std::size_t route = 0;
  PathParams params;
};

// Patterns such as "/rooms/{room}", numbered in the order in which they were added. Constant while
// the server runs; then any thread may match.
class Router {
 public:
  // False when `pattern` is no path, names a segment twice or is known already under other names.
  [[nodiscard]] bool add(std::string_view pattern);
  // The number of the route with that very pattern.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view pattern) const;
  // `path` as received. Literal segments win over named ones, from left to right. A named segment
  // matches any that is not empty.
  [[nodiscard]] std::optional<RouteMatch> match(std::string_view path) const;
  [[nodiscard]] std::size_t size() const noexcept { return routes_.size(); }

 private:
  struct Segment {
    std::string text;  // the literal, or the name
    bool named = false;
  };
  using Route = std::vector<Segment>;

  [[nodiscard]] static bool matches(const Route& route, const std::vector<std::string_view>& path);
  // Whether `a` has a literal at the first place where the two differ in kind.
  [[nodiscard]] static bool more_literal(const Route& a, const Route& b) noexcept;

  std::vector<Route> routes_;
};

// nullopt when a '%' is not followed by two hex digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace wsd::server
