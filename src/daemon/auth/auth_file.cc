#include "daemon/auth/auth_file.h"

#include <wsd/room_pattern.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "daemon/auth/token_file.h"
#include "daemon/config/read_file.h"
#include "daemon/text/room_name.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{8} << 20U;
constexpr std::size_t kPatternsMax = 256;  // for one right: limits the work of a handshake
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Returns the fields of a line. A "#" at the beginning of a field starts a comment.
std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#') return fields;
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    fields.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::string pattern_error(std::string_view key, std::string_view pattern) {
  const std::string right(key);
  if (pattern.empty()) return right + "= has an empty pattern; write " + right + "=news,chat-*";
  if (room_name_error(pattern).empty()) return {};
  return right + "= has the pattern " + quote(pattern) + ", which matches no room; write 1 to " +
         std::to_string(kRoomNameMax) + " bytes of UTF-8 without control bytes";
}

std::string take_right(std::string_view field, User& user, std::array<bool, 2>& seen) {
  const std::size_t equals = std::min(field.find('='), field.size());
  const std::string_view key = field.substr(0, equals);
  const bool read = key == "read";
  if (equals == field.size() || (!read && key != "write")) {
    const std::string_view meant = closest_match(key, {"read", "write"});
    // The field is not quoted, because it may be a misplaced token.
    return "there is a field that is neither read=PATTERN nor write=PATTERN" +
           (meant.empty() ? std::string() : "; did you mean " + std::string(meant) + "=?");
  }
  if (std::exchange(seen[read ? 0 : 1], true)) {
    return std::string(key) + "= is set twice; write all patterns in one list, separated by commas";
  }
  std::vector<std::string>& patterns = read ? user.read : user.write;
  for (const std::string_view pattern : split(field.substr(equals + 1), ',')) {
    if (std::string error = pattern_error(key, pattern); !error.empty()) return error;
    patterns.emplace_back(pattern);
  }
  if (patterns.size() <= kPatternsMax) return {};
  return std::string(key) + "= has " + std::to_string(patterns.size()) +
         " patterns; use fewer, the limit is " + std::to_string(kPatternsMax);
}

// Fills `user` from the fields of one line. Returns an empty string, or an error clause.
std::string take_user(const std::vector<std::string_view>& fields, User& user) {
  if (std::string error = token_error(fields[0]); !error.empty()) return "the token " + error;
  if (fields.size() < 2)
    return "the user is missing after the token; write TOKEN USER read=PATTERN";
  if (fields[1].starts_with("read=") || fields[1].starts_with("write=")) {
    return "the user is missing between the token and its rights; write TOKEN USER read=PATTERN";
  }
  if (!room_name_error(fields[1]).empty()) {
    return "the user name is not valid; write 1 to " + std::to_string(kRoomNameMax) +
           " bytes of UTF-8 without control bytes";
  }
  user.name = fields[1];
  std::array<bool, 2> seen{};
  for (std::size_t i = 2; i < fields.size(); ++i) {
    if (std::string error = take_right(fields[i], user, seen); !error.empty()) return error;
  }
  return {};
}

bool has_control_byte(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
  });
}

bool fits_any(const std::vector<std::string>& patterns, std::string_view room) noexcept {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& each) { return room_fits(each, room); });
}

}  // namespace

bool User::may_read(std::string_view room) const noexcept { return fits_any(read, room); }
bool User::may_write(std::string_view room) const noexcept { return fits_any(write, room); }

std::vector<const User*> UserTable::successors(const UserTable& next) const {
  std::vector<const User*> found(users_.size(), nullptr);
  tokens_.for_each(
      [&](std::size_t position, std::string_view token) { found[position] = next.find(token); });
  return found;
}

AuthFile parse_auth_file(std::string_view name, std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> tokens;
  std::vector<User> users;
  std::unordered_map<std::string_view, std::size_t> lines;  // line number by token
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string error;
    User user;
    const std::vector<std::string_view> fields = fields_of(line);
    if (has_control_byte(line)) {
      error = "the line contains a control byte; remove it";
    } else if (fields.empty()) {
      continue;
    } else {
      error = take_user(fields, user);
    }
    if (error.empty()) {
      const auto [first, fresh] = lines.try_emplace(fields[0], number);
      if (!fresh) {
        error = "the token is already used on line " + std::to_string(first->second) +
                "; give each user a different one";
      } else if (users.size() == UserTable::kMostUsers) {
        error = "there are too many users; the limit is " + std::to_string(UserTable::kMostUsers);
      }
    }
    if (!error.empty()) {
      return {nullptr, std::string(name) + ":" + std::to_string(number) + ": " + error, {}};
    }
    tokens.emplace_back(fields[0]);
    users.push_back(std::move(user));
  }
  AuthFile file;
  if (users.empty()) {
    file.warnings.push_back(std::string(name) + " has no users, so wsd rejects every client");
  }
  file.users = std::make_shared<const UserTable>(tokens, std::move(users));
  return file;
}

AuthFile load_auth_file(const std::string& path) {
  FileText file = read_file({"auth file", "--auth-file", FileKinds::kRegular, kFileBytesMax}, path);
  if (!file.error.empty()) return {nullptr, std::move(file.error), {}};
  AuthFile parsed = parse_auth_file(path, file.text);
  if (std::string warning = token_mode_warning(file, path); !warning.empty()) {
    parsed.warnings.push_back(std::move(warning));
  }
  return parsed;
}

}  // namespace wsd::daemon
