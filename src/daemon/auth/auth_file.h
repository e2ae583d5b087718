// The file that says who gets in: one user a line,
//
//   TOKEN USER [read=PATTERN[,PATTERN...]] [write=PATTERN[,PATTERN...]]
//
// with spaces or tabs between. "#" at the start of a line or after a space begins a comment. A
// PATTERN is a room's name in which "*" stands for any characters, none included. A right that is
// not written is not given.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/auth/bearer.h"

namespace wsd::daemon {

struct User {
  std::string name;
  std::vector<std::string> read;  // patterns of the rooms it may join
  std::vector<std::string> write;

  [[nodiscard]] bool may_read(std::string_view room) const noexcept;
  [[nodiscard]] bool may_write(std::string_view room) const noexcept;
};

// Constant; any thread.
class UserTable {
 public:
  static constexpr std::size_t kMostUsers = 10'000;

  // `tokens` and `users` belong together, place by place.
  UserTable(const std::vector<std::string>& tokens, std::vector<User> users)
      : tokens_(tokens), users_(std::move(users)) {}

  // nullptr when nobody has it. Valid as long as the table.
  [[nodiscard]] const User* find(std::string_view token) const noexcept {
    const std::size_t place = tokens_.find(token);
    return place == SecretSet::kNone ? nullptr : &users_[place];
  }
  [[nodiscard]] std::size_t size() const noexcept { return users_.size(); }

 private:
  SecretSet tokens_;
  std::vector<User> users_;
};

struct AuthFile {
  std::shared_ptr<const UserTable> users;  // nullptr: see error
  std::string error;                       // a sentence that begins "NAME:LINE: "
  std::vector<std::string> warnings;       // sentences
};

// Refuses tokens that token_error() refuses or that stand there twice, user names and patterns that
// cannot be any, keys that are unknown or stand there twice, control bytes, and more users than
// kMostUsers. No sentence has a token in it, nor anything that may be one in the wrong place.
// `name` is for the sentences alone.
[[nodiscard]] AuthFile parse_auth_file(std::string_view name, std::string_view text);

// Reads a file of at most 8 MiB and parses it; warns where others than its owner and group may read
// it.
[[nodiscard]] AuthFile load_auth_file(const std::string& path);

}  // namespace wsd::daemon
