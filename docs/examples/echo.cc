// An echo server.
//   echo [ADDRESS]; then connect a WebSocket to /echo
#include <wsd/server.h>

#include <cstdio>

int main(int argc, char** argv) {
  wsd::Server server;
  wsd::Handlers echo;
  echo.message = [](wsd::Connection& from, const wsd::Message& message) { from.send(message); };
  server.route("/echo", echo);
  const std::string error = server.listen(argc > 1 ? argv[1] : "127.0.0.1:9003");
  if (!error.empty()) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  std::fprintf(stderr, "listening on %s\n", server.addresses().front().c_str());
  return server.run_until_signal();
}
