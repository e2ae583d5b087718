// Users, tokens and rights of the real daemon.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

const std::string kAnn = "ann-S3CRET-0123456789";
const std::string kBob = "bob-S3CRET-0123456789";
const std::string kUsers = "# who gets in\n" + kAnn + " ann read=* write=*\n" + kBob +
                           " bob read=news,chat-* write=chat-*\n";

// A user file, and a daemon that has loaded it.
class Access : public ::testing::Test {
 protected:
  Access() { write(kUsers); }

  void start(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--auth-file", path(), "--log-level", "debug"});
    server_ = std::make_unique<ServerProcess>(more);
    ASSERT_TRUE(server_->listening());
  }
  // No output contains a token, whatever the test did.
  void TearDown() override {
    if (server_ == nullptr) return;
    EXPECT_TRUE(server_->ends_cleanly());
    EXPECT_EQ(server_->process().output().find("S3CRET"), std::string::npos)
        << server_->process().output();
  }

  ServerProcess& server() { return *server_; }
  std::string path() const { return directory_.file("users"); }
  // Writes the whole file or nothing.
  void write(const std::string& text) {
    const std::string fresh = directory_.write("fresh", text);
    ::chmod(fresh.c_str(), 0600);
    std::filesystem::rename(fresh, path());
  }
  // Sends SIGHUP and returns the log line about the user file.
  std::string reload() {
    const std::size_t from = server().process().lines().size();
    server().signal(SIGHUP);
    return server()
        .process()
        .wait_for_line("event=auth_reload .*(loaded|current)", from)
        .value_or("no line");
  }
  // Returns the response to a handshake.
  HttpResponse ask(const RequestText& request) {
    RawClient client = server().connect();
    client.send(request.text());
    return client.read_response().value_or(HttpResponse{});
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<ServerProcess> server_;
};

RequestText with(const std::string& token, std::string_view target = "/echo") {
  return RequestText::upgrade(target).add("Authorization", "Bearer " + token);
}

TEST_F(Access, WithoutValidToken_UpgradeIsRejected) {
  start();
  for (const char* target : {"/", "/echo", "/rooms/news", "/rooms/%01"}) {
    const std::vector<RequestText> requests = {
        RequestText::upgrade(target),
        with("", target),
        with("wrong-S3CRET-0123456789", target),
        with(kAnn + "x", target),
        with(kAnn.substr(1), target),
        with(std::string(512, 'S'), target),
        with(std::string(7000, 'S'), target),
        RequestText::upgrade(target).add("Authorization", "Basic " + kAnn),
        RequestText::upgrade(target).add("Authorization", kAnn),
        RequestText::upgrade(target).add("Sec-WebSocket-Protocol", "bearer"),
        RequestText::upgrade(target).add("Sec-WebSocket-Protocol", kAnn),
        RequestText::upgrade(target).add("Sec-WebSocket-Protocol", "bearer, chat, " + kAnn),
        RequestText::upgrade(target).add("Cookie", "token=" + kAnn),
        RequestText::upgrade(target).add("Cookie", "wsd_token="),
        RequestText::upgrade(std::string(target) + "?token="),
        RequestText::upgrade(std::string(target) + "?token=" + kAnn + "%"),
        RequestText::upgrade(std::string(target) + "?token=" + kAnn + "%0"),
        RequestText::upgrade(std::string(target) + "?token=" + kAnn + "%00"),
        RequestText::upgrade(std::string(target) + "?token=" + kAnn + "+"),
        RequestText::upgrade(std::string(target) + "?Token=" + kAnn),
    };
    for (const RequestText& request : requests) {
      RawClient client = server().connect();
      client.send(request.text());
      HttpResponse response;
      ASSERT_TRUE(is_refused(client, {401}, &response)) << printable(request.text());
      EXPECT_EQ(response.get("WWW-Authenticate"), "Bearer");
      EXPECT_EQ(response.body.find("S3CRET"), std::string::npos) << response.body;
    }
  }
}

// The right to read is checked before the position. A resumed member without the right to write
// cannot write. POST needs its own token.
TEST_F(Access, RoomHistory_NeedsTheRightToReadTheRoom) {
  start({"--publish", "loopback", "--history-messages", "10"});
  RawClient publisher = server().connect();
  for (const char* room : {"news", "secret"}) {
    publisher.send("POST /rooms/" + std::string(room) +
                   " HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                   "Content-Length: 3\r\n\r\nold");
    ASSERT_EQ(publisher.read_response().value_or(HttpResponse{}).status, 200);
  }
  for (const std::string query : {"?last=5", "?last_event_id=1:1", "?last=x"}) {
    EXPECT_EQ(ask(RequestText::upgrade("/rooms/news" + query)).status, 401);
    EXPECT_EQ(ask(with(kBob, "/rooms/secret" + query)).status, 403);
  }
  EXPECT_EQ(ask(with(kBob, "/rooms/news?last=x")).status, 400);
  for (const std::string query : {"?last=5", "?last_event_id=1:1"}) {
    RawClient bob = server().connect();
    bob.send(with(kBob, "/rooms/news" + query).text());
    ASSERT_TRUE(is_upgraded(bob));
    EXPECT_TRUE(receives_text(bob, "old"));
    bob.send(text_frame("not from me"));
    EXPECT_TRUE(is_closed_with(bob, 1008));
  }
  RawClient ann = server().connect();
  ann.send(RequestText::upgrade("/rooms/secret?last=1")
               .set("Sec-WebSocket-Protocol", "bearer, " + kAnn + ", ws+meta.nchan")
               .text());
  const HttpResponse response = ann.read_response().value_or(HttpResponse{});
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.get("Sec-WebSocket-Protocol"), "ws+meta.nchan");
  const auto frame = ann.read_frame();
  ASSERT_TRUE(frame.has_value());
  EXPECT_TRUE(frame->payload.starts_with("id: ") && frame->payload.ends_with("\n\nold"))
      << frame->payload;
}

TEST_F(Access, PagesNeedNoToken) {
  start();
  EXPECT_EQ(ask(RequestText::get("/")).status, 200);
  EXPECT_EQ(ask(RequestText::get("/healthz?token=" + kAnn)).status, 200);
}

TEST_F(Access, ATokenComesInAnyOfFourPlaces) {
  start();
  const std::string escaped = "%61" + kAnn.substr(1);
  const std::vector<RequestText> requests = {
      with(kAnn),
      RequestText::upgrade("/echo").add("authorization", "bearer " + kAnn),
      RequestText::upgrade("/echo").add("Cookie", "a=b; wsd_token=" + kAnn + "; c=d"),
      RequestText::upgrade("/echo").add("Cookie", "a=b").add("Cookie", "wsd_token=" + kAnn),
      RequestText::upgrade("/echo?token=" + kAnn),
      RequestText::upgrade("/echo?a=b&token=" + escaped),
  };
  for (const RequestText& request : requests) {
    RawClient client = server().connect();
    client.send(request.text());
    ASSERT_TRUE(is_upgraded(client)) << printable(request.text());
    EXPECT_TRUE(echoes(client));
    EXPECT_TRUE(closes_normally(client));
  }
}

// RFC 6455 §4.2.2: the response names one of the offered subprotocols, which is never the token.
TEST_F(Access, TheSubprotocolBearerIsChosenAndTheTokenIsNotEchoed) {
  start({"--subprotocol", "chat"});
  for (const std::string& offer :
       {"bearer, " + kAnn, "bearer," + kAnn + ", chat", "chat, bearer, " + kAnn}) {
    const HttpResponse response =
        ask(RequestText::upgrade("/echo").add("Sec-WebSocket-Protocol", offer));
    EXPECT_EQ(response.status, 101) << offer;
    EXPECT_EQ(response.get("Sec-WebSocket-Protocol"), "bearer");
    EXPECT_EQ(response.describe().find("S3CRET"), std::string::npos);
  }
  EXPECT_EQ(ask(with(kAnn).add("Sec-WebSocket-Protocol", "chat")).get("Sec-WebSocket-Protocol"),
            "chat");
}

TEST_F(Access, SeveralTokens_FirstPlaceDecides) {
  start();
  const std::string wrong = "wrong-S3CRET-0123456789";
  const auto all = [](const std::string& authorization, const std::string& offered,
                      const std::string& cookie, const std::string& query) {
    RequestText request = RequestText::upgrade("/echo?token=" + query);
    request.add("Cookie", "wsd_token=" + cookie);
    if (!offered.empty()) request.add("Sec-WebSocket-Protocol", "bearer, " + offered);
    if (!authorization.empty()) request.add("Authorization", "Bearer " + authorization);
    return request;
  };
  EXPECT_EQ(ask(all(kAnn, wrong, wrong, wrong)).status, 101);
  EXPECT_EQ(ask(all(wrong, kAnn, kAnn, kAnn)).status, 401);
  EXPECT_EQ(ask(all("", kAnn, wrong, wrong)).status, 101);
  EXPECT_EQ(ask(all("", wrong, kAnn, kAnn)).status, 401);
  EXPECT_EQ(ask(all("", "", kAnn, wrong)).status, 101);
  EXPECT_EQ(ask(all("", "", wrong, kAnn)).status, 401);
}

TEST_F(Access, SeveralAuthorizationFieldsAreABadRequest) {
  start();
  for (const std::string& second :
       {"Bearer " + kAnn, "Bearer " + kBob, std::string("Basic YTpi")}) {
    RawClient client = server().connect();
    client.send(with(kAnn).add("Authorization", second).text());
    EXPECT_TRUE(is_refused(client, {400}));
  }
}

// The token is not checked: a head with a control byte is not a request.
TEST_F(Access, ControlBytesInAHeadAreABadRequest) {
  start();
  for (const std::string& byte : {std::string("\x01"), std::string(1, '\0'), std::string("\x7f")}) {
    RawClient field = server().connect();
    field.send(with(kAnn + byte).text());
    EXPECT_TRUE(is_refused(field, {400}));
    RawClient target = server().connect();
    target.send(RequestText::upgrade("/echo?token=" + kAnn + byte).text());
    EXPECT_TRUE(is_refused(target, {400}));
  }
}

TEST_F(Access, JoinWithoutReadRight_Gets403) {
  start();
  EXPECT_EQ(ask(with(kBob, "/rooms/news")).status, 101);
  EXPECT_EQ(ask(with(kBob, "/rooms/chat-%20x")).status, 101);
  for (const char* room :
       {"/rooms/secret", "/rooms/chat", "/rooms/NEWS", "/rooms/news%20", "/rooms/%63hat"}) {
    RawClient client = server().connect();
    client.send(with(kBob, room).text());
    HttpResponse response;
    EXPECT_TRUE(is_refused(client, {403}, &response)) << room;
    EXPECT_EQ(response.body, "this user may not read this room\n");
  }
  EXPECT_EQ(ask(with(kBob, "/rooms/%63hat-1")).status, 101) << "the decoded name is compared";
  EXPECT_EQ(ask(with(kAnn, "/rooms/%00")).status, 400);
}

TEST_F(Access, WriteWithoutRight_ClosesConnection) {
  start();
  RawClient writer = server().connect();
  writer.send(with(kAnn, "/rooms/news").text());
  ASSERT_TRUE(is_upgraded(writer));
  RawClient reader = server().connect();
  const std::string address = reader.local_address();
  reader.send(with(kBob, "/rooms/news").text());
  ASSERT_TRUE(is_upgraded(reader));
  ASSERT_TRUE(writer.send(text_frame("to all")));
  EXPECT_TRUE(receives_text(writer, "to all"));
  EXPECT_TRUE(receives_text(reader, "to all"));
  ASSERT_TRUE(reader.send(text_frame("not from me") + text_frame("nor this")));
  const auto close = reader.read_frame();
  ASSERT_TRUE(close);
  EXPECT_EQ(close->close_code(), 1008U) << close->describe();
  EXPECT_EQ(close->payload.substr(2), "this user may not write to this room");
  reader.send(close_frame(1008));
  reader.close();
  const auto line = server().wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "user"), "bob");
  EXPECT_EQ(log_value(*line, "path"), "/rooms/news");
  EXPECT_EQ(log_value(*line, "code_sent"), "1008");
  ASSERT_TRUE(writer.send(text_frame("the next")));
  EXPECT_TRUE(receives_text(writer, "the next")) << "and nothing of the other's between";
}

