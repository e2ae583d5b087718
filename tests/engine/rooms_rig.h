// Nodes with RedisRooms over a FakeRedis, and a sink that holds them to the contract of
// hub/order_engine.h.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine_driver.h"
#include "engine/fake_network.h"
#include "engine/fake_redis.h"
#include "engine/message_frame.h"
#include "engine/redis_link.h"
#include "engine/redis_rooms.h"
#include "hub/order_engine.h"
#include "hub/room_config.h"
#include "hub/room_home.h"

namespace wsd::engine {

// The servers of a test: a network with one server at kMaster, which is created first.
inline const Endpoint kMaster{"10.0.0.1", 6379, ""};
inline const Endpoint kOtherServer{"10.0.0.2", 6379, ""};

// One node: its rooms, its link, and the calls to its hub.
class Node : public LinkOwner, public RoomsReport, public hub::OrderSink {
 public:
  // The hub's view of a room.
  struct HubRoom {
    explicit HubRoom(std::string_view of, const hub::RoomConfig& config)
        : name(of), home(name, 0, config) {}

    const std::string name;
    hub::RoomHome home;
    bool opened = false;
    bool live = false;
    Position last;
    std::vector<hub::PublishTicket> waiting;                                  // without an answer
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> messages;  // by position
    std::vector<std::string> told;                                            // all calls in order
  };

  Node(std::uint32_t process, FakeNetwork& network) : network_(network) {
    rooms_settings.node = {process, 0};
    link_settings.prefix = rooms_settings.prefix;
    link_settings.client_name = "wsd-" + std::to_string(process);
    config.history.messages = 100;
    config.history.bytes = std::size_t{1} << 20;
    config.history.total_bytes = std::size_t{1} << 20;
    config.history.age = ticks_for_ms(3'600'000);
  }
  virtual ~Node() = default;

  // Makes the rooms with the settings as they are now, and a link.
  void start() {
    rooms_ = std::make_unique<RedisRooms>(rooms_settings, *this, *this);
    order_ = rooms_.get();
    rooms_->begin_turn(now_ms);
    connect();
  }
  void connect(const Endpoint& to = kMaster) {
    link = std::make_unique<RedisLink>(link_settings, former, network_, to, *this, now_ms);
  }
  // A turn of the reactor without input.
  void turn() { order_->end_turn(); }
  void at(std::uint64_t time_ms) {
    now_ms = time_ms;
    rooms_->begin_turn(now_ms);
    if (link) link->begin_turn(now_ms);
    if (now_ms >= rooms_->deadline()) rooms_->on_time();
    if (link && now_ms >= link->deadline()) link->on_time();
    rooms_->end_turn();
  }

  HubRoom& open(const std::string& name) {
    auto& room = hub_rooms[name];
    if (!room) room = std::make_unique<HubRoom>(name, config);
    order_->open(room->home);
    return *room;
  }
  // Publishes a text, which is then also the message's name in `told`.
  hub::PublishTicket publish(const std::string& name, std::string_view text,
                             const hub::PublishKey* key = nullptr) {
    HubRoom& room = open(name);
    const auto ticket = order_->publish(room.home, frame_of_message({false, text}), key);
    EXPECT_EQ(ticket, ++last_ticket_);
    room.waiting.push_back(ticket);
    texts_[ticket] = text;
    return ticket;
  }
  // Publishes at the end of a turn.
  void send(const std::string& name, std::string_view text) {
    publish(name, text);
    turn();
  }
  void check(const std::string& name) { order_->check(hub_rooms.at(name)->home); }
  void unwanted(const std::string& name) { order_->unwanted(hub_rooms.at(name)->home); }

  [[nodiscard]] HubRoom& room(const std::string& name) { return *hub_rooms.at(name); }
  // Returns the calls to the hub for a room since the last call of told().
  std::vector<std::string> told(const std::string& name) {
    return std::exchange(room(name).told, {});
  }
  [[nodiscard]] RedisRooms& rooms() { return *rooms_; }

  // LinkOwner
  void link_up(RedisLink& up, const LinkUp& found) override {
    former = {found.client_id, found.replid};
    LinkUp told = found;
    if (unfenced) told.fenced = false;
    rooms_->link_up(rooms_->lane(), up, told);
    ++ups;
  }
  void link_replied(RedisLink& /*link*/, const RequestTag& tag, RespValue reply) override {
    rooms_->link_replied(rooms_->lane(), tag, reply);
  }
  void link_pushed(RedisLink& /*link*/, RespValue push) override {
    rooms_->link_pushed(rooms_->lane(), push);
  }
  void link_beat(RedisLink& /*link*/, std::uint64_t /*us*/) override {
    rooms_->link_beat(rooms_->lane());
  }
  void link_scripts_loaded(RedisLink& /*link*/) override {
    rooms_->link_scripts_loaded(rooms_->lane());
  }
  void link_down(RedisLink& /*link*/, const LinkDown& down) noexcept override {
    why_down = down.why;
    ended_ = std::move(link);
    if (ups != downs) rooms_->link_down(rooms_->lane());
    downs = ups;
  }

