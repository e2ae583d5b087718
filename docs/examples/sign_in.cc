// Rooms behind a sign-in with a cookie. Each route has limits of its own.
//   sign_in [ADDRESS]; then
//   curl -i -X POST 'http://ADDRESS/sign-in?user=ann'     sets the cookie "session"
//   connect a WebSocket to /rooms/lobby or /rooms/team/a with that cookie
#include <wsd/check.h>
#include <wsd/server.h>

#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace {

// The signed-in users by their session. Several reactors use it, so it has a lock.
class Sessions {
 public:
  std::string add(std::string user) {
    std::random_device random;
    std::string id;
    for (int i = 0; i < 8; ++i) id += std::to_string(random());
    const std::lock_guard lock(mutex_);
    users_[id] = std::move(user);
    return id;
  }
  [[nodiscard]] std::optional<std::string> user(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    const auto found = users_.find(id);
    return found == users_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> users_;
};

wsd::Response sign_in(const wsd::Request& request, Sessions& sessions) {
  wsd::Response response;
  const std::string user = request.query_param("user").value_or("");
  if (user.empty() || user.size() > 32 || !wsd::is_utf8(user)) {
    response.status = 400;
    response.body = "Add ?user=NAME, at most 32 bytes.\n";
    return response;
  }
  response.headers = {{"Set-Cookie", "session=" + sessions.add(user) + "; Path=/; HttpOnly"}};
  response.body = "signed in\n";
  return response;
}

}  // namespace

int main(int argc, char** argv) {
  wsd::ServerOptions options;
  // A sink may write to any log system. It runs on the thread of the log.
  options.log.sink = [](wsd::LogLevel, std::string_view line) {
    std::fprintf(stderr, "sign_in %.*s\n", static_cast<int>(line.size()), line.data());
  };
  Sessions sessions;
  wsd::Server server(options);
  const wsd::Hub hub = server.hub();
  server.http("POST", "/sign-in",
              [&sessions](const wsd::Request& request) { return sign_in(request, sessions); });

  wsd::Handlers room;
  room.upgrade = [&sessions](const wsd::Request& request) {
    const auto user = sessions.user(request.cookie("session").value_or(""));
    if (!user) return wsd::Upgrade::reject(401, "Sign in first: POST /sign-in?user=NAME.\n");
    return wsd::Upgrade::accept(*user);
  };
  room.open = [](wsd::Connection& connection) { connection.join(connection.path()); };
  room.message = [hub](wsd::Connection& from, const wsd::Message& message) {
    hub.publish(from.path(), message.type,
                std::string(from.user()) + ": " + std::string(message.payload));
  };
  // A chat needs short messages, and few of them.
  wsd::RouteOptions chat;
  chat.max_message_bytes = 4'096;
  chat.max_messages_per_second = 20;
  chat.slow_policy = wsd::SlowPolicy::kDropOldest;
  server.route("/rooms/{room...}", room, chat);

  const std::string error = server.listen(argc > 1 ? argv[1] : "127.0.0.1:9003");
  if (!error.empty()) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
  std::fprintf(stderr, "listening on %s\n", server.addresses().front().c_str());
  return server.run_until_signal();
}
