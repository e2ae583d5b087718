#include "support/engine_load.h"

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "support/expect.h"

namespace e2e {
namespace {

constexpr const char* kFirst = "first";
constexpr const char* kLast = "last";
constexpr int kPublishesAtOnce = 4;

std::string text_of(const HttpResponse& response) {
  return Place{number_in(response.body, "epoch"), number_in(response.body, "seq")}.text();
}

// Splits "id: ...\ncontent-type: ...\n\npayload".
Meta meta_of(const std::string& payload) {
  Meta meta;
  const std::size_t end = payload.find("\n\n");
  if (end == std::string::npos || !payload.starts_with("id: ")) {
    meta.content_type = "unreadable";
    return meta;
  }
  meta.id = payload.substr(4, payload.find('\n') - 4);
  const std::string rest = payload.substr(payload.find('\n') + 1, end - payload.find('\n'));
  const std::string name = "content-type: ";
  if (rest.starts_with(name)) meta.content_type = rest.substr(name.size(), rest.find('\n') - 14);
  meta.payload = payload.substr(end + 2);
  return meta;
}

}  // namespace

// One client, with a thread of its own.
struct EngineLoad::Client {
  std::string name;
  std::string room;
  std::size_t node = 0;  // the next one to connect to
  bool publishes = false;
  std::string last_id;  // of the latest message
  std::uint64_t next = 0;
  std::uint64_t connections = 0;
  std::atomic<std::uint64_t> waiting_for = 0;  // its own message that has not come back; 0: none
  bool complete = false;
  std::thread thread = {};
};

EngineLoad::EngineLoad(const std::vector<const AdminServer*>& nodes, LoadSettings settings)
    : settings_(settings), log_path_(folder_.file("log")), log_(log_path_), ports_(nodes.size()) {
  for (std::size_t i = 0; i < nodes.size(); ++i) ports_[i] = nodes[i]->port();
  std::size_t node = 0;
  for (int room = 0; room < settings_.rooms; ++room) {
    const std::string name = "r" + std::to_string(room);
    const Place first = nodes[0]->publish(name, kFirst);
    const auto add = [&](const std::string& kind, int count, bool publishes) {
      for (int i = 0; i < count; ++i) {
        auto client = std::make_unique<Client>();
        client->name = kind + std::to_string(clients_.size());
        client->room = name;
        client->node = node++;
        client->publishes = publishes;
        client->last_id = first.text();
        clients_.push_back(std::move(client));
      }
    };
    add("m", settings_.members, false);
    add("w", settings_.websockets, true);
    add("p", settings_.posts, true);
  }
  for (auto& client : clients_) {
    const bool posts = client->name[0] == 'p';
    if (!posts) ++incomplete_;
    client->thread = std::thread([this, posts, &client = *client] {
      if (posts) {
        be_publisher(client);
      } else {
        be_member(client);
      }
    });
  }
}

EngineLoad::~EngineLoad() {
  over_ = ended_ = true;
  for (const auto& client : clients_) {
    if (client->thread.joinable()) client->thread.join();
  }
}

void EngineLoad::use_port(std::size_t node, std::uint16_t port) { ports_[node] = port; }

bool EngineLoad::delivers(std::uint64_t count) const {
  const std::uint64_t until = deliveries_ + count;
  return eventually([&] { return deliveries_ >= until; }, 2 * patience());
}

bool EngineLoad::places(std::uint64_t count) const {
  const std::uint64_t until = receipts_ + count;
  return eventually([&] { return receipts_ >= until; }, 2 * patience());
}

// One line: milliseconds, client, room, and an event with its words, separated by tabs.
void EngineLoad::log(const Client& client, const std::string& rest) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin_).count();
  const std::lock_guard lock(log_mutex_);
  log_ << ms << '\t' << client.name << '\t' << client.room << '\t' << rest << '\n';
}

void EngineLoad::pause() const { std::this_thread::sleep_for(settings_.pause); }

RawClient EngineLoad::connect(Client& client) const {
  const std::uint16_t port = ports_[client.node++ % ports_.size()];
  return port == 0 ? RawClient() : RawClient::tcp(port);
}

// Follows a room, and resumes at its latest message on another node whenever its connection ends.
void EngineLoad::be_member(Client& client) {
  while (!ended_ && !client.complete) {
    RawClient connection = connect(client);
    if (!connection.connected() ||
        !opens_meta(connection, "/rooms/" + client.room + "?last_event_id=" + client.last_id)) {
      pause();
      continue;
    }
    ++client.connections;
    log(client, "joined\t" + client.last_id);
    while (!ended_ && !client.complete) {
      if (client.publishes && client.waiting_for == 0 && !publish_some(client, connection)) break;
      if (!read_one(client, connection)) break;
    }
    client.waiting_for = 0;
    if (client.complete) break;
    log(client, "left");
    pause();
  }
  if (client.complete) --incomplete_;
}

