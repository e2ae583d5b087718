// Exercise 5: tells each newcomer who is in the room.
//   presence [ADDRESS]; then connect to /NAME
#include <wsd/server.h>

#include <set>
#include <string>

#include "serve.h"

namespace {

constexpr std::string_view kRoom = "lobby";
// Without this limit, 10,000 clients that join together would receive 10,000 names each.
constexpr std::size_t kMaxNames = 100;

using Names = std::multiset<std::string>;  // two clients may have the same name

std::string list_of(const Names& present) {
  std::string text = "here:";
  std::size_t listed = 0;
  for (const std::string& name : present) {
    if (++listed > kMaxNames) break;
    text += " " + name;
  }
  if (present.size() <= kMaxNames) return text;
  return text + " and " + std::to_string(present.size() - kMaxNames) + " more";
}

wsd::Handlers presence_handlers(wsd::Hub hub, Names& present) {
  wsd::Handlers handlers;
  handlers.upgrade = [](const wsd::Request& request) {
    return wsd::Upgrade::accept(std::string(request.param("name")));
  };
  // Only receipts use the list. The receipts of one room run one after another on one thread, the
  // room's home reactor, so the list needs no lock.
  handlers.open = [hub, &present](wsd::Connection& newcomer) {
    const std::string name(newcomer.user());
    newcomer.join(kRoom);
    hub.publish(kRoom, wsd::MessageType::kText, name + " joined",
                [&present, newcomer, name](const wsd::Position&) {
                  present.insert(name);
                  newcomer.send_text(list_of(present));
                });
  };
  handlers.close = [hub, &present](wsd::Connection& leaver, const wsd::CloseInfo&) {
    const std::string name(leaver.user());
    hub.publish(kRoom, wsd::MessageType::kText, name + " left",
                [&present, name](const wsd::Position&) {
                  const auto found = present.find(name);
                  if (found != present.end()) present.erase(found);
                });
  };
  return handlers;
}

}  // namespace

int main(int argc, char** argv) {
  Names present;  // before the server, whose receipts use it
  wsd::Server server;
  server.route("/{name}", presence_handlers(server.hub(), present));
  return chat::serve(server, argc > 1 ? argv[1] : "127.0.0.1:9003");
}