TEST_F(Access, TheLogNeverHasAQuery) {
  start();
  for (const std::string& target :
       {"/echo?token=" + kAnn, "/rooms/x?token=" + kBob, "/nothing?token=" + kAnn,
        std::string("/echo?token=wrong-S3CRET-01"), "/rooms/%00?token=" + kAnn,
        "http://h.example/echo?token=" + kAnn}) {
    for (const RequestText& request :
         {RequestText::upgrade(target), RequestText::get(target),
          RequestText::upgrade(target).set("Upgrade", "h2c"),
          RequestText::upgrade(target).set("Sec-WebSocket-Version", "8"),
          RequestText::upgrade(target).set("Sec-WebSocket-Key", kAnn),
          RequestText::upgrade(target).add("Origin", "https://evil.example"),
          RequestText::upgrade(target).line("POST " + target + " HTTP/1.1"),
          RequestText::upgrade(target).line("GET " + target + " HTTP/1.0"),
          RequestText::upgrade(target).line("GET " + target + " HTTP/3.0")}) {
      RawClient client = server().connect();
      const std::string address = client.local_address();
      client.send(request.text());
      static_cast<void>(client.read_response());
      client.close();
      EXPECT_TRUE(server().wait_for_end_of(address)) << printable(request.text());
    }
  }
  // TearDown searches for the token.
}

