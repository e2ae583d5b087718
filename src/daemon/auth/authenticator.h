// Authenticates requests by their token and authorizes them for rooms.
#pragma once

#include <wsd/connection.h>
#include <wsd/http.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/auth/admission.h"
#include "daemon/auth/auth_file.h"
#include "daemon/config/daemon_options.h"

namespace wsd::daemon {

// Marks the connection of a member that may not write to its room.
class ReadOnlyMember final : public Admission {
 public:
  using Admission::Admission;
};

// Allows every request if there is no auth file. All methods: any thread.
//
// A table of users never changes; a reload replaces it. A handshake uses one table from beginning
// to end.
class Authenticator {
 public:
  explicit Authenticator(AuthOptions options) : options_(std::move(options)) {}
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  [[nodiscard]] bool guarded() const noexcept { return !options_.file.empty(); }

  // Reads the file. If it is valid, later requests are checked against it; otherwise the users stay
  // as they were. Before the service.
  [[nodiscard]] AuthFile load();
  // The file, for load_auth_file().
  [[nodiscard]] const std::string& file() const noexcept { return options_.file; }
  // Checks later requests against `users`. Returns the connections that the new users do not allow,
  // for the caller to close: none without AuthOptions::revoke_on_reload.
  [[nodiscard]] std::vector<Revocation> replace(std::shared_ptr<const UserTable> users) {
    return admissions_.replace(std::move(users));
  }

  // Judges an opening handshake for a path that is open to every user. Rejects a request without a
  // valid token with 401, and one with several Authorization fields with 400.
  [[nodiscard]] Upgrade authorize(const Request& request) const;
  // Judges an opening handshake for a room. Also rejects an invalid room name with 400, and a user
  // without the right to read with 403. Attaches ReadOnlyMember if the user may not write.
  [[nodiscard]] Upgrade authorize_room(const Request& request, std::string_view room) const;
  // Must be called when a connection that it has allowed is open, on the connection's thread.
  // Closes the connection if a reload has revoked its grant since the handshake.
  void opened(const Connection& connection) const;

 private:
  struct Identity {
    Grant grant;  // without a user: `verdict` holds the rejection
    Upgrade verdict;
  };

  [[nodiscard]] Identity identify(const Request& request) const;

  const AuthOptions options_;
  mutable Admissions admissions_;
};

}  // namespace wsd::daemon
