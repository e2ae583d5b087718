#include "protocol/extension_list.h"

#include <algorithm>
#include <utility>

#include "protocol/syntax.h"

namespace wsd::protocol {
namespace {

// Whitespace may appear between any two words and separators. The ABNF of §9.1 is written in
// RFC 2616 §2.1, which has implied *LWS.
class ExtensionReader {
 public:
  explicit ExtensionReader(std::string_view line) noexcept : rest_(line) {}

  // A quoted string contains no comma, because it must be a token. The lines of a list can
  // therefore be parsed one by one.
  [[nodiscard]] bool read(std::vector<ExtensionOffer>& offers) {
    skip_blanks();
    while (!rest_.empty()) {
      ExtensionOffer offer;
      if (read_token(offer.name)) {
        if (!read_parameters(offer.parameters)) return false;
        offers.push_back(std::move(offer));
      }
      if (!rest_.empty() && !take(',')) return false;
    }
    return true;
  }

 private:
  [[nodiscard]] bool read_parameters(std::vector<ExtensionParameter>& parameters) {
    while (take(';')) {
      ExtensionParameter parameter;
      if (!read_token(parameter.name)) return false;
      if (take('=')) {
        parameter.has_value = true;
        std::string_view token;
        if (read_token(token)) {
          parameter.value = token;
        } else if (!read_quoted_token(parameter.value)) {
          return false;
        }
      }
      parameters.push_back(std::move(parameter));
    }
    return true;
  }

  [[nodiscard]] bool read_token(std::string_view& token) noexcept {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_tchar);
    token = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(token.size());
    skip_blanks();
    return !token.empty();
  }

  // RFC 6455 §9.1: the value of a quoted-string after unescaping MUST be a token.
  [[nodiscard]] bool read_quoted_token(std::string& token) {
    if (!rest_.starts_with('"')) return false;
    std::size_t at = 1;
    while (at < rest_.size() && rest_[at] != '"') {
      if (rest_[at] == '\\') ++at;  // quoted-pair, RFC 9110 §5.6.4
      if (at >= rest_.size() || !is_tchar(rest_[at])) return false;
      token += rest_[at++];
    }
    if (at >= rest_.size() || token.empty()) return false;
    rest_.remove_prefix(at + 1);
    skip_blanks();
    return true;
  }

  [[nodiscard]] bool take(char c) noexcept {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    skip_blanks();
    return true;
  }

  void skip_blanks() noexcept {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

}  // namespace

bool read_extensions(std::string_view line, std::vector<ExtensionOffer>& offers) {
  return ExtensionReader(line).read(offers);
}

}  // namespace wsd::protocol