TEST_F(Access, Reload_AppliesToNewHandshakesOnly) {
  start();
  RawClient ann = server().connect();
  ann.send(with(kAnn, "/rooms/news").text());
  ASSERT_TRUE(is_upgraded(ann));
  write(kBob + " bob read=*\n");
  EXPECT_EQ(log_value(reload(), "text"), "loaded 1 user");
  EXPECT_EQ(ask(with(kAnn)).status, 401);
  EXPECT_EQ(ask(with(kBob, "/rooms/anything")).status, 101);
  ASSERT_TRUE(ann.send(text_frame("still here")));
  EXPECT_TRUE(receives_text(ann, "still here")) << "existing connections stay open";
}

TEST_F(Access, RevokeOnReload_ClosesConnectionsWhoseTokenOrRightIsGone) {
  start({"--revoke-on-reload", "on", "--reactors", "2"});
  const auto member = [&](const std::string& token, std::string_view target) {
    RawClient client = server().connect();
    client.send(with(token, target).text());
    EXPECT_TRUE(is_upgraded(client)) << target;
    return client;
  };
  std::vector<RawClient> anns;
  for (const char* target : {"/", "/echo", "/rooms/news", "/rooms/chat-1"}) {
    anns.push_back(member(kAnn, target));
  }
  RawClient reader = member(kBob, "/rooms/news");
  RawClient writer = member(kBob, "/rooms/chat-1");
  write("# nobody but bob\n" + kBob + " bob read=chat-* write=chat-*\n");
  EXPECT_EQ(log_value(reload(), "text"),
            "loaded 1 user; closes 5 connections whose token or right is gone");
  for (RawClient& each : anns) {
    EXPECT_TRUE(receives(each, kClose, close_payload(1008, "the token was revoked")));
    each.send(close_frame(1008));
    EXPECT_EQ(each.read_until_end(), End::kFin);
  }
  EXPECT_TRUE(
      receives(reader, kClose, close_payload(1008, "the rights of this user have changed")));
  reader.send(close_frame(1008));
  ASSERT_TRUE(writer.send(text_frame("still here")));
  EXPECT_TRUE(receives_text(writer, "still here"));
  write("broken\n");
  EXPECT_EQ(log_value(reload(), "level"), "error");
  write("# nobody\n");
  EXPECT_EQ(log_value(reload(), "text"),
            "loaded 0 users; closes 1 connection whose token or right is gone");
  EXPECT_TRUE(receives(writer, kClose, close_payload(1008, "the token was revoked")));
  writer.send(close_frame(1008));
}

