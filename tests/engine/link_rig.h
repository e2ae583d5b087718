// A link to a FakeRedis, with an owner that records what it is told.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fake_network.h"
#include "engine/fake_redis.h"
#include "engine/redis_link.h"

namespace wsd::engine {

inline const Endpoint kServer{"127.0.0.1", 6379, ""};

class LinkRig : public LinkOwner {
 public:
  explicit LinkRig(const FakeRedis::Options& options = {})
      : server(std::make_unique<FakeRedis>(options)) {
    network.listen(kServer, server.get());
    settings.prefix = "wsd1:";
    settings.client_name = "wsd-test";
  }

  // Begins to connect. Nothing moves before network.run().
  void make() {
    link = std::make_unique<RedisLink>(settings, former, network, kServer, *this, now_ms);
  }
  // Makes a link, and lets all that can happen at once happen.
  void connect() {
    make();
    network.run();
  }
  void advance(std::uint64_t ms) {
    now_ms += ms;
    if (link) {
      link->begin_turn(now_ms);
      if (now_ms >= link->deadline()) link->on_time();
    }
    network.run();
  }
  // Hands bytes to the link as if the server had sent them.
  void inject(std::string_view bytes) { network.lines().front()->owner->received(bytes); }

  void link_up(RedisLink& /*link*/, const LinkUp& up) override {
    ++ups;
    server_found = up;
  }
  void link_replied(RedisLink& replying, const RequestTag& tag, RespValue reply) override {
    replies.push_back(std::to_string(tag.cookie) + " " + text_of(reply));
    if (ends_in_reply) replying.end("enough");
  }
  void link_pushed(RedisLink& /*link*/, RespValue push) override {
    std::string text;
    for (std::size_t i = 0; i < push.front().count; ++i) text += text_of(child(push, i)) + " ";
    pushes.push_back(text);
  }
  void link_beat(RedisLink& /*link*/, std::uint64_t round_trip_us) override {
    beats.push_back(round_trip_us);
  }
  void link_scripts_loaded(RedisLink& /*link*/) override { ++loads; }
  void link_down(RedisLink& /*link*/, const LinkDown& why) noexcept override {
    downs.push_back(why);
    if (destroys_in_down) link.reset();
  }

  static std::string text_of(RespValue value) {
    if (value.empty()) return "nothing";
    const RespNode& node = value.front();
    if (node.type == RespType::kNumber) return std::to_string(node.number);
    return std::string{node.text};
  }

  FakeNetwork network;
  std::unique_ptr<FakeRedis> server;
  LinkSettings settings;
  FormerLink former;
  std::uint64_t now_ms = 1'000'000;
  std::unique_ptr<RedisLink> link;

  int ups = 0;
  int loads = 0;
  LinkUp server_found;
  std::vector<std::string> replies;
  std::vector<std::string> pushes;
  std::vector<std::uint64_t> beats;
  std::vector<LinkDown> downs;
  bool ends_in_reply = false;
  bool destroys_in_down = false;
};

}  // namespace wsd::engine
