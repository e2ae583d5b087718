#include "daemon/admin/admin_json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace wsd::daemon {
namespace {

TEST(AdminResponses, Connections_ListEveryField) {
  Listing<ConnectionInfo> listing;
  listing.total = 7;
  listing.complete = true;
  ConnectionInfo info;
  info.id = 18'446'744'073'709'551'615U;
  info.state = ConnectionState::kOpen;
  info.remote = "192.0.2.1:4711";
  info.via = "127.0.0.1:4712";
  info.path = "/rooms/a\"b";
  info.user = "\xFF";
  info.age_ms = 1;
  info.round_trip_us = 2;
  info.queued_bytes = 3;
  info.rooms = 4;
  info.messages_in = 5;
  info.messages_out = 6;
  info.messages_dropped = 7;
  info.bytes_in = 8;
  info.bytes_out = 9;
  listing.rows = {info, ConnectionInfo{}};
  const Response response = connections_response(listing);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
  EXPECT_EQ(
      response.body,
      R"({"total":7,"complete":true,"connections":[{"id":"18446744073709551615","state":"open",)"
      R"("remote":"192.0.2.1:4711","via":"127.0.0.1:4712","path":"/rooms/a\"b","user":"\ufffd","subprotocol":"",)"
      R"("age_ms":1,"rtt_us":2,"queued_bytes":3,"rooms":4,"messages_in":5,"messages_out":6,)"
      R"("messages_dropped":7,"bytes_in":8,"bytes_out":9})"
      "\n"
      R"(,{"id":"0","state":"handshaking","remote":"","via":"","path":"","user":"",)"
      R"("subprotocol":"","age_ms":0,"rtt_us":null,"queued_bytes":0,"rooms":0,"messages_in":0,"messages_out":0,)"
      R"("messages_dropped":0,"bytes_in":0,"bytes_out":0}]})"
      "\n");
}

TEST(AdminResponses, Rooms_ListNameAndMembers) {
  Listing<RoomInfo> listing;
  listing.total = 2;
  listing.rows = {{"a\n", 3}};
  EXPECT_EQ(rooms_response(listing).body,
            R"({"total":2,"complete":false,"rooms":[{"name":"a\u000a","members":3}]})"
            "\n");
}

TEST(AdminResponses, Page_HasACursorUnlessItIsTheLast) {
  ConnectionPage page;
  page.complete = true;
  EXPECT_EQ(page_response(page).body, "{\"complete\":true,\"next\":null,\"connections\":[]}\n");
  page.next = 18'446'744'073'709'551'615U;
  EXPECT_EQ(page_response(page).body.substr(0, 47),
            R"({"complete":true,"next":"18446744073709551615",)");
  page = ConnectionPage{};
  EXPECT_EQ(page_response(page).body.substr(0, 28), R"({"complete":false,"next":"0")")
      << "no thread has answered: begin again";
}

TEST(AdminResponses, Responses_ForbidCachingAndSniffing) {
  const Response response = admin_text(503, "not ready");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "not ready\n");
  const Headers expected = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  EXPECT_EQ(response.headers, expected);
}

TEST(AdminResponses, InvalidQuery_IsRejected) {
  const AdminQuery none = parse_admin_query("", true);
  EXPECT_EQ(none.error, "");
  EXPECT_EQ(none.connections.order, ConnectionOrder::kQueue);
  EXPECT_EQ(none.connections.limit, 100U);
  const AdminQuery both = parse_admin_query("limit=1000&sort=rtt", true);
  EXPECT_EQ(both.error, "");
  EXPECT_EQ(both.connections.order, ConnectionOrder::kRoundTrip);
  EXPECT_EQ(both.connections.limit, 1000U);
  EXPECT_EQ(parse_admin_query("sort=age", true).connections.order, ConnectionOrder::kAge);
  EXPECT_EQ(parse_admin_query("limit=5", false).connections.limit, 5U);
  for (const char* query :
       {"sort=size", "sort", "sort=", "limit=1001", "limit=-1", "limit=", "limit=x", "x=1", "&",
        "sort=age&sort=age", "limit=1&limit=1", "sort=age&"}) {
    EXPECT_NE(parse_admin_query(query, true).error, "") << query;
  }
  EXPECT_NE(parse_admin_query("sort=age", false).error, "");
}

TEST(AdminResponses, ConnectionId_IsADecimalNumber) {
  EXPECT_EQ(parse_connection_id("4294967296"), 4'294'967'296U);
  for (const char* text : {"", "0", "-1", "1x", "18446744073709551616", "0x10"}) {
    EXPECT_FALSE(parse_connection_id(text)) << text;
  }
}

}  // namespace
}  // namespace wsd::daemon
