#include "protocol/request_body.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/request_support.h"

namespace wsd::protocol {
namespace {

using Status = RequestBody::Status;

HttpRequest with_length(std::uint64_t length) {
  HttpRequest request;
  request.content_length = length;
  return request;
}

HttpRequest chunked() {
  HttpRequest request;
  request.chunked = true;
  return request;
}

// Gives `stream` to `body` and returns the status. `stream` becomes the rest.
Status give(RequestBody& body, std::string& stream, std::uint64_t max_bytes = 100) {
  Bytes input = as_bytes(stream);
  const Status status = body.next(input, max_bytes);
  stream = as_text(input);
  return status;
}

TEST(RequestBody, Rfc9112_6_3_6_LengthDelimitsTheBody) {
  RequestBody body;
  EXPECT_FALSE(body.reading());
  body.begin(with_length(5));
  EXPECT_TRUE(body.reading());
  std::string stream = "hel";
  EXPECT_EQ(give(body, stream), Status::kNeedMore);
  EXPECT_EQ(stream, "");
  stream = "loGET /";
  EXPECT_EQ(give(body, stream), Status::kComplete);
  EXPECT_EQ(stream, "GET /");
  EXPECT_EQ(as_text(body.bytes()), "hello");
  EXPECT_FALSE(body.reading());
}

TEST(RequestBody, Rfc9112_6_3_4_ChunksDelimitTheBody) {
  RequestBody body;
  body.begin(chunked());
  EXPECT_TRUE(body.reading());
  std::string stream = "3\r\nhel\r\n2\r\nl";
  EXPECT_EQ(give(body, stream), Status::kNeedMore);
  EXPECT_EQ(stream, "");
  stream = "o\r\n0\r\n\r\nGET /";
  EXPECT_EQ(give(body, stream), Status::kComplete);
  EXPECT_EQ(stream, "GET /");
  EXPECT_EQ(as_text(body.bytes()), "hello");
  EXPECT_FALSE(body.reading());
}

TEST(RequestBody, EmptyChunkedBody_IsComplete) {
  RequestBody body;
  body.begin(chunked());
  std::string stream = "0\r\n\r\n";
  EXPECT_EQ(give(body, stream), Status::kComplete);
  EXPECT_EQ(body.bytes().size(), 0U);
  EXPECT_EQ(body.capacity(), 0U);
}

TEST(RequestBody, BrokenChunk_Fails) {
  RequestBody body;
  body.begin(chunked());
  std::string stream = "1\r\nab\r\n";
  EXPECT_EQ(give(body, stream), Status::kFailed);
  EXPECT_EQ(body.violation(), Violation::kBadChunk);
}

TEST(RequestBody, LimitCountsDecodedBytes) {
  const std::string chunk = "a;x=y\r\n0123456789\r\n";
  RequestBody body;
  body.begin(chunked());
  std::string stream = chunk + chunk + "0\r\n\r\n";
  EXPECT_EQ(give(body, stream, 20), Status::kComplete);
  body.reset();
  body.begin(chunked());
  stream = chunk + chunk + "0\r\n\r\n";
  EXPECT_EQ(give(body, stream, 19), Status::kFailed);
  EXPECT_EQ(body.violation(), Violation::kBodyTooLarge);
}

TEST(RequestBody, Memory_IsProportionalToReceivedBytes) {
  RequestBody body;
  body.begin(with_length(16'000'000));
  EXPECT_EQ(body.capacity(), 0U);
  std::string stream(1000, 'x');
  EXPECT_EQ(give(body, stream), Status::kNeedMore);
  EXPECT_LE(body.capacity(), 2000U);
  body.reset();
  EXPECT_EQ(body.capacity(), 0U);
  EXPECT_FALSE(body.reading());
  body.begin(chunked());
  stream = "FFFFFF\r\nxx";
  EXPECT_EQ(give(body, stream, 16'777'215), Status::kNeedMore);
  EXPECT_LE(body.capacity(), 4U);
}

TEST(RequestBody, Reset_PreparesForAnotherBody) {
  RequestBody body;
  body.begin(chunked());
  std::string stream = "1\r\na";
  EXPECT_EQ(give(body, stream), Status::kNeedMore);
  body.reset();
  EXPECT_FALSE(body.reading());
  body.begin(with_length(1));
  stream = "b";
  EXPECT_EQ(give(body, stream), Status::kComplete);
  EXPECT_EQ(as_text(body.bytes()), "b");
}

}  // namespace
}  // namespace wsd::protocol
