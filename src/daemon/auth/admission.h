// The connections that the users of the auth file have opened, so that a reload can end those whose
// token or right is gone.
#pragma once

#include <wsd/connection.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/auth/auth_file.h"

namespace wsd::daemon {

class Admissions;

// The rights of a user on one connection.
struct Grant {
  std::shared_ptr<const UserTable> users;  // the table that has granted it
  const User* user = nullptr;              // in `users`
  std::string room;                        // empty: a path without a room
  bool write = false;                      // to the room
};

// The grant of a connection, which owns this object. It costs about 130 bytes besides the name of
// the room. Its thread is the connection's.
class Admission : public ConnectionData {
 public:
  // `admissions` must outlive the object.
  Admission(Admissions& admissions, Grant grant);
  ~Admission() override;

 private:
  friend class Admissions;

  Admissions& admissions_;
  Grant grant_;
  // Guarded by the mutex of `admissions_`. The list is of connections that are open.
  Connection connection_;
  Admission* before_ = nullptr;
  Admission* after_ = nullptr;
};

// A connection to close, and the reason for its Close frame.
struct Revocation {
  Connection connection;
  std::string_view reason;  // of static storage
};

// The admissions of all connections, and the table of users that is in force. Any thread.
class Admissions {
 public:
  Admissions() = default;
  Admissions(const Admissions&) = delete;
  Admissions& operator=(const Admissions&) = delete;

  [[nodiscard]] std::shared_ptr<const UserTable> users() const;
  // Puts `next` in force. Returns the open connections whose grants it does not confirm, and knows
  // them no more. It confirms a grant if the token has the same user name, and still has the rights
  // that the grant uses. If memory runs out, throws std::bad_alloc and changes nothing.
  [[nodiscard]] std::vector<Revocation> replace(std::shared_ptr<const UserTable> next);
  // Records the connection of `admission`, which has just been opened. Returns an empty text, or
  // the reason to close it: a table that came into force meanwhile does not confirm the grant.
  [[nodiscard]] std::string_view opened(Admission& admission, const Connection& connection);
  // For Admission, when its connection has ended.
  void remove(Admission& admission) noexcept;

 private:
  void unlink(Admission& admission) noexcept;

  mutable std::mutex mutex_;
  std::shared_ptr<const UserTable> users_;
  Admission* first_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace wsd::daemon
