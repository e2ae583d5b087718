// Batch texts and room keys. What the reader takes must be exactly what the writer makes of it, and
// must not change by a byte at its end. A key is exactly what room_key() makes of its room.
//
// Input: the text of a batch, or a key, and the payload of a message.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "engine/batch_text.h"
#include "engine/engine_url.h"
#include "engine/room_key.h"

namespace {

using namespace wsd::engine;  // NOLINT: a program of its own

void check_batch(const std::string& text) {
  BatchReader reader;
  if (!reader.begin(text)) {
    WSD_ASSERT(reader.head().count == 0);
    return;
  }
  WSD_ASSERT(reader.head().count >= 1 && reader.head().count <= kMostMessagesPerBatch);
  std::string again;
  append_head(again, reader.head());
  for (std::uint32_t i = 0; i < reader.head().count; ++i) append_message(again, reader.next());
  WSD_ASSERT(again == text);
  BatchReader other;
  WSD_ASSERT(!other.begin(std::string_view(text).substr(0, text.size() - 1)));
  WSD_ASSERT(!other.begin(text + "0"));
}

void check_written(std::string_view payload) {
  std::string text;
  append_head(text, {1, {2, 3}, 4, 2});
  append_message(text, {true, payload});
  append_message(text, {false, payload});
  BatchReader reader;
  WSD_ASSERT(reader.begin(text));
  const BatchMessage first = reader.next();
  const BatchMessage second = reader.next();
  WSD_ASSERT(first.binary && first.payload == payload);
  WSD_ASSERT(!second.binary && second.payload == payload);
}

void check_key(std::string_view text) {
  const std::string key = room_key("p:", text);
  WSD_ASSERT(room_of_key("p:", key) == text);
  // The slot is decided by the room alone. An empty name is no hash tag.
  if (!text.empty()) WSD_ASSERT(slot_of_key(key) == slot_of_key(room_key("other", text)));
  const auto room = room_of_key("", text);
  if (room) WSD_ASSERT(room_key("", *room) == text);
}

// Each URL that is taken names an endpoint, and each error is printable.
void check_url(std::string_view text) {
  EngineUrl url;
  const std::string error = parse_engine_url(text, url);
  if (error.empty()) {
    WSD_ASSERT(!url.endpoints.empty());
    WSD_ASSERT((url.kind == EngineUrl::Kind::kSentinel) == !url.master.empty());
    for (const Endpoint& endpoint : url.endpoints) {
      WSD_ASSERT(endpoint.path.empty() == (endpoint.port != 0));
      WSD_ASSERT(endpoint.path.empty() == !endpoint.host.empty());
    }
  }
  for (const char c : error + check_engine_prefix(text)) WSD_ASSERT(c >= ' ' && c <= '~');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_batch(text);
  check_written(text);
  check_key(text);
  check_url(text);
  return 0;
}
