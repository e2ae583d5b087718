// --mode deflate: an echo of JSON texts of --size bytes under permessage-deflate without context
// takeover (RFC 7692 §7.1.1). The messages are compressed in advance. Responses must be compressed,
// and one in eight is inflated and compared.
#if WSLOAD_ZLIB

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "bench/load/client.h"
#include "bench/load/frame.h"
#include "bench/measure.h"

namespace bench {

namespace {

constexpr std::size_t kVariants = 64;
constexpr std::uint64_t kComparedOneIn = 8;

std::string json_text(std::size_t size, std::size_t variant) {
  std::uint64_t state = variant * 0x9e3779b97f4a7c15U + 1;
  std::string text =
      "{\"type\":\"quotes\",\"variant\":" + std::to_string(variant) + ",\"quotes\":[";
  while (text.size() < size) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const auto value = static_cast<unsigned>(state >> 40);
    text += "{\"symbol\":\"S" + std::to_string(value % 997) +
            "\",\"bid\":" + std::to_string(value % 100'000) +
            ".25,\"ask\":" + std::to_string(value % 100'000 + 1) +
            ".5,\"venue\":\"XNAS\",\"live\":true},";
  }
  text.resize(size, ' ');
  return text;
}

// Returns a message's payload: raw DEFLATE, flushed, without its last four bytes (RFC 7692 §7.2.1).
std::string deflated(const std::string& text) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    fail("deflateInit2");
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_SYNC_FLUSH) != Z_OK) fail("deflate");
  out.resize(out.size() - stream.avail_out - 4);
  deflateEnd(&stream);
  return out;
}

class Deflate final : public Client {
 public:
  explicit Deflate(const Options& options);
  ~Deflate() override { inflateEnd(&inflater_); }
  void run() override;

 private:
  struct Flow {
    std::string partial;
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
  };
  void on_open(Connection& connection) override;
  void on_bytes(Connection& connection, std::string_view bytes) override;
  void on_message(Connection& connection, std::string_view payload);
  void send_next(Connection& connection);

  std::vector<std::string> texts_;
  std::vector<std::string> requests_;
  std::vector<Flow> flows_;
  std::string inflated_;
  z_stream inflater_{};
};

Deflate::Deflate(const Options& options) : Client(options), flows_(options.connections) {
  extensions_ =
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
      "client_no_context_takeover\r\n";
  for (std::size_t i = 0; i < kVariants; ++i) {
    texts_.push_back(json_text(options.size, i));
    const std::string payload = deflated(texts_.back());
    requests_.push_back(frame_header(payload.size(), options.binary, true, kRsv1) +
                        masked(payload));
  }
  inflated_.resize(options.size + 64);
  if (inflateInit2(&inflater_, -15) != Z_OK) fail("inflateInit2");
}

void Deflate::on_open(Connection& connection) {
  if (connection.head.find("permessage-deflate") == std::string::npos) {
    fail("the server did not accept permessage-deflate");
  }
}

void Deflate::on_bytes(Connection& connection, std::string_view bytes) {
  std::string& partial = flows_[connection.index].partial;
  partial.append(bytes);
  std::string_view left = partial;
  while (left.size() >= 2) {
    const auto first = static_cast<unsigned char>(left[0]);
    std::size_t size = static_cast<unsigned char>(left[1]);
    std::size_t header = 2;
    if (first != (0x80 | kRsv1 | (options_.binary ? 2 : 1)) || size > 126) {
      wrong(connection, "received something other than a compressed message in one frame");
    }
    if (size == 126) {
      header = 4;
      if (left.size() < header) break;
      size = std::size_t{static_cast<unsigned char>(left[2])} << 8 |
             static_cast<unsigned char>(left[3]);
    }
    if (left.size() < header + size) break;
    on_message(connection, left.substr(header, size));
    left.remove_prefix(header + size);
  }
  partial.erase(0, partial.size() - left.size());
}

void Deflate::on_message(Connection& connection, std::string_view payload) {
  Flow& flow = flows_[connection.index];
  const std::uint64_t number = flow.answered++;
  ++progress_;
  if ((connection.index + number) % kComparedOneIn == 0) {
    const std::string& expected = texts_[(connection.index + number) % kVariants];
    std::string whole(payload);
    whole.append("\x00\x00\xff\xff", 4);
    inflateReset(&inflater_);
    inflater_.next_in = reinterpret_cast<Bytef*>(whole.data());
    inflater_.avail_in = static_cast<uInt>(whole.size());
    inflater_.next_out = reinterpret_cast<Bytef*>(inflated_.data());
    inflater_.avail_out = static_cast<uInt>(inflated_.size());
    const int result = inflate(&inflater_, Z_SYNC_FLUSH);
    const std::size_t size = inflated_.size() - inflater_.avail_out;
    if (result != Z_OK || std::string_view(inflated_).substr(0, size) != expected) {
      wrong(connection, "message " + std::to_string(number) + " came back different");
    }
  }
  send_next(connection);
}

void Deflate::send_next(Connection& connection) {
  send_bytes(connection,
             requests_[(connection.index + flows_[connection.index].sent++) % kVariants]);
}

void Deflate::run() {
  open_until(options_.connections);
  waiting_ = true;
  for (const auto& connection : connections_) {
    for (std::size_t i = 0; i < options_.inflight; ++i) send_next(*connection);
  }
  run_for(static_cast<std::int64_t>(options_.warmup) * 1'000'000'000);
  const std::uint64_t before = progress_;
  const Interval interval(options_.pid);
  run_for(static_cast<std::int64_t>(options_.seconds) * 1'000'000'000);
  JsonLine line;
  line.text("mode", "deflate")
      .count("connections", options_.connections)
      .count("inflight", options_.inflight)
      .count("size", options_.size);
  interval.put(line, kMessages, progress_ - before);
  put_memory(line, options_.pid);
  line.print();
}

}  // namespace

std::unique_ptr<Client> make_deflate(const Options& options) {
  return std::make_unique<Deflate>(options);
}

}  // namespace bench

#else

#include "bench/load/client.h"
#include "bench/measure.h"

namespace bench {

std::unique_ptr<Client> make_deflate(const Options& /*options*/) {
  fail("--mode deflate: wsload was built without zlib");
}

}  // namespace bench

#endif
