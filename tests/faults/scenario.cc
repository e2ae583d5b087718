#include "faults/scenario.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "protocol/deflate.h"

namespace wsd::faults {
namespace {

using test::client_frame;
using test::close_payload;
using test::kBinary;
using test::kClose;
using test::kPing;
using test::kPong;
using test::kText;

constexpr std::string_view kOffer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

std::string pattern(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  unsigned state = seed;
  for (char& each : bytes) {
    state = state * 1664525 + 1013904223;
    each = static_cast<char>(state >> 24);
  }
  return bytes;
}

// Serves a client on each reactor that no fault may affect.
void echo_on_each_reactor(Harness& harness, std::uint32_t reactors = 2) {
  for (std::uint32_t i = 0; i < reactors; ++i) {
    Client& client = harness.open("witness " + std::to_string(i), i, "/echo");
    harness.echo(client, "still here");
  }
}

// Small messages, whole and fragmented; Pings in both directions; a Close from the peer.
void run_echo(Harness& harness) {
  Client& witness = harness.open("witness", 0, "/echo");
  Client& client = harness.open("client", 0, "/echo");
  harness.echo(client, "hello");
  client.send(client_frame(kText, "in ", false) + client_frame(kPing, "mid") +
              client_frame(0, "two ", false));
  harness.expect(client, {kPong, "mid"});
  client.send(client_frame(0, "three"));
  harness.expect(client, {kText, "in two three"});
  const std::string split = client_frame(kBinary, std::string(300, 'b'));
  client.send(split.substr(0, 3));
  harness.quiet();
  client.send(split.substr(3));
  harness.expect(client, {kBinary, std::string(300, 'b')});
  harness.pass(26'000);
  harness.must(client, client.take_frame() == std::nullopt && client.pings() > 0, "no Ping");
  client.send(client_frame(kClose, close_payload(1000, "done")));
  harness.expect(client, {kClose, close_payload(1000, "done")});
  harness.expect_end(client, Client::End::kFin, "peer_closed");
  harness.echo(witness, "still here");
}

// A message of 3 MiB in three fragments, echoed to a peer that reads late.
void run_large(Harness& harness) {
  static const std::string message = pattern((std::size_t{3} << 20) + 5, 7);
  static const std::string frames = [] {
    const std::size_t third = message.size() / 3;
    return client_frame(kBinary, std::string_view(message).substr(0, third), false) +
           client_frame(0, std::string_view(message).substr(third, third), false) +
           client_frame(0, std::string_view(message).substr(2 * third));
  }();
  Client& client = harness.open("client", 0, "/echo");
  Client& witness = harness.open("witness", 0, "/echo");
  client.set_paused(true);
  client.send(frames);
  harness.quiet();
  harness.echo(witness, "meanwhile");
  client.set_paused(false);
  harness.expect(client, {kBinary, message});
  harness.echo(client, "and small again");
  harness.echo(witness, "still here");
}

// Checks that all members received the messages in one order. A member may miss messages only of a
// publisher that the fault hit.
void check_order(Harness& harness, const std::vector<Client*>& members,
                 const std::vector<Client*>& sources, int messages) {
  std::vector<std::vector<std::string>> heard(members.size());
  const auto complete = [&](const std::vector<std::string>& log, std::size_t source) {
    return std::count_if(log.begin(), log.end(), [&](const std::string& each) {
             return each[0] == static_cast<char>('a' + source);
           }) >= messages;
  };
  static_cast<void>(harness.until([&] {
    bool all = true;
    for (std::size_t i = 0; i < members.size(); ++i) {
      while (const auto frame = members[i]->take_frame()) {
        harness.must(*members[i], frame->opcode == kText, "opcode of a room's message");
        if (frame->opcode != kText) break;
        heard[i].push_back(frame->payload);
      }
      for (std::size_t s = 0; s < sources.size(); ++s) {
        all = all && (complete(heard[i], s) || members[i]->end() != Client::End::kOpen);
      }
    }
    return all;
  }));
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i]->failed()) continue;
    if (members[i]->end() != Client::End::kOpen) members[i]->note_failure("ended in the room");
    for (std::size_t s = 0; s < sources.size(); ++s) {
      int next = 0;
      for (const std::string& each : heard[i]) {
        if (each[0] != static_cast<char>('a' + s)) continue;
        const std::string number = std::to_string(next++);
        harness.must(*members[i], each.substr(1, number.size() + 1) == number + " ",
                     "after " + number + " came " + each.substr(0, 10));
      }
      const bool excused = sources[s]->failed() || harness.was_hit(*sources[s]) ||
                           sources[s]->end() != Client::End::kOpen;
      harness.must(*members[i], next == messages || excused,
                   std::to_string(next) + " of " + std::to_string(messages));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (members[j]->failed() || members[i]->failed()) continue;
      const auto shorter = std::min(heard[i].size(), heard[j].size());
      harness.must(
          *members[i],
          std::equal(heard[i].begin(), heard[i].begin() + static_cast<std::ptrdiff_t>(shorter),
                     heard[j].begin()),
          "another order than " + members[j]->name());
    }
  }
}

