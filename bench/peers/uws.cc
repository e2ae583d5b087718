// uWebSockets, based on its examples EchoServer and Broadcast: uws [--deflate]. No TLS. Each path
// except /echo is a room, which is a topic of the same name.
#include <App.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

struct Client {
  std::string room;  // empty: echo
};

}  // namespace

int main(int argc, char** argv) {
  const bool deflate = argc > 1 && std::string_view(argv[1]) == "--deflate";
  uWS::App app;
  app.ws<Client>("/*", {.compression = deflate ? uWS::SHARED_COMPRESSOR : uWS::DISABLED,
                        .maxPayloadLength = 16 * 1024 * 1024,
                        .idleTimeout = 120,
                        .maxBackpressure = 16 * 1024 * 1024,
                        .closeOnBackpressureLimit = false,
                        .resetIdleTimeoutOnSend = false,
                        .sendPingsAutomatically = true,
                        .upgrade =
                            [](auto* response, auto* request, auto* context) {
                              const std::string_view path = request->getUrl();
                              response->template upgrade<Client>(
                                  {path == "/echo" ? std::string() : std::string(path)},
                                  request->getHeader("sec-websocket-key"),
                                  request->getHeader("sec-websocket-protocol"),
                                  request->getHeader("sec-websocket-extensions"), context);
                            },
                        .open =
                            [](auto* ws) {
                              const std::string& room = ws->getUserData()->room;
                              if (!room.empty()) ws->subscribe(room);
                            },
                        .message =
                            [&app, deflate](auto* ws, std::string_view message, uWS::OpCode type) {
                              const std::string& room = ws->getUserData()->room;
                              if (room.empty()) {
                                ws->send(message, type, deflate);
                              } else {
                                app.publish(room, message, type);
                              }
                            }})
      .listen("127.0.0.1", 0, [](us_listen_socket_t* listener) {
        if (listener == nullptr) return;
        const int port = us_socket_local_port(0, reinterpret_cast<us_socket_t*>(listener));
        std::fprintf(stderr, "listening on 127.0.0.1:%d\n", port);
      });
  app.run();
}
