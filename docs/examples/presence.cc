// A lobby whose clients always know each other: a list of names, and then each join and leave.
//   presence [ADDRESS]; then connect WebSockets to /NAME
#include <wsd/server.h>

#include <cstdio>
#include <string>

namespace {

constexpr std::string_view kRoom = "lobby";

std::string line_of(const wsd::PresenceEvent& event) {
  return (event.kind == wsd::PresenceKind::kJoined ? "+ " : "- ") + std::string(event.info);
}

}  // namespace

int main(int argc, char** argv) {
  wsd::ServerOptions options;
  options.presence.enabled = true;
  options.presence.text = line_of;
  wsd::Server server(options);
  const wsd::Hub hub = server.hub();
  wsd::Handlers lobby;
  lobby.open = [hub](wsd::Connection& newcomer) {
    const std::string name(newcomer.path().substr(1));
    if (newcomer.join(kRoom, {}, name) == wsd::SendResult::kTooBig) {
      newcomer.close(wsd::CloseCode::kPolicyViolation, "a name has at most 256 bytes of UTF-8");
      return;
    }
    // The list has the members of one position in the room's order. Messages before that position
    // may come after the list. They change nothing, because the list has the same last state.
    hub.members(kRoom, {}, [newcomer](const wsd::RoomMembers& page) {
      std::string text = "here:";
      for (const wsd::RoomMember& each : page.members) text += " " + each.info;
      newcomer.send_text(page.more ? text + " and more" : text);
    });
  };
  server.route("/{name}", lobby);

  const std::string error = server.listen(argc > 1 ? argv[1] : "127.0.0.1:9007");
  if (!error.empty()) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
  std::fprintf(stderr, "listening on %s\n", server.addresses().front().c_str());
  return server.run_until_signal();
}