TEST_F(Access, ABrokenFileUnderTrafficKeepsTheOldUsers) {
  start({"--reactors", "2"});
  std::vector<RawClient> members;
  for (int i = 0; i < 8; ++i) {
    members.push_back(server().connect());
    members.back().send(with(kAnn, "/rooms/news").text());
    ASSERT_TRUE(is_upgraded(members.back()));
  }
  int sent = 0;
  for (const std::string& broken :
       {"short ann\n" + kUsers, kUsers + kAnn + " twice\n", kUsers + "\x01\n",
        kAnn + " ann admin=" + kAnn + "\n", kAnn + "\n"}) {
    write(broken);
    const std::string line = reload();
    EXPECT_EQ(log_value(line, "level"), "error") << line;
    EXPECT_NE(line.find("the current users stay in use: "), std::string::npos) << line;
    EXPECT_NE(line.find(path() + ":"), std::string::npos) << line;
    EXPECT_EQ(ask(with(kBob, "/rooms/news")).status, 101);
    const std::string text = std::to_string(++sent);
    ASSERT_TRUE(members[static_cast<std::size_t>(sent) % members.size()].send(text_frame(text)));
    for (RawClient& each : members) ASSERT_TRUE(receives_text(each, text));
  }
  std::filesystem::remove(path());
  EXPECT_EQ(log_value(reload(), "level"), "error");
  EXPECT_EQ(ask(with(kBob)).status, 101);
}

