// Request::cookie() and Request::query_param() in the requests that handlers get.
#include <gtest/gtest.h>

#include <string>

#include "server/server_rig.h"

namespace wsd {
namespace {

using test::quiet;
using test::ServerRig;

std::string shown(const std::optional<std::string>& value) { return value.value_or("(none)"); }

class RequestHelpers : public ::testing::Test {
 protected:
  RequestHelpers() : rig(quiet(1)) {
    rig.server.http("/files/{path...}", [](const Request& request) {
      Response response;
      response.body = "cookie=" + std::string(request.cookie("sid").value_or("(none)")) +
                      " user=" + shown(request.query_param("user")) +
                      " path=" + std::string(request.param("path")) + "\n";
      return response;
    });
    rig.start();
  }
  [[nodiscard]] std::string ask(const std::string& target, const std::string& fields = {}) const {
    const std::string head = "GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
    const std::string answer = rig.answer(head + fields + "\r\n");
    const std::size_t end = answer.find("\r\n\r\n");
    return answer.starts_with("HTTP/1.1 200 ") ? answer.substr(end + 4) : answer.substr(9, 3);
  }
  ServerRig rig;
};

TEST_F(RequestHelpers, ValuesOfTheRequest) {
  EXPECT_EQ(ask("/files/a/b?x=1&user=ann+%26+bob", "Cookie: a=b; sid=42\r\n"),
            "cookie=42 user=ann & bob path=a/b\n");
  EXPECT_EQ(ask("/files/a"), "cookie=(none) user=(none) path=a\n");
}

TEST_F(RequestHelpers, SecondCookieField_IsReadToo) {
  EXPECT_EQ(ask("/files/a", "Cookie: a=b\r\nCookie: sid=42\r\n"), "cookie=42 user=(none) path=a\n");
}

TEST_F(RequestHelpers, PathOutOfTheFolder_ReachesNoHandler) {
  EXPECT_EQ(ask("/files/../etc/passwd"), "400");
  EXPECT_EQ(ask("/files/a/%2e%2e/b"), "400");
  EXPECT_EQ(ask("/files/a%2F..%2Fb"), "400");
  EXPECT_EQ(ask("/files//etc/passwd"), "404");
  EXPECT_EQ(ask("/files/%2Fetc/passwd"), "404");
  EXPECT_EQ(ask("/files/"), "404");
}

}  // namespace
}  // namespace wsd
