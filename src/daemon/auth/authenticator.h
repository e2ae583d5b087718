// Who gets in: what a request's token allows.
#pragma once

#include <wsd/connection.h>
#include <wsd/http.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "daemon/auth/auth_file.h"
#include "daemon/config/daemon_options.h"

namespace wsd::daemon {

// On the connection of a member that may not write to its room; others have none.
class ReadOnlyMember final : public ConnectionData {};

// Without a file everyone gets in. All methods: any thread.
//
// A table of users never changes; a reload puts another in its place. The mutex guards the pointer
// for the length of its copy, at handshakes and reloads alone: a handshake ends with the table that
// it began with.
class Authenticator {
 public:
  explicit Authenticator(AuthOptions options) : options_(std::move(options)) {}
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  [[nodiscard]] bool guarded() const noexcept { return !options_.file.empty(); }

  // Reads the file and lets its users in from now on, and no others. Where it has an error the
  // users stay as they were. Who is in stays in, whatever became of its token.
  [[nodiscard]] AuthFile load();

  // Verdicts on an opening handshake: for a path that any user may have (401), and for a room
  // (beside that 400 for a name that cannot be one, 403 without the right to read). With
  // ReadOnlyMember for who may not write.
  [[nodiscard]] Upgrade authorize(const Request& request) const;
  [[nodiscard]] Upgrade authorize_room(const Request& request, std::string_view room) const;

 private:
  struct Identity {
    const User* user = nullptr;              // nullptr: `verdict` is why not
    std::shared_ptr<const UserTable> users;  // holds `user`
    Upgrade verdict;
  };

  [[nodiscard]] std::shared_ptr<const UserTable> users() const;
  [[nodiscard]] Identity identify(const Request& request) const;

  const AuthOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<const UserTable> users_;
};

}  // namespace wsd::daemon
