// The way of a shard's rooms to one master of Redis: the link, the requests under way on it, and
// the rooms that wait for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/name_hash.h"
#include "engine/redis_link.h"
#include "engine/redis_room.h"

namespace wsd::engine {

// Rooms in the order in which they wait for a request. Linked through themselves; a room is in one
// of them at most. Rooms with members go first.
class RoomsToAsk {
 public:
  [[nodiscard]] bool empty() const noexcept {
    return urgent_.first == nullptr && others_.first == nullptr;
  }
  [[nodiscard]] RedisRoom& front() const noexcept {
    return urgent_.first != nullptr ? *urgent_.first : *others_.first;
  }
  void push(RedisRoom& room, bool urgent) noexcept {
    List& list = urgent ? urgent_ : others_;
    room.next_queued = nullptr;
    (list.first == nullptr ? list.first : list.last->next_queued) = &room;
    list.last = &room;
  }
  void pop() noexcept {
    List& list = urgent_.first != nullptr ? urgent_ : others_;
    list.first = std::exchange(list.first->next_queued, nullptr);
  }
  // The room may be anywhere in it, or not at all.
  void remove(const RedisRoom& room) noexcept {
    for (List* const list : {&urgent_, &others_}) {
      RedisRoom* before = nullptr;
      for (RedisRoom* each = list->first; each != nullptr; each = each->next_queued) {
        if (each == &room) {
          (before == nullptr ? list->first : before->next_queued) = each->next_queued;
          if (list->last == each) list->last = before;
          return;
        }
        before = each;
      }
    }
  }
  void clear() noexcept { urgent_ = others_ = {}; }

 private:
  struct List {
    RedisRoom* first = nullptr;
    RedisRoom* last = nullptr;  // valid while the list is not empty
  };
  List urgent_;
  List others_;
};

// Rooms for which something is to be done, the latest first. Linked through themselves, so that
// adding to it needs no memory.
template <RoomListing RedisRoom::*kListing>
class RoomsListed {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  // Requires that there is one.
  [[nodiscard]] RedisRoom& front() const noexcept { return *first_; }
  // Does nothing if the room is in it.
  void push(RedisRoom& room) noexcept {
    RoomListing& listing = room.*kListing;
    if (listing.listed) return;
    listing = {first_, true};
    first_ = &room;
  }
  void pop() noexcept { first_ = std::exchange(first_->*kListing, RoomListing{}).next; }
  void remove(RedisRoom& room) noexcept {
    if (!(room.*kListing).listed) return;
    RedisRoom** at = &first_;
    while (*at != &room) at = &((*at)->*kListing).next;
    *at = std::exchange(room.*kListing, RoomListing{}).next;
  }
  void clear() noexcept {
    while (!empty()) pop();
  }

 private:
  RedisRoom* first_ = nullptr;
};

struct RedisLane {
  RedisLane() = default;
  RedisLane(const RedisLane&) = delete;
  RedisLane& operator=(const RedisLane&) = delete;

  RedisLink* link = nullptr;   // nullptr: there is none that is up
  std::uint32_t server = 0;    // another number for each server that the link has led to
  bool needs_scripts = false;  // no script may be sent until they are loaded
  // A former connection may still run its commands, because it could not be ended.
  bool unfenced = false;
  bool large_page_out = false;
  std::uint32_t opens_out = 0;
  std::uint32_t pages_out = 0;
  RoomsToAsk to_open;
  RoomsToAsk to_page;
  RoomsListed<&RedisRoom::to_publish> to_publish;  // with batches to send
  RoomsListed<&RedisRoom::to_check> to_check;      // with a barrier to send
  RoomsListed<&RedisRoom::for_beat> for_beat;      // the pushes of replies are missing
  // By key, the number of SUNSUBSCRIBE commands without an answer.
  std::unordered_map<std::string, std::uint32_t, NameHash, std::equal_to<>> leaving;
};

}  // namespace wsd::engine
