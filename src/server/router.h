// Matches the path of a request with the patterns of the routes.
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

// A list of patterns such as "/rooms/{room}", numbered in the order in which they were added.
// Constant while the server runs. Any thread may then call the const functions.
class Router {
 public:
  // Adds a pattern and returns an empty string, or returns an error clause: check_route_pattern()
  // does not accept it, or it equals a known pattern except for the names.
  [[nodiscard]] std::string add(std::string_view pattern);
  // Returns the number of the route that was added with exactly this pattern.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view pattern) const;
  // Returns the route for `path`, which is as received. A named segment matches any segment that is
  // not empty. If several routes match, a literal segment wins over a named one, from left to
  // right.
  [[nodiscard]] std::optional<RouteMatch> match(std::string_view path) const;
  [[nodiscard]] std::size_t size() const noexcept { return routes_.size(); }

 private:
  struct Segment {
    std::string text;  // the literal, or the name
    bool named = false;
  };
  using Route = std::vector<Segment>;

  [[nodiscard]] static std::string text_of(const Route& route);
  [[nodiscard]] static bool matches(const Route& route, const std::vector<std::string_view>& path);
  // Returns whether `a` has the literal at the first segment where only one of the two has one.
  [[nodiscard]] static bool more_literal(const Route& a, const Route& b) noexcept;

  std::vector<Route> routes_;
};

// Returns the segments of a path, each without the slash before it.
[[nodiscard]] std::vector<std::string_view> segments_of(std::string_view path);
// Returns the name in a segment "{name}" of a pattern, or std::nullopt for a literal segment.
[[nodiscard]] std::optional<std::string_view> segment_name(std::string_view segment);

// Implement the functions of the same names in wsd/check.h.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string decode_segment(std::string_view segment);

}  // namespace wsd::server