  // RoomsReport
  void engine_event(std::string_view event, std::string_view room_name,
                    std::string_view text) override {
    events.push_back(std::string(event) + " " + std::string(room_name) + ": " + std::string(text));
  }

  void redirected() noexcept override { ++redirects; }

  // hub::OrderSink
  void opened(hub::RoomHome& home, const Position& last,
              std::span<const hub::KeptMessage> kept) override {
    need_memory();
    HubRoom& room = of(home);
    EXPECT_FALSE(room.live);
    std::string text = "opened";
    if (!room.opened) {
      room.last = last;
      std::uint64_t seq = last.seq - kept.size();
      for (const hub::KeptMessage& each : kept) {
        text += " " + text_of(each.frame);
        room.messages[{last.epoch, ++seq}] = text_of(each.frame);
        kept_at.push_back(each.at);
      }
    } else {
      EXPECT_TRUE(kept.empty());
      EXPECT_EQ(room.last, last);
    }
    room.opened = room.live = true;
    room.told.push_back(text);
  }
  void placed(hub::RoomHome& home, hub::PublishTicket ticket, const Position& position) override {
    need_memory();
    HubRoom& room = of(home);
    answered(room, ticket);
    take(room, position, texts_[ticket]);
    room.told.push_back("placed " + texts_[ticket]);
  }
  void failed(hub::RoomHome& home, hub::PublishTicket ticket,
              hub::PublishFailure why) noexcept override {
    HubRoom& room = of(home);
    answered(room, ticket);
    room.told.push_back((why == hub::PublishFailure::kRefused   ? "refused "
                         : why == hub::PublishFailure::kUnknown ? "unknown "
                                                                : "key used ") +
                        texts_[ticket]);
  }
  void repeated(hub::RoomHome& home, hub::PublishTicket ticket,
                const Position& position) noexcept override {
    HubRoom& room = of(home);
    answered(room, ticket);
    const auto found = room.messages.find({position.epoch, position.seq});
    room.told.push_back("repeated " + texts_[ticket] + " as " +
                        (found == room.messages.end() ? position_text(position) : found->second));
  }
  void arrived(hub::RoomHome& home, const Position& position, SharedBytes frame,
               Tick /*at*/) override {
    need_memory();
    HubRoom& room = of(home);
    const std::string text = text_of(frame);
    take(room, position, text);
    room.told.push_back("arrived " + (text.size() > 20 ? std::to_string(text.size()) : text));
  }
  void missed(hub::RoomHome& home, const Position& last, bool kept_back) override {
    need_memory();
    HubRoom& room = of(home);
    EXPECT_TRUE(room.opened);
    if (kept_back) {
      EXPECT_EQ(last.seq, room.last.seq);
    }
    room.last = last;
    room.told.push_back(kept_back ? "missed nothing" : "missed");
  }
  void lost(hub::RoomHome& home) noexcept override {
    HubRoom& room = of(home);
    EXPECT_TRUE(room.live);
    room.live = false;
    room.told.push_back("lost");
  }
  void counted(hub::CountTicket ticket, const hub::OtherNodes& others) noexcept override {
    counts[ticket] = others;
  }
  void listed(hub::ListTicket ticket, RoomMembers&& others) noexcept override {
    lists[ticket] = std::move(others);
  }
  [[nodiscard]] RoomMembers members_of(const hub::RoomHome& home,
                                       const MembersQuery& query) const override {
    RoomMembers page;
    page.presence = presence;
    page.last = home.last();
    for (auto each = members.upper_bound(query.after); each != members.end(); ++each) {
      page.more = page.members.size() == query.limit;
      if (page.more) break;
      page.members.push_back({each->first, each->second});
    }
    return page;
  }
  void checked(hub::RoomHome& home) noexcept override { of(home).told.push_back("checked"); }
  void closed(hub::RoomHome& home, bool failed) noexcept override {
    HubRoom& room = of(home);
    EXPECT_TRUE(room.waiting.empty());
    EXPECT_EQ(home.engine_number, 0U);
    room.opened = room.live = false;
    room.told.push_back(failed ? "closed as failed" : "closed");
  }

  std::uint64_t now_ms = 1'000'000;
  RoomsSettings rooms_settings;
  LinkSettings link_settings;
  FormerLink former;
  hub::RoomConfig config;
  std::unique_ptr<RedisLink> link;
  std::map<std::string, std::unique_ptr<HubRoom>> hub_rooms;
  std::vector<std::string> events;
  std::vector<Tick> kept_at;
  std::map<hub::CountTicket, hub::OtherNodes> counts;  // the answers of count()
  std::map<hub::ListTicket, RoomMembers> lists;        // the answers of list()
  std::map<std::string, std::string> members;          // of each room: id and info
  bool presence = true;                                // of each room
  std::string why_down;
  bool unfenced = false;  // links say that they could not fence the former one
  int redirects = 0;
  int ups = 0;
  int downs = 0;
  int calls_until_no_memory = -1;  // the sink throws once, after so many calls that may throw

