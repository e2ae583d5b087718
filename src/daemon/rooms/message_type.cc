#include "daemon/rooms/message_type.h"

#include <wsd/check.h>

#include <algorithm>
#include <array>
#include <string>

#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr auto kBinaryFamilies =
    std::to_array<std::string_view>({"audio/", "font/", "image/", "video/"});

// Types whose bytes mean nothing as text.
constexpr auto kBinaryTypes = std::to_array<std::string_view>({
    "application/avro",
    "application/bson",
    "application/cbor",
    "application/cbor-seq",
    "application/grpc",
    "application/gzip",
    "application/msgpack",
    "application/octet-stream",
    "application/pdf",
    "application/protobuf",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.avro",
    "application/vnd.google.protobuf",
    "application/vnd.msgpack",
    "application/wasm",
    "application/x-avro",
    "application/x-gzip",
    "application/x-msgpack",
    "application/x-protobuf",
    "application/x-tar",
    "application/zip",
    "application/zstd",
});

// RFC 6838 §4.2.8: the suffix names the format that the type is based on.
constexpr auto kBinarySuffixes =
    std::to_array<std::string_view>({"+avro", "+ber", "+cbor", "+cbor-seq", "+der", "+gzip",
                                     "+msgpack", "+proto", "+protobuf", "+zip", "+zstd"});

enum class Content : unsigned char { kText, kBinary, kUnknown };

Content content_of(std::string_view type) {
  const auto begins = [type](std::string_view family) { return type.starts_with(family); };
  const auto ends = [type](std::string_view suffix) { return type.ends_with(suffix); };
  if (begins("text/") || type == "application/json" || ends("+json")) return Content::kText;
  if (ends("+xml")) return Content::kUnknown;  // such as image/svg+xml; XML may be UTF-16
  const bool binary = std::any_of(kBinaryFamilies.begin(), kBinaryFamilies.end(), begins) ||
                      std::any_of(kBinarySuffixes.begin(), kBinarySuffixes.end(), ends) ||
                      std::binary_search(kBinaryTypes.begin(), kBinaryTypes.end(), type);
  return binary ? Content::kBinary : Content::kUnknown;
}

}  // namespace

std::optional<MessageType> message_type_of(std::string_view content_type, std::string_view body) {
  // RFC 9110 §8.3.1: types are compared without case.
  const std::string type = lower_case(trimmed(content_type.substr(0, content_type.find(';'))));
  const Content content = content_of(type);
  if (content == Content::kBinary) return MessageType::kBinary;
  if (is_utf8(body)) return MessageType::kText;
  if (content == Content::kText) return std::nullopt;
  return MessageType::kBinary;
}

}  // namespace wsd::daemon
