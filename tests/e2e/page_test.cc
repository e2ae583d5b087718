// The page of GET / in a real browser.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

// Runs cases of tests/page/page_client.cjs in one browser.
void expect_in_a_browser(const std::vector<std::string>& cases) {
  std::vector<std::string> arguments = {server_binary()};
  arguments.insert(arguments.end(), cases.begin(), cases.end());
  // The script limits each of its waits and the whole run, and reports the event that it waited
  // for.
  const Output output = run(chromium_with_node().with(arguments), 20 * patience());
  EXPECT_EQ(output.status.code, 0) << output.all();
  EXPECT_NE(output.out.find("ok all"), std::string::npos) << output.all();
}

// Runs a script of tests/page in node alone, with a file of the page.
void expect_in_node(const std::string& script, const std::string& page_file) {
  const Output output = run(node_with_ws().with(
      {client_script("../page/" + script), client_script("../../src/daemon/page/" + page_file)}));
  EXPECT_EQ(output.status.code, 0) << output.all();
  EXPECT_NE(output.out.find("ok all"), std::string::npos) << output.all();
}

TEST(ForeignPage, Link_LosesAndRepeatsNothing_WithAFakeServerAndClock) {
  E2E_REQUIRE(node_with_ws());
  expect_in_node("link_test.cjs", "link.js");
}

TEST(ForeignPage, TextColors_HaveEnoughContrast) {
  E2E_REQUIRE(node_with_ws());
  expect_in_node("contrast_test.cjs", "page.css");
}

TEST(ForeignPage, TalksInRooms) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"chat", "order", "rooms"});
}

TEST(ForeignPage, Reconnects_LoseAndDuplicateNothing) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"resume", "cuts", "restart", "unsettled"});
}

TEST(ForeignPage, HistoryOnDisk_KillsLoseAndDuplicateNothing) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"disk"});
}

TEST(ForeignPage, RateLimitExceeded_EachMessageReachesTheRoomOnce) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"rate"});
}

TEST(ForeignPage, AloneInTheRoom_ReconnectsWithoutWordOfARestart) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"alone"});
}

TEST(ForeignPage, Firefox_TalksAndReconnects) {
  E2E_REQUIRE(firefox_with_node());
  const Output output = run(firefox_with_node().with({server_binary()}), 10 * patience());
  EXPECT_EQ(output.status.code, 0) << output.all();
  EXPECT_NE(output.out.find("ok all"), std::string::npos) << output.all();
}

TEST(ForeignPage, Gap_IsShown) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"gap"});
}

TEST(ForeignPage, Markup_IsShownAsText) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"markup"});
}

TEST(ForeignPage, TokenNeeded_PageAsksForIt) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"token"});
}

TEST(ForeignPage, KeyboardPhoneAndDarkMode_Work) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"keyboard", "phone", "dark"});
}

TEST(ForeignPage, LongNamesAndTexts_AreShownOrRejectedWithWords) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"names", "paste"});
}

TEST(ForeignPage, EmptyRoomWideWindowAndBanner_LookRight) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"empty", "wide", "banner"});
}

TEST(ForeignPage, ContrastAndRoles_SuitAllReaders) {
  E2E_REQUIRE(chromium_with_node());
  expect_in_a_browser({"contrast", "roles"});
}

class PageFiles : public SharedServer {};

// The page contacts only this server and is not cached: see also tests/daemon/page/page_test.cc.
TEST_F(PageFiles, EachFile_HasItsTypeAndHeaders) {
  struct Row {
    const char* path;
    const char* type;
  };
  for (const Row& row : {Row{"/", "text/html; charset=utf-8"},
                         Row{"/page/page.js", "text/javascript; charset=utf-8"},
                         Row{"/page/link.js", "text/javascript; charset=utf-8"},
                         Row{"/page/chart.js", "text/javascript; charset=utf-8"},
                         Row{"/page/page.css", "text/css; charset=utf-8"}}) {
    RawClient client = server().connect();
    for (const bool head : {false, true}) {
      client.send(std::string(head ? "HEAD " : "GET ") + row.path +
                  " HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const auto response = client.read_response(head);
      ASSERT_TRUE(response) << row.path;
      EXPECT_EQ(response->status, 200) << response->describe();
      EXPECT_EQ(response->get("Content-Type"), row.type);
      EXPECT_EQ(response->get("Cache-Control"), "no-store");
      EXPECT_EQ(response->get("X-Content-Type-Options"), "nosniff");
      EXPECT_EQ(response->get("Referrer-Policy"), "no-referrer");
      EXPECT_TRUE(response->get("Content-Security-Policy").starts_with("default-src 'none'; "));
      EXPECT_EQ(response->body.empty(), head);
    }
  }
}

HttpResponse members(RawClient& client, const std::string& room, const std::string& fields = {}) {
  client.send("GET /rooms/" + room + "/members HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
  return client.read_response().value_or(HttpResponse{});
}

TEST_F(PageFiles, MembersAreCounted) {
  RawClient asker = server().connect();
  EXPECT_EQ(members(asker, "m%C3%A4").body,
            "{\"members\":0,\"epoch\":0,\"seq\":0,\"history\":0}\n");
  RawClient member = server().connect();
  ASSERT_TRUE(opens(member, "/rooms/m%C3%A4"));
  member.send(text_frame("one"));
  ASSERT_TRUE(receives_text(member, "one"));
  const HttpResponse response = members(asker, "m%C3%A4");
  EXPECT_EQ(response.status, 200) << response.describe();
  EXPECT_EQ(response.get("Content-Type"), "application/json");
  EXPECT_EQ(response.get("Cache-Control"), "no-store");
  EXPECT_TRUE(response.body.starts_with("{\"members\":1,\"epoch\":")) << response.body;
  EXPECT_TRUE(response.body.ends_with(",\"seq\":1,\"history\":0}\n")) << response.body;
  EXPECT_EQ(members(asker, "%00").status, 400);
}

TEST(PageMembers, MembersRoute_NeedsTheRightToReadTheRoom) {
  const TemporaryDirectory folder;
  const std::string users =
      folder.write("users", "ann-0123456789abcdef ann read=lobby\nbob-0123456789abcdef bob\n");
  ServerProcess server({"--auth-file", users, "--history-messages", "7"});
  ASSERT_TRUE(server.listening());
  RawClient asker = server.connect();
  const HttpResponse nobody = members(asker, "lobby");
  EXPECT_EQ(nobody.status, 401) << nobody.describe();
  EXPECT_EQ(nobody.get("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(members(asker, "lobby", "Authorization: Bearer bob-0123456789abcdef\r\n").status, 403);
  EXPECT_EQ(members(asker, "other", "Authorization: Bearer ann-0123456789abcdef\r\n").status, 403);
  const HttpResponse ann =
      members(asker, "lobby", "Authorization: Bearer ann-0123456789abcdef\r\n");
  EXPECT_EQ(ann.status, 200) << ann.describe();
  EXPECT_TRUE(ann.body.ends_with(",\"history\":7}\n")) << ann.body;
}

}  // namespace
}  // namespace e2e
