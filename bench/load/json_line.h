// Builds one line of JSON, field by field.
#pragma once

#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

namespace bench {

class JsonLine {
 public:
  JsonLine& text(std::string_view name, std::string_view value) {
    key(name);
    line_.append("\"").append(value).append("\"");
    return *this;
  }
  JsonLine& count(std::string_view name, std::integral auto value) {
    key(name);
    line_ += std::to_string(value);
    return *this;
  }
  JsonLine& real(std::string_view name, double value, int digits) {
    key(name);
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
    line_ += buffer;
    return *this;
  }
  void print() const { std::printf("%s}\n", line_.c_str()); }

 private:
  void key(std::string_view name) {
    line_.append(line_.size() > 1 ? ",\"" : "\"").append(name).append("\":");
  }
  std::string line_ = "{";
};

}  // namespace bench
