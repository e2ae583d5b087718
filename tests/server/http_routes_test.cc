#include "server/http_routes.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd::server {
namespace {

HttpRoutes::Served says(int status) {
  return {[status](const Request&) {
            Response response;
            response.status = status;
            return response;
          },
          {}};
}

// Returns the status that identifies the handler, or 0 if there is no handler.
int found(const HttpRoutes& routes, std::string_view path, std::string_view method) {
  const auto match = routes.match(path);
  if (!match) return 0;
  const HttpRoutes::Served* const served = routes.find(match->route, method);
  class Nothing final : public Request {
   public:
    [[nodiscard]] std::string_view method() const override { return {}; }
    [[nodiscard]] std::string_view path() const override { return {}; }
    [[nodiscard]] std::string_view query() const override { return {}; }
    [[nodiscard]] std::string_view host() const override { return {}; }
    [[nodiscard]] std::string_view remote() const override { return {}; }
    [[nodiscard]] std::string_view header(std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<std::string_view> headers(std::string_view) const override {
      return {};
    }
    [[nodiscard]] std::string_view param(std::string_view) const override { return {}; }
    [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override {
      return none_;
    }
    [[nodiscard]] std::string_view body() const override { return {}; }

   private:
    std::vector<std::string_view> none_;
  };
  return served == nullptr ? 0 : served->handler(Nothing()).status;
}

TEST(HttpRoutes, AMethodAndAPathHaveOneHandler) {
  HttpRoutes routes;
  ASSERT_EQ(routes.add("GET", "/a", says(200)), "");
  ASSERT_EQ(routes.add("POST", "/a", says(201)), "");
  ASSERT_EQ(routes.add("DELETE", "/b/{name}", says(202)), "");
  EXPECT_EQ(found(routes, "/a", "GET"), 200);
  EXPECT_EQ(found(routes, "/a", "HEAD"), 200);  // RFC 9110 §9.3.2
  EXPECT_EQ(found(routes, "/a", "POST"), 201);
  EXPECT_EQ(found(routes, "/a", "DELETE"), 0);
  EXPECT_EQ(found(routes, "/b/x", "DELETE"), 202);
  EXPECT_EQ(found(routes, "/b/x", "HEAD"), 0);
  EXPECT_EQ(found(routes, "/c", "GET"), 0);
  EXPECT_EQ(routes.allow(routes.match("/a")->route), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(routes.allow(routes.match("/b/x")->route), "DELETE, OPTIONS");
  EXPECT_EQ(routes.allow_anywhere(), "GET, HEAD, POST, DELETE, OPTIONS");
  ASSERT_EQ(routes.add("OPTIONS", "/a", says(203)), "");
  EXPECT_EQ(routes.allow(routes.match("/a")->route), "GET, HEAD, POST, OPTIONS");
}

TEST(HttpRoutes, InvalidRoutes_AreRejectedWithASentenceForEachCause) {
  HttpRoutes routes;
  const std::string unknown =
      "the method is unknown; write one of RFC 9110 §9.3 or PATCH in capitals, such as GET";
  EXPECT_EQ(routes.add("BREW", "/a", says(200)), unknown);
  EXPECT_EQ(routes.add("post", "/a", says(200)), unknown);  // RFC 9110 §9.1: case-sensitive
  EXPECT_EQ(routes.add("", "/a", says(200)), unknown);
  EXPECT_EQ(routes.add("HEAD", "/a", says(200)),
            "the handler of GET serves HEAD too; add only the handler of GET");
  EXPECT_EQ(routes.add("GET", "/a", {}), "the handler is empty; pass a function");
  EXPECT_EQ(routes.add("GET", "a", says(200)), "\"a\" is not a path; begin it with a slash");
  ASSERT_EQ(routes.add("GET", "/a/{x}", says(200)), "");
  EXPECT_EQ(routes.add("GET", "/a/{x}", says(200)),
            "GET \"/a/{x}\" was added before; add each method of a pattern once");
  EXPECT_NE(routes.add("POST", "/a/{y}", says(200)), "");  // the same pattern with another name
  EXPECT_EQ(routes.add("POST", "/a/{x}", says(200)), "");
  EXPECT_EQ(found(routes, "/a", "GET"), 0);
}

}  // namespace
}  // namespace wsd::server