 protected:
  hub::OrderEngine* order_ = nullptr;  // the rooms

 private:
  [[nodiscard]] static std::string text_of(const SharedBytes& frame) {
    return std::string(message_of_frame(frame).payload);
  }
  [[nodiscard]] HubRoom& of(const hub::RoomHome& home) {
    return *hub_rooms.at(std::string(home.name()));
  }
  void need_memory() {
    if (calls_until_no_memory >= 0 && calls_until_no_memory-- == 0) throw std::bad_alloc();
  }
  static void answered(HubRoom& room, hub::PublishTicket ticket) {
    ASSERT_FALSE(room.waiting.empty());
    EXPECT_EQ(room.waiting.front(), ticket) << "an earlier publish has no answer";
    room.waiting.erase(room.waiting.begin());
  }
  static void take(HubRoom& room, const Position& position, const std::string& text) {
    EXPECT_TRUE(room.opened);
    EXPECT_EQ(position, (Position{room.last.epoch, room.last.seq + 1}));
    room.last = position;
    EXPECT_TRUE(room.messages.try_emplace({position.epoch, position.seq}, text).second)
        << "a position was told twice";
  }

  FakeNetwork& network_;
  std::unique_ptr<RedisRooms> rooms_;
  std::unique_ptr<RedisLink> ended_;
  hub::PublishTicket last_ticket_ = 0;
  std::map<hub::PublishTicket, std::string> texts_;
};

class RoomsRig : public ::testing::Test {
 protected:
  using Told = std::vector<std::string>;

  RoomsRig() { network.listen(kMaster, &server); }

  // Lets everything happen that can happen without time.
  void run() {
    bool more = true;
    while (more) {
      more = network.step();
      for (Node* const node : nodes) {
        if (node->rooms().has_to_send()) {
          node->turn();
          more = true;
        }
      }
    }
  }
  void start(Node& node) {
    node.start();
    nodes.push_back(&node);
    run();
  }
  void advance(std::uint64_t ms) {
    server.advance_ms(ms);
    other.advance_ms(ms);
    for (Node* const node : nodes) node->at(node->now_ms + ms);
    run();
  }
  // The connection of the node breaks, and it makes another one.
  void reconnect(Node& node, const Endpoint& to = kMaster, bool lose_sent = false) {
    network.cut_all("Connection reset by peer", lose_sent);
    run();
    if (node.link) node.link.reset();
    node.connect(to);
    run();
  }

  FakeRedis server;
  FakeRedis other{FakeRedis::Options{2, "7.0.15", "", false, true}};
  FakeNetwork network;
  std::vector<Node*> nodes;
  Node a{1, network};
  Node b{2, network};
};

// Two nodes that have the room "r".
class TwoNodesRig : public RoomsRig {
 protected:
  // Both nodes have the room, and know its first message.
  void start_both() {
    start(a);
    start(b);
    a.open("r");
    b.open("r");
    run();
    a.send("r", "1");
    run();
    a.told("r");
    b.told("r");
  }
  // A message that has a batch of its own.
  void send_alone(Node& node, std::string_view text) {
    node.send("r", text);
    run();
  }
  [[nodiscard]] FakeNetwork::Line& line_of(std::size_t index) { return *network.lines()[index]; }
  // Publishes in the stead of some other node, which sends nothing to the nodes of the test.
  std::string place(std::string_view text, std::uint32_t process = 9, std::uint64_t counter = 1) {
    std::string batch;
    append_head(batch, {server.time_us() / 1'000, {process, 0}, counter, 1});
    append_message(batch, {false, text});
    const FakeReply id = server.execute({"XADD", "wsd1:{r}", epoch() + "-*", "d", batch});
    EXPECT_FALSE(id.is_error()) << id.text;
    return id.text + " " + batch;
  }
  [[nodiscard]] std::string epoch() {
    return std::to_string(server.data().at("wsd1:{r}").stream.last_id.ms);
  }
  [[nodiscard]] std::size_t placed(std::string_view text) const {
    std::size_t count = 0;
    for (const FakeRedis* each : {&server, &other}) {
      for (const FakePlaced& batch : each->placed()) {
        if (batch.text.ends_with(text)) ++count;
      }
    }
    return count;
  }
  // The other server gets the data of the first one, and is a master of its own from now on.
  void promote_other() {
    other.follow(server);
    network.listen(kOtherServer, &other);
    other.promote();
  }
};

}  // namespace wsd::engine