// Sends a few messages at once. read_one() clears `waiting_for` when the last one has come back.
bool EngineLoad::publish_some(Client& client, RawClient& connection) {
  // finish() sets `over_` and then reads `waiting_for`, so it never misses a message.
  client.waiting_for = client.next + 1;
  if (over_) client.waiting_for = 0;
  if (over_) return true;
  std::string frames;
  for (int i = 0; i < kPublishesAtOnce; ++i) {
    client.waiting_for = ++client.next;
    const std::string text =
        client.name + " " + std::to_string(client.connections) + " " + std::to_string(client.next);
    log(client, "sent\t" + text);
    frames += text_frame(text);
  }
  return connection.send(frames);
}

// Returns false at the end of the connection.
bool EngineLoad::read_one(Client& client, RawClient& connection) {
  // A member that waits looks from time to time whether the load has ended.
  while (connection.pending().empty() &&
         !connection.receives_within(std::chrono::milliseconds(200))) {
    if (ended_) return false;
  }
  const auto frame = connection.read_frame();
  if (!frame) {
    log(client, std::string("cut\t") + end_name(connection.end()));
    return false;
  }
  if (frame->opcode == kClose) {
    log(client, "closed\t" + std::to_string(frame->close_code()) + "\t" +
                    (frame->payload.size() > 2 ? frame->payload.substr(2) : ""));
    if (frame->close_code() == 1013) ++refusals_;
    connection.send(close_frame(frame->close_code()));
    return false;
  }
  if (frame->opcode == kPing) return connection.send(pong_frame(frame->payload));
  const Meta meta = meta_of(frame->payload);
  if (meta.content_type == kPosition) return true;
  if (meta.content_type == kGap) {
    log(client, "gap\t" + meta.id);
    client.waiting_for = 0;  // it may have been in the gap
    return true;
  }
  if (!meta.content_type.empty()) {
    log(client, "unreadable\t" + printable(frame->payload));
    return true;
  }
  log(client, "message\t" + meta.id + "\t" + meta.payload);
  client.last_id = meta.id;
  ++deliveries_;
  if (meta.payload == kLast) client.complete = true;
  if (client.waiting_for != 0 && meta.payload == client.name + " " +
                                                     std::to_string(client.connections) + " " +
                                                     std::to_string(client.waiting_for)) {
    client.waiting_for = 0;
    pause();
  }
  return true;
}

// Publishes over HTTP. The text of a message that has no receipt is not used again.
void EngineLoad::be_publisher(Client& client) {
  while (!over_) {
    RawClient connection = connect(client);
    ++client.connections;
    while (connection.connected() && !over_) {
      const std::string text = client.name + " " + std::to_string(client.connections) + " " +
                               std::to_string(++client.next);
      log(client, "posted\t" + text);
      connection.send(post("/rooms/" + client.room, text));
      const auto response = connection.read_response();
      if (!response) {
        log(client, "unanswered\t" + text);
        break;
      }
      log(client, "answered\t" + text + "\t" + std::to_string(response->status) + "\t" +
                      (response->status == 200 ? text_of(*response) : "-"));
      if (response->status == 200) {
        ++receipts_;
      } else {
        ++refusals_;
      }
      pause();
      if (response->has_token("Connection", "close")) break;
    }
    pause();
  }
}

std::string EngineLoad::finish(const Forgiven& forgiven) {
  over_ = true;
  for (const auto& client : clients_) {
    if (client->name[0] == 'p') client->thread.join();
  }
  for (const auto& client : clients_) {
    EXPECT_TRUE(eventually([&] { return client->waiting_for == 0; }, 2 * patience()))
        << client->name << " has neither its message back nor a Close";
  }
  for (int room = 0; room < settings_.rooms; ++room) {
    Client last;
    last.name = "last";
    last.room = "r" + std::to_string(room);
    EXPECT_TRUE(eventually(
        [&] {
          RawClient connection = connect(last);
          if (!connection.connected()) return false;
          connection.send(post("/rooms/" + last.room, kLast));
          const auto response = connection.read_response();
          if (!response || response->status != 200) return false;
          log(last, "answered\tlast\t200\t" + text_of(*response));
          return true;
        },
        2 * patience()))
        << last.room << " takes no message at the end";
  }
  EXPECT_TRUE(eventually([&] { return incomplete_ == 0; }, 2 * patience()))
      << incomplete_ << " members have not got the last message";
  ended_ = true;
  for (const auto& client : clients_) {
    if (client->thread.joinable()) client->thread.join();
  }
  log_.close();
  Command checker{.argv = {client_script("../torture/check_log"), log_path_}};
  if (forgiven.gaps) checker.argv.emplace_back("--gaps");
  if (forgiven.losses) checker.argv.emplace_back("--losses");
  if (forgiven.doubles) checker.argv.emplace_back("--doubles");
  if (forgiven.returns) checker.argv.emplace_back("--returns");
  if (forgiven.ends) checker.argv.emplace_back("--ends");
  const Output judged = run(checker, 4 * patience());
  EXPECT_EQ(judged.status.code, 0) << judged.all();
  if (judged.status.code != 0) {
    if (const char* const keep = std::getenv("WSD_TORTURE_LOG")) {
      std::filesystem::copy_file(log_path_, keep,
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }
  return judged.out;
}

}  // namespace e2e
