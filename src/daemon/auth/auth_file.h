// The auth file: users with their tokens and rights, one user per line.
//
//   TOKEN USER [read=PATTERN[,PATTERN...]] [write=PATTERN[,PATTERN...]]
//
// Spaces or tabs separate the fields. "#" at the start of a line or after a space begins a comment.
// A PATTERN is a room name in which "*" matches any number of characters, also none. A user has
// only the rights that its line lists.
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
  std::vector<std::string> read;   // patterns of the rooms that the user may join
  std::vector<std::string> write;  // patterns of the rooms that it may write to

  [[nodiscard]] bool may_read(std::string_view room) const noexcept;
  [[nodiscard]] bool may_write(std::string_view room) const noexcept;
  [[nodiscard]] bool operator==(const User& other) const = default;
};

// Finds a user by token. Immutable; any thread.
class UserTable {
 public:
  static constexpr std::size_t kMostUsers = 10'000;

  // `tokens[i]` is the token of `users[i]`.
  UserTable(const std::vector<std::string>& tokens, std::vector<User> users)
      : tokens_(tokens), users_(std::move(users)) {}

  // Returns nullptr if no user has this token. The pointer is valid as long as the table.
  [[nodiscard]] const User* find(std::string_view token) const noexcept {
    const std::size_t place = tokens_.find(token);
    return place == SecretSet::kNone ? nullptr : &users_[place];
  }
  [[nodiscard]] std::size_t size() const noexcept { return users_.size(); }
  // Returns the position of a user that find() has returned, below size().
  [[nodiscard]] std::size_t position(const User& user) const noexcept {
    return static_cast<std::size_t>(&user - users_.data());
  }
  // Returns for each position the user with the same token in `next`, or nullptr.
  [[nodiscard]] std::vector<const User*> successors(const UserTable& next) const;

 private:
  SecretSet tokens_;
  std::vector<User> users_;
};

struct AuthFile {
  std::shared_ptr<const UserTable> users;  // nullptr if there is an error
  std::string error;                       // a sentence that begins with "NAME:LINE: "
  std::vector<std::string> warnings;       // sentences
};

// Rejects duplicate tokens and those that token_error() rejects, invalid user names and patterns,
// unknown and duplicate keys, control bytes, and more users than UserTable::kMostUsers. No sentence
// contains a token, or text that may be a misplaced token. `name` appears only in the sentences.
[[nodiscard]] AuthFile parse_auth_file(std::string_view name, std::string_view text);

// Reads a regular file of at most 8 MiB and parses it. Warns if users other than its owner and
// group may read it.
[[nodiscard]] AuthFile load_auth_file(const std::string& path);

}  // namespace wsd::daemon
