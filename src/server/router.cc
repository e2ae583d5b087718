#include "server/router.h"

#include <algorithm>

#include "protocol/syntax.h"
#include "wsd/check.h"

namespace wsd::server {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

std::optional<std::string_view> segment_name(std::string_view segment) {
  if (segment.size() <= 2 || !segment.starts_with('{') || !segment.ends_with('}')) {
    return std::nullopt;
  }
  return segment.substr(1, segment.size() - 2);
}

std::optional<std::string> percent_decode(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; at += 3) {
    if (protocol::percent_decoded(text.substr(at)) < 0) return std::nullopt;
  }
  return decode_segment(text);
}

std::string decode_segment(std::string_view segment) {
  std::string out;
  out.reserve(segment.size());
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const int byte = protocol::percent_decoded(segment.substr(i));
    out += byte < 0 ? segment[i] : static_cast<char>(byte);
    if (byte >= 0) i += 2;
  }
  return out;
}

std::string Router::add(std::string_view pattern) {
  if (std::string error = check_route_pattern(pattern); !error.empty()) return error;
  Route route;
  for (const std::string_view text : segments_of(pattern)) {
    const auto name = segment_name(text);
    route.push_back({std::string(name.value_or(text)), name.has_value()});
  }
  const auto same_shape = [](const Segment& a, const Segment& b) {
    return a.named == b.named && (a.named || a.text == b.text);
  };
  for (const Route& known : routes_) {
    if (!std::equal(known.begin(), known.end(), route.begin(), route.end(), same_shape)) continue;
    const std::string before = text_of(known);
    if (before == pattern) return '"' + before + "\" was added before; add each pattern once";
    return '"' + std::string(pattern) + "\" matches the same paths as \"" + before +
           "\", which was added before; use the same names for its segments";
  }
  routes_.push_back(std::move(route));
  return {};
}

std::string Router::text_of(const Route& route) {
  std::string text;
  for (const Segment& segment : route) {
    text.append(segment.named ? "/{" + segment.text + "}" : "/" + segment.text);
  }
  return text;
}

std::optional<std::size_t> Router::find(std::string_view pattern) const {
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (text_of(routes_[i]) == pattern) return i;
  }
  return std::nullopt;
}

bool Router::matches(const Route& route, const std::vector<std::string_view>& path) {
  return std::equal(route.begin(), route.end(), path.begin(), path.end(),
                    [](const Segment& segment, std::string_view text) {
                      return segment.named ? !text.empty() : segment.text == text;
                    });
}

bool Router::more_literal(const Route& a, const Route& b) noexcept {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i].named != b[i].named) return b[i].named;
  }
  return false;
}

std::optional<RouteMatch> Router::match(std::string_view path) const {
  const std::vector<std::string_view> segments = segments_of(path);
  const Route* best = nullptr;
  for (const Route& route : routes_) {
    if (!matches(route, segments)) continue;
    if (best == nullptr || more_literal(route, *best)) best = &route;
  }
  if (best == nullptr) return std::nullopt;
  RouteMatch found;
  found.route = static_cast<std::size_t>(best - routes_.data());
  for (std::size_t i = 0; i < best->size(); ++i) {
    if (!(*best)[i].named) continue;
    found.params.emplace_back((*best)[i].text, decode_segment(segments[i]));
  }
  return found;
}

}  // namespace wsd::server