TEST_F(Access, CheckConfig_ChecksTheUserFile) {
  const auto check = [&](const std::string& text) {
    write(text);
    return run(server_command({"--auth-file", path(), "--check-config"}));
  };
  const Output good = check(kUsers);
  EXPECT_EQ(good.status.code, 0) << good.err;
  EXPECT_NE(good.out.find("auth-file = " + path()), std::string::npos);
  EXPECT_EQ(good.err, "");
  const Output bad = check(kUsers + "\n" + kAnn + " ann\n");
  EXPECT_EQ(bad.status.code, 78);
  EXPECT_EQ(bad.err,
            "wsd: " + path() +
                ":5: the token is already used on line 2; give each user a different one\n");
  EXPECT_EQ(bad.all().find("S3CRET"), std::string::npos);
  ::chmod(path().c_str(), 0644);
  write(kUsers);
  ::chmod(path().c_str(), 0644);
  const Output open = run(server_command({"--auth-file", path(), "--check-config"}));
  EXPECT_EQ(open.status.code, 0);
  EXPECT_NE(open.err.find("wsd: warning: every user of this machine can read the tokens in"),
            std::string::npos)
      << open.err;
  EXPECT_EQ(run(server_command({"--auth-file", path() + "/none"})).status.code, 78);
  EXPECT_EQ(run(server_command({"--auth-cookie", "a b"})).status.code, 2);
}

}  // namespace
}  // namespace e2e
