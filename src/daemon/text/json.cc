#include "daemon/text/json.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace wsd::daemon {
namespace {

// Returns the length of the well-formed UTF-8 sequence at the front of `text` (RFC 3629 §4), or 0
// if there is none.
std::size_t sequence_size(std::string_view text) {
  struct Form {
    unsigned char first, last;             // range of the first byte
    unsigned char second_from, second_to;  // range of the second byte; the others are 80 to BF
    std::size_t size;
  };
  constexpr std::array<Form, 9> kForms = {{{0x00, 0x7F, 0, 0, 1},
                                           {0xC2, 0xDF, 0x80, 0xBF, 2},
                                           {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                           {0xE1, 0xEC, 0x80, 0xBF, 3},
                                           {0xED, 0xED, 0x80, 0x9F, 3},
                                           {0xEE, 0xEF, 0x80, 0xBF, 3},
                                           {0xF0, 0xF0, 0x90, 0xBF, 4},
                                           {0xF1, 0xF3, 0x80, 0xBF, 4},
                                           {0xF4, 0xF4, 0x80, 0x8F, 4}}};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (const Form& form : kForms) {
    if (byte(0) < form.first || byte(0) > form.last) continue;
    if (text.size() < form.size) return 0;
    if (form.size > 1 && (byte(1) < form.second_from || byte(1) > form.second_to)) return 0;
    for (std::size_t i = 2; i < form.size; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
    }
    return form.size;
  }
  return 0;
}

void append_escape(std::string& out, unsigned code) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) out += kDigits[code >> shift & 0xF];
}

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
  } else {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
  }
  out += static_cast<char>(0x80 | (code & 0x3F));
}

// Parses the output of JsonObject. Each step returns whether it has found its input.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool literal(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  bool string(std::string& out) {
    if (!literal("\"")) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        out += text_[at_++];
      } else if (!escape(out)) {
        return false;
      }
    }
    return literal("\"");
  }
  bool value(std::string& out) {
    if (text_.substr(at_).starts_with('"')) return string(out);
    const std::size_t end = std::min(text_.find_first_of(",}]", at_), text_.size());
    out = text_.substr(at_, end - at_);
    at_ = end;
    return !out.empty() && out.find_first_of("{[\"") == std::string::npos;
  }
  bool object(JsonRow& row) {
    if (!literal("{")) return false;
    if (literal("}")) return true;
    do {
      std::string name;
      if (!string(name) || !literal(":") || !value(row[name])) return false;
    } while (literal(","));
    return literal("}");
  }

 private:
  bool escape(std::string& out) {
    const std::string_view rest = text_.substr(at_ + 1);
    if (rest.empty()) return false;
    constexpr std::string_view kShort = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (const std::size_t known = kShort.find(rest[0]); known != std::string_view::npos) {
      out += kMeant[known];
      at_ += 2;
      return true;
    }
    if (rest[0] != 'u' || rest.size() < 5) return false;
    unsigned code = 0;
    for (const char digit : rest.substr(1, 4)) {
      const std::size_t number = std::string_view("0123456789abcdef").find(digit);
      if (number == std::string_view::npos) return false;
      code = code << 4 | static_cast<unsigned>(number);
    }
    append_utf8(out, code);
    at_ += 6;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t size = sequence_size(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (size == 0) {
      append_escape(out, 0xFFFD);
    } else if (first == '"' || first == '\\') {
      (out += '\\') += text.front();
    } else if (first < 0x20 || first == 0x7F) {
      append_escape(out, first);
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out += '"';
}

JsonObject& JsonObject::add(std::string_view name, std::string_view value) {
  std::string text;
  append_json_string(text, value);
  return add_raw(name, text);
}

JsonObject& JsonObject::add_raw(std::string_view name, std::string_view json) {
  if (text_.size() > 1) text_ += ',';
  append_json_string(text_, name);
  (text_ += ':') += json;
  return *this;
}

std::string JsonObject::take() {
  text_ += '}';
  return std::move(text_);
}

std::optional<std::vector<JsonRow>> json_rows(std::string_view document, std::string_view name) {
  const std::string head = "\"" + std::string(name) + "\":[";
  const std::size_t start = document.find(head);
  if (start == std::string_view::npos) return std::nullopt;
  Reader reader(document.substr(start + head.size()));
  std::vector<JsonRow> rows;
  if (reader.literal("]")) return rows;
  do {
    JsonRow row;
    if (!reader.object(row)) return std::nullopt;
    rows.push_back(std::move(row));
    static_cast<void>(reader.literal("\n"));
  } while (reader.literal(","));
  if (!reader.literal("]")) return std::nullopt;
  return rows;
}

}  // namespace wsd::daemon
