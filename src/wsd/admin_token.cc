#include "admin_token.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <system_error>

#include "bearer.h"
#include "words.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kLeast = 16;
constexpr std::size_t kMost = 1024;

std::string trimmed_of_lines(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) + 1 - first));
}

bool is_plain(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

AdminToken read_admin_token(const std::string& path) {
  const auto failed = [&path](const std::string& why) {
    return AdminToken{{}, "the token file " + in_quotes(path) + " " + why};
  };
  const auto close = [](std::FILE* stream) { static_cast<void>(std::fclose(stream)); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rbe"), close);
  std::array<char, 2 * kMost> content{};
  std::size_t size = 0;
  if (file != nullptr) size = std::fread(content.data(), 1, content.size(), file.get());
  if (file == nullptr || std::ferror(file.get()) != 0) {
    return failed("cannot be read: " + std::system_category().message(errno) +
                  "; mend --admin-token-file or the file");
  }
  std::string token = trimmed_of_lines({content.data(), size});
  if (token.size() < kLeast) {
    return failed("has fewer than " + std::to_string(kLeast) +
                  " bytes in it, which can be guessed; write a longer one, as of openssl rand -hex "
                  "32");
  }
  if (token.size() > kMost || size == content.size()) {
    return failed("has more than " + std::to_string(kMost) + " bytes in it; write one token alone");
  }
  if (!is_plain(token)) {
    return failed("has something else in it than one token of printable ASCII without spaces");
  }
  return {std::move(token), {}};
}

bool brings_token(std::string_view authorization, std::string_view token) {
  return same_secret(bearer_of(authorization).value_or(std::string_view()), token);
}

}  // namespace wsd::daemon
