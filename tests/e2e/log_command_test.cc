// wsd log: the contents of a history log, beside the server and after it.

#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/history_server.h"
#include "support/tools.h"

namespace e2e {
namespace {

TEST(LogCommand, ListsRoomsAndMessages_BesideTheServerAndAfterIt) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  const Place first = server.publish("a", "one");
  const Place second = server.publish("a", "two \"quoted\"");
  const Output table = run(server_command({"log", server.directory()}));
  EXPECT_EQ(table.status.code, 0) << table.all();
  EXPECT_NE(table.out.find("\na     " + second.text() + "      1         2     15\n"),
            std::string::npos)
      << table.out;
  EXPECT_NE(table.out.find("\na server uses this directory\n"), std::string::npos) << table.out;
  const Output rest =
      run(server_command({"log", server.directory(), "--room", "a", "--from", first.text()}));
  EXPECT_EQ(rest.status.code, 0) << rest.all();
  EXPECT_EQ(rest.out.find("{\"epoch\":" + std::to_string(first.epoch) + ",\"seq\":2,\"time\":\"2"),
            0U)
      << rest.out;
  EXPECT_NE(rest.out.find(",\"text\":\"two \\\"quoted\\\"\"}\n"), std::string::npos) << rest.out;
  server.stop();
  const Output json = run(server_command({"log", server.directory(), "--json"}));
  EXPECT_NE(json.out.find("\"in_use\":false,\"epochs_go_on\":true,\"damage\":[]"),
            std::string::npos)
      << json.out;
  const Output unknown = run(server_command({"log", server.directory(), "--room", "b"}));
  EXPECT_EQ(unknown.status.code, 1) << unknown.all();
  const Output nowhere = run(server_command({"log", folder.file("nowhere")}));
  EXPECT_EQ(nowhere.status.code, 1) << nowhere.all();
  EXPECT_NE(nowhere.err.find("nowhere"), std::string::npos) << nowhere.err;
}

TEST(LogCommand, Restored_GivesNewEpochsToASnapshot) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  const Place first = server.publish("a", "one");
  const Output refused = run(server_command({"log", server.directory(), "--restored"}));
  EXPECT_EQ(refused.status.code, 1) << "a server uses the directory: " << refused.all();
  server.stop();
  const Output done = run(server_command({"log", server.directory(), "--restored"}));
  EXPECT_EQ(done.status.code, 0) << done.all();
  EXPECT_EQ(done.out, "every room has a new epoch\n");
  server.start();
  const std::vector<Meta> resumed = server.replay("a", "last_event_id=" + first.text(), 2);
  EXPECT_EQ(resumed[0].content_type, kGap);
  EXPECT_EQ(resumed[1].payload, "one");
  EXPECT_NE(server.publish("a", "two").epoch, first.epoch);
}

TEST(LogCommand, DamagedLog_IsReportedAndHasStatus1) {
  const TemporaryDirectory folder;
  HistoryServer server(folder.file("log"));
  for (const std::string text : {"one", "damage me", "three"}) server.publish("a", text);
  server.kill();
  const std::string path = server.directory() + "/00000001.log";
  std::ifstream file(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), {});
  file.close();
  const std::size_t at = content.find("damage me");
  ASSERT_NE(at, std::string::npos);
  content[at] = 'X';
  std::ofstream(path, std::ios::binary) << content;
  const Output listed = run(server_command({"log", server.directory()}));
  EXPECT_EQ(listed.status.code, 1) << listed.all();
  EXPECT_NE(listed.out.find("\ndamage: "), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("\nthe next start gives every room a new epoch\n"), std::string::npos)
      << listed.out;
}

}  // namespace
}  // namespace e2e
