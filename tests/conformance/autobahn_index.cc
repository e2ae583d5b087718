#include "conformance/autobahn_index.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace wsconform {

namespace {

// Objects of objects, with strings, numbers and names at the leaves, are all there is in an index.
struct Value {
  std::map<std::string, Value, std::less<>> members = {};
  std::string leaf = {};
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Value> whole() {
    auto value = this->value(0);
    skip_space();
    if (!at_.has_value() || *at_ != text_.size()) return std::nullopt;
    return value;
  }

 private:
  static constexpr int kDepth = 8;

  void skip_space() {
    while (at_ && *at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[*at_]) != std::string_view::npos) {
      ++*at_;
    }
  }
  bool take(char c) {
    skip_space();
    if (!at_ || *at_ >= text_.size() || text_[*at_] != c) return false;
    ++*at_;
    return true;
  }
  Value fail() {
    at_.reset();
    return {};
  }
  std::string string() {
    std::string out;
    if (!take('"')) at_.reset();
    while (at_ && *at_ < text_.size() && text_[*at_] != '"') {
      if (text_[*at_] == '\\') ++*at_;
      if (*at_ < text_.size()) out.push_back(text_[(*at_)++]);
    }
    if (!take('"')) at_.reset();
    return out;
  }
  Value value(int depth) {
    if (depth > kDepth) return fail();
    skip_space();
    if (!at_ || *at_ >= text_.size()) return fail();
    if (text_[*at_] == '{') return object(depth);
    if (text_[*at_] == '"') return {.leaf = string()};
    const std::size_t end = std::min(text_.find_first_of(",}\n", *at_), text_.size());
    Value leaf{.leaf = std::string(text_.substr(*at_, end - *at_))};
    at_ = end;
    return leaf;
  }
  Value object(int depth) {
    Value out;
    take('{');
    if (take('}')) return out;
    do {
      std::string name = string();
      if (!take(':')) return fail();
      out.members[std::move(name)] = value(depth + 1);
      if (!at_) return out;
    } while (take(','));
    return take('}') ? out : fail();
  }

  std::string_view text_;
  std::optional<std::size_t> at_ = 0;
};

CaseId parse_id(std::string_view text) {
  CaseId id;
  int* parts[] = {&id.group, &id.section, &id.number};
  for (int* part : parts) {
    const std::size_t end = std::min(text.find('.'), text.size());
    std::from_chars(text.data(), text.data() + end, *part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return id;
}

std::string leaf(const Value& value, std::string_view name) {
  const auto found = value.members.find(name);
  return found == value.members.end() ? std::string() : found->second.leaf;
}

Result result_of(const std::string& id, const Value& value) {
  Result result{.id = parse_id(id)};
  const std::string behavior = leaf(value, "behavior");
  for (const Behavior b :
       {Behavior::ok, Behavior::non_strict, Behavior::informational, Behavior::unimplemented}) {
    if (behavior == name_of(b)) result.verdict.behavior = b;
  }
  const std::string close = leaf(value, "behaviorClose");
  for (const CloseBehavior b :
       {CloseBehavior::ok, CloseBehavior::wrong_code, CloseBehavior::unclean,
        CloseBehavior::failed_by_client, CloseBehavior::informational}) {
    if (close == name_of(b)) result.verdict.close = b;
  }
  int milliseconds = 0;
  const std::string duration = leaf(value, "duration");
  std::from_chars(duration.data(), duration.data() + duration.size(), milliseconds);
  result.seconds = milliseconds / 1000.0;
  return result;
}

}  // namespace

std::optional<std::vector<AgentResults>> parse_autobahn_index(std::string_view text) {
  const auto index = Reader(text).whole();
  if (!index || index->members.empty()) return std::nullopt;
  std::vector<AgentResults> agents;
  for (const auto& [agent, cases] : index->members) {
    agents.push_back({agent, {}});
    for (const auto& [id, value] : cases.members) {
      agents.back().results.push_back(result_of(id, value));
    }
    std::sort(agents.back().results.begin(), agents.back().results.end(),
              [](const Result& a, const Result& b) { return a.id < b.id; });
  }
  return agents;
}

}  // namespace wsconform
