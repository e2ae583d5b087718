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

// A client on each reactor, with whom nothing is the matter, is served to the end.
void witness(Stage& stage, std::uint32_t reactors = 2) {
  for (std::uint32_t i = 0; i < reactors; ++i) {
    Client& client = stage.open("witness " + std::to_string(i), i, "/echo");
    stage.echo(client, "still here");
  }
}

// Small messages, whole and in fragments, Pings both ways, the peer's Close.
void run_echo(Stage& stage) {
  Client& witness = stage.open("witness", 0, "/echo");
  Client& client = stage.open("client", 0, "/echo");
  stage.echo(client, "hello");
  client.send(client_frame(kText, "in ", false) + client_frame(kPing, "mid") +
              client_frame(0, "two ", false));
  stage.expect(client, {kPong, "mid"});
  client.send(client_frame(0, "three"));
  stage.expect(client, {kText, "in two three"});
  const std::string split = client_frame(kBinary, std::string(300, 'b'));
  client.send(split.substr(0, 3));
  stage.quiet();
  client.send(split.substr(3));
  stage.expect(client, {kBinary, std::string(300, 'b')});
  stage.pass(26'000);
  stage.must(client, client.take_frame() == std::nullopt && client.pings() > 0, "no Ping");
  client.send(client_frame(kClose, close_payload(1000, "done")));
  stage.expect(client, {kClose, close_payload(1000)});
  stage.expect_end(client, Client::End::kFin, "peer_closed");
  stage.echo(witness, "still here");
}

// A message of 3 MiB in three fragments, echoed to a peer that reads late.
void run_large(Stage& stage) {
  static const std::string message = pattern((std::size_t{3} << 20) + 5, 7);
  static const std::string frames = [] {
    const std::size_t third = message.size() / 3;
    return client_frame(kBinary, std::string_view(message).substr(0, third), false) +
           client_frame(0, std::string_view(message).substr(third, third), false) +
           client_frame(0, std::string_view(message).substr(2 * third));
  }();
  Client& client = stage.open("client", 0, "/echo");
  Client& witness = stage.open("witness", 0, "/echo");
  client.set_deaf(true);
  client.send(frames);
  stage.quiet();
  stage.echo(witness, "meanwhile");
  client.set_deaf(false);
  stage.expect(client, {kBinary, message});
  stage.echo(client, "and small again");
  stage.echo(witness, "still here");
}

// Whoever hears, hears all in one order; what a member misses is of a publisher that was struck.
void judge_order(Stage& stage, const std::vector<Client*>& members,
                 const std::vector<Client*>& sources, int messages) {
  std::vector<std::vector<std::string>> heard(members.size());
  const auto complete = [&](const std::vector<std::string>& log, std::size_t source) {
    return std::count_if(log.begin(), log.end(), [&](const std::string& each) {
             return each[0] == static_cast<char>('a' + source);
           }) >= messages;
  };
  static_cast<void>(stage.until([&] {
    bool all = true;
    for (std::size_t i = 0; i < members.size(); ++i) {
      while (const auto frame = members[i]->take_frame()) {
        stage.must(*members[i], frame->opcode == kText, "opcode of a room's message");
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
    if (members[i]->harmed()) continue;
    if (members[i]->end() != Client::End::kOpen) members[i]->note_harm("ended in the room");
    for (std::size_t s = 0; s < sources.size(); ++s) {
      int next = 0;
      for (const std::string& each : heard[i]) {
        if (each[0] != static_cast<char>('a' + s)) continue;
        const std::string number = std::to_string(next++);
        stage.must(*members[i], each.substr(1, number.size() + 1) == number + " ",
                   "after " + number + " came " + each.substr(0, 10));
      }
      const bool excused = sources[s]->harmed() || stage.was_struck(*sources[s]) ||
                           sources[s]->end() != Client::End::kOpen;
      stage.must(*members[i], next == messages || excused,
                 std::to_string(next) + " of " + std::to_string(messages));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (members[j]->harmed() || members[i]->harmed()) continue;
      const auto shorter = std::min(heard[i].size(), heard[j].size());
      stage.must(
          *members[i],
          std::equal(heard[i].begin(), heard[i].begin() + static_cast<std::ptrdiff_t>(shorter),
                     heard[j].begin()),
          "another order than " + members[j]->name());
    }
  }
}

// Three members on two reactors, one of them slow; two publish at the same time. `extra`: what
// they ask for in the handshake.
void room(Stage& stage, std::string_view extra) {
  constexpr int kMessages = 12;
  const std::string path = stage.room_at(1);
  std::vector<Client*> members;
  for (const char* name : {"first", "second", "slow"}) {
    Client& each = stage.open(name, members.size() % 2, path, extra);
    if (!extra.empty()) each.agree_on_deflate(false);
    members.push_back(&each);
  }
  // So that all have joined: a round through the room's home for each.
  stage.quiet();
  Client& slow = *members.back();
  slow.set_deaf(true);
  const std::vector<Client*> sources = {members[0], members[1]};
  for (int i = 0; i < kMessages; ++i) {
    for (std::size_t s = 0; s < sources.size(); ++s) {
      sources[s]->say(kText, static_cast<char>('a' + s) + std::to_string(i) + " " +
                                 std::string(i % 4 == 3 ? 30'000 : 40, 'r'));
    }
    if (i % 3 == 2) stage.quiet();
  }
  stage.quiet();
  slow.set_deaf(false);
  judge_order(stage, members, sources, kMessages);
  members[1]->say(kText, "leave");
  stage.expect(*members[1], {kText, "leave"});
  members[0]->say(kText, "who is left?");
  stage.expect(*members[0], {kText, "who is left?"});
  stage.expect(slow, {kText, "who is left?"}, members[0]);
}

void run_room(Stage& stage) { room(stage, {}); }
void run_deflate_room(Stage& stage) { room(stage, kOffer); }

// A room whose slow member's backlog is deep: nothing of it is lost.
void run_backlog(Stage& stage) {
  constexpr int kMessages = 14;
  const std::string path = stage.room_at(0);
  Client& publisher = stage.open("publisher", 1, path);
  Client& slow = stage.open("slow", 0, path);
  stage.quiet();
  slow.set_deaf(true);
  const auto text = [](int i) { return std::to_string(i) + std::string(60'000, 'x'); };
  for (int i = 0; i < kMessages; ++i) {
    publisher.say(kText, text(i));
    stage.expect(publisher, {kText, text(i)});
  }
  slow.send(client_frame(kPing, "a"));
  slow.send(client_frame(kPing, "b"));
  stage.quiet();
  slow.set_deaf(false);
  // The last Ping is answered, the first perhaps with it, before or behind the messages.
  bool answered = false;
  const auto is_pong = [&](const std::optional<test::WireFrame>& each) {
    answered = answered || each == test::WireFrame{kPong, "b"};
    return each && each->opcode == kPong;
  };
  for (int i = 0; i < kMessages && !slow.harmed(); ++i) {
    std::optional<test::WireFrame> frame;
    static_cast<void>(stage.until([&] {
      do {
        frame = slow.take_frame();
      } while (is_pong(frame));
      return frame || slow.end() != Client::End::kOpen;
    }));
    const bool excused = publisher.harmed() || stage.was_struck(publisher);
    if (!frame && excused && slow.end() == Client::End::kOpen) break;
    stage.must(slow, frame == test::WireFrame{kText, text(i)}, "message " + std::to_string(i));
  }
  static_cast<void>(stage.until([&] {
    while (!answered && is_pong(slow.take_frame())) {
    }
    return answered || slow.harmed() || slow.end() != Client::End::kOpen;
  }));
  stage.must(slow, answered, "no Pong");
  stage.echo(stage.open("witness", 0, "/echo"), "still here");
}

void deflate(Stage& stage, bool context_takeover) {
  Client& witness = stage.open("witness", 0, "/echo");
  Client& client = stage.connect("client", 0);
  client.send(test::upgrade_request("/echo", kOffer));
  const std::string head = stage.expect_head(client, "HTTP/1.1 101 ");
  stage.must(client, head.find("permessage-deflate") != std::string::npos, "no compression");
  stage.must(client,
             (head.find("server_no_context_takeover") == std::string::npos) == context_takeover,
             "other terms of compression");
  if (client.harmed()) return;
  client.agree_on_deflate(context_takeover);
  stage.echo(client, std::string(200, 'z'));
  stage.echo(client, pattern(50, 3).append(3000, 'q').append(std::string(200, 'z')).substr(60));
  const std::string large(200'000, 'm');
  stage.echo(client, large);
  stage.echo(client, "short");
  stage.echo(witness, "still here");
}

void run_deflate(Stage& stage) { deflate(stage, false); }
void run_takeover(Stage& stage) { deflate(stage, true); }

// Pages on one connection, a head in pieces, refusals.
void run_http(Stage& stage) {
  const std::string host = "Host: server.example.com\r\n";
  Client& client = stage.connect("client", 0);
  client.send("GET /page HTTP/1.1\r\n" + host);
  stage.quiet();
  client.send("\r\nGET /nowhere HTTP/1.1\r\n" + host + "\r\n");
  const auto body = [&](std::string_view text) {
    stage.until(
        client,
        [&] {
          if (!client.input().starts_with(text)) return false;
          client.input().erase(0, text.size());
          return true;
        },
        "no body");
  };
  static_cast<void>(stage.expect_head(client, "HTTP/1.1 200 "));
  body("you asked for /page" + std::string(200, '.'));
  const std::string missing = stage.expect_head(client, "HTTP/1.1 404 ");
  client.shutdown_write();
  stage.expect_end(client, Client::End::kFin, "http_done");
  Client& refused = stage.connect("refused", 0);
  refused.send(test::upgrade_request("/nowhere"));
  static_cast<void>(stage.expect_head(refused, "HTTP/1.1 404 "));
  stage.expect_end(refused, Client::End::kFin, "handshake_rejected");
  Client& bad = stage.connect("bad", 1);
  bad.send("GET /echo HTTP/1.1\r\nno colon\r\n\r\n");
  static_cast<void>(stage.expect_head(bad, "HTTP/1.1 400 "));
  stage.expect_end(bad, Client::End::kFin, "handshake_rejected");
  witness(stage);
}

// The other ways to end: the application's Close, a violation, half close, EOF, reset.
void run_ends(Stage& stage) {
  Client& closed = stage.open("closed", 0, "/echo");
  closed.say(kText, "close me");
  stage.expect(closed, {kClose, close_payload(1000, "as you wish")});
  closed.send(client_frame(kClose, close_payload(1000)));
  stage.expect_end(closed, Client::End::kFin, "application_closed");
  Client& rude = stage.open("rude", 0, "/echo");
  rude.send(test::server_frame(kText, "not masked"));
  std::optional<test::WireFrame> frame;
  stage.until(
      rude, [&] { return (frame = rude.take_frame()).has_value(); }, "no Close");
  stage.must(rude, frame && frame->payload.starts_with(close_payload(1002)), "no 1002");
  rude.shutdown_write();
  stage.expect_end(rude, Client::End::kFin, "protocol_error");
  Client& half = stage.open("half", 1, "/echo");
  half.send(client_frame(kText, "last words"));
  half.shutdown_write();
  stage.expect(half, {kText, "last words"});
  stage.expect_end(half, Client::End::kFin, "eof");
  Client& gone = stage.open("gone", 1, "/echo");
  stage.echo(gone, "hello");
  gone.expected_cause = "reset";
  gone.reset();
  stage.quiet();
  Client& silent = stage.open("silent", 0, "/echo");
  silent.say(kText, "close me");
  stage.expect(silent, {kClose, close_payload(1000, "as you wish")});
  stage.expect_end(silent, Client::End::kReset, "close_timeout");
  witness(stage);
}

// The drain, with connections in every state.
void run_drain(Stage& stage) {
  stage.echo(stage.open("open", 0, "/echo"), "hello");
  static_cast<void>(stage.open("member", 1, stage.room_at(0)));
  Client& fresh = stage.connect("fresh", 1);
  Client& begun = stage.open("begun", 1, "/echo");
  begun.send(client_frame(kBinary, std::string(100, 'x'), false));
  // Longer than accepting pauses: who waits when a listener closes is reset by the kernel.
  stage.pass(600);
  fresh.expected_cause = "drain";
}

// One listening socket for both reactors.
void run_unix(Stage& stage) {
  std::vector<Client*> all;
  for (const char* name : {"a", "b", "c", "d"}) {
    Client& client = stage.connect(name, 0);
    client.send(test::upgrade_request("/echo"));
    all.push_back(&client);
  }
  for (Client* each : all) {
    static_cast<void>(stage.expect_head(*each, "HTTP/1.1 101 "));
    stage.echo(*each, "hello");
  }
}

constexpr Stage::Options kPlain{};
// Also where much is sent: a Unix socket takes and gives bytes at once, and TCP by its own clock.
constexpr Stage::Options kUnix{.reactors = 2, .unix_socket = true};
constexpr Stage::Options kTakeover{.reactors = 2, .context_takeover = true};

constexpr std::array kAll = {
    Scenario{"echo", kPlain, run_echo},
    Scenario{"large", kUnix, run_large},
    Scenario{"room", kPlain, run_room},
    Scenario{"backlog", kUnix, run_backlog},
    Scenario{"http", kPlain, run_http},
    Scenario{"ends", kPlain, run_ends},
    Scenario{"drain", kPlain, run_drain, true},
    Scenario{"unix", kUnix, run_unix},
    // These need zlib, and come last.
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
