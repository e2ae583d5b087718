#include "support/publish_client.h"

#include <cstddef>

#include "support/wire.h"

namespace e2e {

std::string post(const std::string& target, const std::string& body, const std::string& fields) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

std::uint64_t number_in(const std::string& json, const std::string& name) {
  const std::size_t at = json.find("\"" + name + "\":");
  return at == std::string::npos ? 0 : std::stoull(json.substr(at + name.size() + 3));
}

HttpResponse answer(RawClient& client, const std::string& request) {
  client.send(request);
  return client.read_response().value_or(HttpResponse{});
}

Place published(RawClient& client, const std::string& target, const std::string& body,
                const std::string& fields) {
  const HttpResponse response = answer(client, post(target, body, fields));
  EXPECT_EQ(response.status, 200) << response.describe();
  EXPECT_EQ(response.get("Content-Type"), "application/json");
  return {number_in(response.body, "epoch"), number_in(response.body, "seq")};
}

::testing::AssertionResult opens_meta(RawClient& client, const std::string& target) {
  client.send(RequestText::upgrade(target).set("Sec-WebSocket-Protocol", "ws+meta.nchan").text());
  const auto response = client.read_response();
  if (!response) return ::testing::AssertionFailure() << end_name(client.end());
  if (response->status == 101 && response->get("Sec-WebSocket-Protocol") == "ws+meta.nchan") {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << response->describe();
}

Meta read_meta(RawClient& client) {
  const auto frame = client.read_frame();
  Meta meta;
  if (!frame) {
    meta.id = std::string("no frame: ") + end_name(client.end());
    return meta;
  }
  const std::size_t end = frame->payload.find("\n\n");
  if (end == std::string::npos) {
    meta.id = "no meta: " + frame->payload;
    return meta;
  }
  meta.payload = frame->payload.substr(end + 2);
  const std::string head = frame->payload.substr(0, end + 1);
  EXPECT_TRUE(head.starts_with("id: ")) << head;
  meta.id = head.substr(4, head.find('\n') - 4);
  const std::string rest = head.substr(head.find('\n') + 1);
  if (rest.starts_with("content-type: ")) meta.content_type = rest.substr(14, rest.size() - 15);
  return meta;
}

}  // namespace e2e
