// Sends a large file to clients of any speed, in little memory.
//   file PATH [ADDRESS]; then connect a WebSocket to /: the file comes in binary messages, then
//   "end"
#include <fcntl.h>
#include <unistd.h>
#include <wsd/server.h>

#include <array>
#include <cstdio>

namespace {

constexpr std::size_t kChunk = std::size_t{16} << 10;
constexpr std::size_t kMost = std::size_t{256} << 10;  // of the send queue of one client

struct Transfer final : wsd::ConnectionData {
  explicit Transfer(int file) : fd(file) {}
  ~Transfer() override { ::close(fd); }
  int fd;
};

// Queues as much as kMost allows. The rest follows when the client has read half of that.
void send_more(wsd::Connection& client) {
  const int fd = client.data<Transfer>()->fd;
  std::array<char, kChunk> chunk;
  while (client.queued_bytes() < kMost) {
    const ssize_t count = ::read(fd, chunk.data(), chunk.size());
    if (count <= 0) {
      client.send_text(count == 0 ? "end" : "the file cannot be read");
      client.close();
      return;
    }
    const std::string_view piece(chunk.data(), static_cast<std::size_t>(count));
    if (client.send_binary(piece) != wsd::SendResult::kSent) return;  // it has ended
  }
  client.notify_drained(kMost / 2);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: file PATH [ADDRESS]\n"), 2;
  const std::string path = argv[1];
  wsd::Server server;
  wsd::Handlers transfer;
  transfer.upgrade = [path](const wsd::Request&) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return wsd::Upgrade::reject(404, "There is no such file.");
    wsd::Upgrade verdict = wsd::Upgrade::accept();
    verdict.data = std::make_unique<Transfer>(fd);
    return verdict;
  };
  transfer.open = [](wsd::Connection& client) {
    client.pause();  // nothing is expected from the client; closing ends the pause
    client.notify_drained(0);
  };
  transfer.drained = send_more;
  server.route("/", transfer);
  const std::string error = server.listen(argc > 2 ? argv[2] : "127.0.0.1:9003");
  if (!error.empty()) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
  std::fprintf(stderr, "listening on %s\n", server.addresses().front().c_str());
  return server.run_until_signal();
}