// Three members on two reactors, one of them slow. Two members publish at the same time. `extra`:
// additional header fields of their handshakes.
void room(Harness& harness, std::string_view extra) {
  constexpr int kMessages = 12;
  const std::string path = harness.room_at(1);
  std::vector<Client*> members;
  for (const char* name : {"first", "second", "slow"}) {
    Client& each = harness.open(name, members.size() % 2, path, extra);
    if (!extra.empty()) each.agree_on_deflate(false);
    members.push_back(&each);
  }
  // A round trip through the room's home shard for each member, so that all have joined.
  harness.quiet();
  Client& slow = *members.back();
  slow.set_paused(true);
  const std::vector<Client*> sources = {members[0], members[1]};
  for (int i = 0; i < kMessages; ++i) {
    for (std::size_t s = 0; s < sources.size(); ++s) {
      sources[s]->say(kText, static_cast<char>('a' + s) + std::to_string(i) + " " +
                                 std::string(i % 4 == 3 ? 30'000 : 40, 'r'));
    }
    if (i % 3 == 2) harness.quiet();
  }
  harness.quiet();
  slow.set_paused(false);
  check_order(harness, members, sources, kMessages);
  members[1]->say(kText, "leave");
  harness.expect(*members[1], {kText, "leave"});
  members[0]->say(kText, "who is left?");
  harness.expect(*members[0], {kText, "who is left?"});
  harness.expect(slow, {kText, "who is left?"}, members[0]);
}

void run_room(Harness& harness) { room(harness, {}); }
void run_deflate_room(Harness& harness) { room(harness, kOffer); }

// A room with a slow member that has a long backlog. No message of it may be lost.
void run_backlog(Harness& harness) {
  constexpr int kMessages = 14;
  const std::string path = harness.room_at(0);
  Client& publisher = harness.open("publisher", 1, path);
  Client& slow = harness.open("slow", 0, path);
  harness.quiet();
  slow.set_paused(true);
  const auto text = [](int i) { return std::to_string(i) + std::string(60'000, 'x'); };
  for (int i = 0; i < kMessages; ++i) {
    publisher.say(kText, text(i));
    harness.expect(publisher, {kText, text(i)});
  }
  slow.send(client_frame(kPing, "a"));
  slow.send(client_frame(kPing, "b"));
  harness.quiet();
  slow.set_paused(false);
  // The last Ping must be answered. The first may be answered too, before or after the messages.
  bool answered = false;
  const auto is_pong = [&](const std::optional<test::WireFrame>& each) {
    answered = answered || each == test::WireFrame{kPong, "b"};
    return each && each->opcode == kPong;
  };
  for (int i = 0; i < kMessages && !slow.failed(); ++i) {
    std::optional<test::WireFrame> frame;
    static_cast<void>(harness.until([&] {
      do {
        frame = slow.take_frame();
      } while (is_pong(frame));
      return frame || slow.end() != Client::End::kOpen;
    }));
    const bool excused = publisher.failed() || harness.was_hit(publisher);
    if (!frame && excused && slow.end() == Client::End::kOpen) break;
    harness.must(slow, frame == test::WireFrame{kText, text(i)}, "message " + std::to_string(i));
  }
  static_cast<void>(harness.until([&] {
    while (!answered && is_pong(slow.take_frame())) {
    }
    return answered || slow.failed() || slow.end() != Client::End::kOpen;
  }));
  harness.must(slow, answered, "no Pong");
  harness.echo(harness.open("witness", 0, "/echo"), "still here");
}

void deflate(Harness& harness, bool context_takeover) {
  Client& witness = harness.open("witness", 0, "/echo");
  Client& client = harness.connect("client", 0);
  client.send(test::upgrade_request("/echo", kOffer));
  const std::string head = harness.expect_head(client, "HTTP/1.1 101 ");
  harness.must(client, head.find("permessage-deflate") != std::string::npos, "no compression");
  harness.must(client,
               (head.find("server_no_context_takeover") == std::string::npos) == context_takeover,
               "other terms of compression");
  if (client.failed()) return;
  client.agree_on_deflate(context_takeover);
  harness.echo(client, std::string(200, 'z'));
  harness.echo(client, pattern(50, 3).append(3000, 'q').append(std::string(200, 'z')).substr(60));
  const std::string large(200'000, 'm');
  harness.echo(client, large);
  harness.echo(client, "short");
  harness.echo(witness, "still here");
}

void run_deflate(Harness& harness) { deflate(harness, false); }
void run_takeover(Harness& harness) { deflate(harness, true); }

// Pages on one connection, a request head in pieces, rejections.
void run_http(Harness& harness) {
  const std::string host = "Host: server.example.com\r\n";
  Client& client = harness.connect("client", 0);
  client.send("GET /page HTTP/1.1\r\n" + host);
  harness.quiet();
  client.send("\r\nGET /nowhere HTTP/1.1\r\n" + host + "\r\n");
  const auto body = [&](std::string_view text) {
    harness.until(
        client,
        [&] {
          if (!client.input().starts_with(text)) return false;
          client.input().erase(0, text.size());
          return true;
        },
        "no body");
  };
  static_cast<void>(harness.expect_head(client, "HTTP/1.1 200 "));
  body("you asked for /page" + std::string(200, '.'));
  const std::string missing = harness.expect_head(client, "HTTP/1.1 404 ");
  client.shutdown_write();
  harness.expect_end(client, Client::End::kFin, "http_done");
  Client& refused = harness.connect("refused", 0);
  refused.send(test::upgrade_request("/nowhere"));
  static_cast<void>(harness.expect_head(refused, "HTTP/1.1 404 "));
  harness.expect_end(refused, Client::End::kFin, "handshake_rejected");
  Client& bad = harness.connect("bad", 1);
  bad.send("GET /echo HTTP/1.1\r\nno colon\r\n\r\n");
  static_cast<void>(harness.expect_head(bad, "HTTP/1.1 400 "));
  harness.expect_end(bad, Client::End::kFin, "handshake_rejected");
  echo_on_each_reactor(harness);
}

// The other ways to end: Close by the application, violation, half close, EOF, reset.
void run_ends(Harness& harness) {
  Client& closed = harness.open("closed", 0, "/echo");
  closed.say(kText, "close me");
  harness.expect(closed, {kClose, close_payload(1000, "as you wish")});
  closed.send(client_frame(kClose, close_payload(1000)));
  harness.expect_end(closed, Client::End::kFin, "application_closed");
  Client& rude = harness.open("rude", 0, "/echo");
  rude.send(test::server_frame(kText, "not masked"));
  std::optional<test::WireFrame> frame;
  harness.until(
      rude, [&] { return (frame = rude.take_frame()).has_value(); }, "no Close");
  harness.must(rude, frame && frame->payload.starts_with(close_payload(1002)), "no 1002");
  rude.shutdown_write();
  harness.expect_end(rude, Client::End::kFin, "protocol_error");
  Client& half = harness.open("half", 1, "/echo");
  half.send(client_frame(kText, "last words"));
  half.shutdown_write();
  harness.expect(half, {kText, "last words"});
  harness.expect_end(half, Client::End::kFin, "eof");
  Client& gone = harness.open("gone", 1, "/echo");
  harness.echo(gone, "hello");
  gone.expected_cause = "reset";
  gone.reset();
  harness.quiet();
  Client& silent = harness.open("silent", 0, "/echo");
  silent.say(kText, "close me");
  harness.expect(silent, {kClose, close_payload(1000, "as you wish")});
  silent.send(client_frame(kPong, ""));  // its segment acknowledges the Close without a delay
  harness.quiet();
  harness.expect_end(silent, Client::End::kFin, "close_timeout");
  echo_on_each_reactor(harness);
}

// A drain with connections in every state.
void run_drain(Harness& harness) {
  harness.echo(harness.open("open", 0, "/echo"), "hello");
  static_cast<void>(harness.open("member", 1, harness.room_at(0)));
  Client& fresh = harness.connect("fresh", 1);
  Client& begun = harness.open("begun", 1, "/echo");
  begun.send(client_frame(kBinary, std::string(100, 'x'), false));
  // Longer than a pause of accepting. The kernel resets clients that still wait when a listener
  // closes.
  harness.pass(600);
  fresh.expected_cause = "drain";
}

// Both reactors share one listening socket.
void run_unix(Harness& harness) {
  std::vector<Client*> all;
  for (const char* name : {"a", "b", "c", "d"}) {
    Client& client = harness.connect(name, 0);
    client.send(test::upgrade_request("/echo"));
    all.push_back(&client);
  }
  for (Client* each : all) {
    static_cast<void>(harness.expect_head(*each, "HTTP/1.1 101 "));
    harness.echo(*each, "hello");
  }
}

constexpr Harness::Options kPlain{};
// Scenarios that send much also run on a Unix socket, which transfers bytes at once. TCP follows
// its own timers.
constexpr Harness::Options kUnix{.reactors = 2, .unix_socket = true};
constexpr Harness::Options kTakeover{.reactors = 2, .context_takeover = true};

constexpr std::array kAll = {
    Scenario{"echo", kPlain, run_echo},
    Scenario{"large", kUnix, run_large},
    Scenario{"room", kPlain, run_room},
    Scenario{"backlog", kUnix, run_backlog},
    Scenario{"http", kPlain, run_http},
    Scenario{"ends", kPlain, run_ends},
    Scenario{"drain", kPlain, run_drain, true},
    Scenario{"unix", kUnix, run_unix},
    // These need zlib, and run last.
    Scenario{"deflate", kPlain, run_deflate},
    Scenario{"takeover", kTakeover, run_takeover},
    Scenario{"deflate_room", kPlain, run_deflate_room},
};
constexpr std::size_t kNeedZlib = 3;

}  // namespace

std::span<const Scenario> scenarios() {
  return std::span(kAll).first(kAll.size() - (protocol::have_deflate() ? 0 : kNeedZlib));
}

}  // namespace wsd::faults
