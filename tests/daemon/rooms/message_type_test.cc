#include "daemon/rooms/message_type.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::daemon {
namespace {

constexpr const char* kUtf8 = "caf\xC3\xA9";
constexpr const char* kNotUtf8 = "caf\xE9";

TEST(MessageType, Rfc9110_8_3_TextTypes_NeedUtf8) {
  for (const char* type :
       {"text/plain", "text/html; charset=utf-8", "TEXT/PLAIN", "text/xml", "application/json",
        "Application/JSON ; x=y", "application/cloudevents+json", "application/problem+JSON"}) {
    EXPECT_EQ(message_type_of(type, kUtf8), MessageType::kText) << type;
    EXPECT_EQ(message_type_of(type, ""), MessageType::kText) << type;
    EXPECT_EQ(message_type_of(type, kNotUtf8), std::nullopt) << type;
  }
}

TEST(MessageType, Rfc9110_8_3_BinaryTypes_AreBinaryAlsoIfTheBodyIsUtf8) {
  for (const char* type : {"application/octet-stream",
                           "Application/Octet-Stream; x=y",
                           "image/png",
                           "IMAGE/JPEG",
                           "audio/ogg",
                           "video/mp4",
                           "font/woff2",
                           "application/protobuf",
                           "application/x-protobuf",
                           "application/vnd.google.protobuf",
                           "application/msgpack",
                           "application/x-msgpack",
                           "application/vnd.msgpack",
                           "application/cbor",
                           "application/zip",
                           "application/gzip",
                           "application/x-gzip",
                           "application/zstd",
                           "application/pdf",
                           "application/wasm",
                           "application/senml+cbor",
                           "application/grpc+proto",
                           "application/epub+zip"}) {
    EXPECT_EQ(message_type_of(type, kUtf8), MessageType::kBinary) << type;
    EXPECT_EQ(message_type_of(type, ""), MessageType::kBinary) << type;
    EXPECT_EQ(message_type_of(type, kNotUtf8), MessageType::kBinary) << type;
  }
}

// `curl -d` sends a form, and programs without a field for the type send none.
TEST(MessageType, OtherTypes_AreJudgedByTheBody) {
  for (const char* type : {"", " ", ";", "application/x-www-form-urlencoded", "application/xml",
                           "application/soap+xml", "image/svg+xml", "application/javascript",
                           "application/graphql", "application/x-ndjson", "application/yaml",
                           "application/jsonp", "textual", "x", "image", "application/zipper"}) {
    EXPECT_EQ(message_type_of(type, kUtf8), MessageType::kText) << type;
    EXPECT_EQ(message_type_of(type, ""), MessageType::kText) << type;
    EXPECT_EQ(message_type_of(type, kNotUtf8), MessageType::kBinary) << type;
  }
}

}  // namespace
}  // namespace wsd::daemon
