#include "daemon/log/log_text.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::daemon {
namespace {

HistoryLogReport two_rooms() {
  HistoryLogReport report;
  report.rooms = {{"audit", {1'759'218'604'441'600, 12}, 0, 0, 0},
                  {"caf\xC3\xA9 \x1b[31m", {7, 1'000}, 901, 99, 65'536}};
  report.segments = 1;
  report.bytes = 70'000;
  report.positions_go_on = true;
  return report;
}

TEST(LogTable, ShowsRoomsAndTotals) {
  EXPECT_EQ(log_table(two_rooms()),
            "ROOM                             POSITION  FIRST  MESSAGES  BYTES\n"
            "audit                 1759218604441600:12      -         0      0\n"
            "caf\\xc3\\xa9 \\x1b[31m               7:1000    901        99  65536\n"
            "\n"
            "2 rooms, 1 segment, 70000 bytes\n"
            "no server uses this directory\n"
            "the next start continues the epochs of all rooms\n");
}

TEST(LogTable, ShowsDamageAndUse) {
  HistoryLogReport report;
  report.in_use = true;
  report.damage = {"00000001.log: the record at 4096 is damaged"};
  EXPECT_EQ(log_table(report),
            "ROOM  POSITION  FIRST  MESSAGES  BYTES\n"
            "\n"
            "0 rooms, 0 segments, 0 bytes\n"
            "a server uses this directory\n"
            "the next start gives every room a new epoch\n"
            "damage: 00000001.log: the record at 4096 is damaged\n");
}

TEST(LogJson, HasTheSame) {
  HistoryLogReport report = two_rooms();
  report.damage = {"a \"b\"", "c"};
  EXPECT_EQ(log_json(report),
            "{\"segments\":1,\"bytes\":70000,\"in_use\":false,\"epochs_go_on\":true,"
            "\"damage\":[\"a \\\"b\\\"\"\n,\"c\"],\"rooms\":["
            "{\"name\":\"audit\",\"epoch\":1759218604441600,\"seq\":12,\"first_seq\":0,"
            "\"messages\":0,\"bytes\":0}\n,"
            "{\"name\":\"caf\xC3\xA9 \\u001b[31m\",\"epoch\":7,\"seq\":1000,\"first_seq\":901,"
            "\"messages\":99,\"bytes\":65536}]}\n");
  EXPECT_EQ(log_json({}),
            "{\"segments\":0,\"bytes\":0,\"in_use\":false,\"epochs_go_on\":false,\"damage\":[],"
            "\"rooms\":[]}\n");
}

TEST(MessageJson, HasTextOrBase64) {
  LoggedMessage message;
  message.position = {7, 9};
  message.time_ms = 1'700'000'000'009;
  message.payload = "say \"hi\"\n";
  EXPECT_EQ(message_json(message),
            "{\"epoch\":7,\"seq\":9,\"time\":\"2023-11-14T22:13:20.009Z\","
            "\"text\":\"say \\\"hi\\\"\\u000a\"}\n");
  message.type = MessageType::kBinary;
  message.payload = "\xff\xfe";
  EXPECT_EQ(message_json(message),
            "{\"epoch\":7,\"seq\":9,\"time\":\"2023-11-14T22:13:20.009Z\",\"base64\":\"//4=\"}\n");
}

}  // namespace
}  // namespace wsd::daemon
