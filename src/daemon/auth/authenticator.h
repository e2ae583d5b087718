// Authenticates requests by their token and authorizes them for rooms.
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

// Marks the connection of a member that may not write to its room.
class ReadOnlyMember final : public ConnectionData {};

// Allows every request if there is no auth file. All methods: any thread.
//
// A table of users never changes; a reload replaces it. The mutex guards only the copy of the
// pointer, at handshakes and reloads. A handshake uses one table from beginning to end.
class Authenticator {
 public:
  explicit Authenticator(AuthOptions options) : options_(std::move(options)) {}
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  [[nodiscard]] bool guarded() const noexcept { return !options_.file.empty(); }

  // Reads the file. If it is valid, later requests are checked against it; otherwise the users stay
  // as they were. Open connections stay open even if their token is gone.
  [[nodiscard]] AuthFile load();

  // Judges an opening handshake for a path that is open to every user. Rejects a request without a
  // valid token with 401, and one with several Authorization fields with 400.
  [[nodiscard]] Upgrade authorize(const Request& request) const;
  // Judges an opening handshake for a room. Also rejects an invalid room name with 400, and a user
  // without the right to read with 403. Attaches ReadOnlyMember if the user may not write.
  [[nodiscard]] Upgrade authorize_room(const Request& request, std::string_view room) const;

 private:
  struct Identity {
    const User* user = nullptr;              // nullptr: `verdict` holds the rejection
    std::shared_ptr<const UserTable> users;  // owns `user`
    Upgrade verdict;
  };

  [[nodiscard]] std::shared_ptr<const UserTable> users() const;
  [[nodiscard]] Identity identify(const Request& request) const;

  const AuthOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<const UserTable> users_;
};

}  // namespace wsd::daemon
