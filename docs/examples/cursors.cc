// Shared cursors. Each message of a client goes to all other clients, and not back to its sender,
// who has drawn its own cursor already.
//   cursors [ADDRESS]; then connect WebSockets to /cursors
#include <wsd/server.h>

#include <cstdio>

int main(int argc, char** argv) {
  wsd::ServerOptions options;
  // Cursors move often. Messages within 20 ms leave together, so a client is sent at most about 50
  // batches per second, however many others move.
  options.delivery_window_ms = 20;
  wsd::Server server(options);
  const wsd::Hub hub = server.hub();
  wsd::Handlers cursors;
  cursors.open = [](wsd::Connection& connection) { connection.join("cursors"); };
  cursors.message = [hub](wsd::Connection& connection, const wsd::Message& message) {
    hub.publish("cursors", message, connection);
  };
  server.route("/cursors", cursors);

  const std::string error = server.listen(argc > 1 ? argv[1] : "127.0.0.1:9004");
  if (!error.empty()) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
  std::fprintf(stderr, "listening on %s\n", server.addresses().front().c_str());
  return server.run();
}
