#include "server/introspection.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "net/connection.h"
#include "server/gather_query.h"
#include "server/top_k.h"

namespace wsd::server {
namespace {

template <class Row>
struct Rows {
  std::vector<Row> rows;
  std::uint64_t total = 0;
  bool whole = false;
};

// Merges the answers of all shards into one listing.
template <class Row, class Before>
Listing<Row> merged(std::vector<Rows<Row>>&& answers, std::uint32_t shards, std::size_t limit,
                    Before before) {
  Listing<Row> listing;
  std::uint32_t whole = 0;
  for (Rows<Row>& each : answers) {
    whole += each.whole ? 1 : 0;
    listing.total += each.total;
    std::move(each.rows.begin(), each.rows.end(), std::back_inserter(listing.rows));
  }
  listing.complete = whole == shards;
  std::sort(listing.rows.begin(), listing.rows.end(), before);
  if (listing.rows.size() > limit) listing.rows.resize(limit);
  return listing;
}

std::uint64_t rank(const ConnectionInfo& info, ConnectionOrder order) {
  switch (order) {
    case ConnectionOrder::kQueue:
      return info.queued_bytes;
    case ConnectionOrder::kRoundTrip:
      return info.round_trip_us;
    case ConnectionOrder::kAge:
      break;
  }
  return info.age_ms;
}

std::uint64_t rank(const net::Connection& connection, ConnectionOrder order) {
  switch (order) {
    case ConnectionOrder::kQueue:
      return connection.queued_bytes();
    case ConnectionOrder::kRoundTrip:
      return connection.round_trip().us();
    case ConnectionOrder::kAge:
      break;
  }
  return connection.age_ms();
}

class ConnectionsQuestion final : public GatherQuery<Rows<ConnectionInfo>> {
 public:
  ConnectionsQuestion(std::uint32_t shards, const ConnectionQuery& query)
      : GatherQuery(shards), query_(query) {}

 private:
  struct Entry {
    std::uint64_t rank = 0;
    const net::Connection* connection = nullptr;
    bool operator<(const Entry& other) const noexcept {
      return rank != other.rank ? rank > other.rank : connection->id() < other.connection->id();
    }
  };

  Rows<ConnectionInfo> look(hub::Shard& shard) override {
    TopK<Entry> best(query_.limit);
    Rows<ConnectionInfo> answer;
    shard.for_each_member([&](const hub::Member& member) {
      const auto& connection = static_cast<const net::Connection&>(member);
      best.offer(Entry{rank(connection, query_.order), &connection});
    });
    for (const Entry& each : best.take()) answer.rows.push_back(each.connection->info());
    answer.total = shard.member_count();
    answer.whole = true;
    return answer;
  }

  const ConnectionQuery query_;
};

bool room_before(const RoomInfo& a, const RoomInfo& b) {
  return a.members != b.members ? a.members > b.members : a.name < b.name;
}

class RoomsQuestion final : public GatherQuery<Rows<RoomInfo>> {
 public:
  RoomsQuestion(std::uint32_t shards, std::uint32_t limit) : GatherQuery(shards), limit_(limit) {}

 private:
  struct Entry {
    std::uint64_t members = 0;
    std::string_view name;
    bool operator<(const Entry& other) const noexcept {
      return members != other.members ? members > other.members : name < other.name;
    }
  };

  Rows<RoomInfo> look(hub::Shard& shard) override {
    TopK<Entry> best(limit_);
    Rows<RoomInfo> answer;
    shard.for_each_home([&](const hub::RoomHome& home) {
      Entry entry{0, home.name()};
      for (const auto& each : home.shards()) entry.members += each.members;
      best.offer(entry);
    });
    for (const Entry& each : best.take())
      answer.rows.push_back({std::string(each.name), each.members});
    answer.total = shard.home_count();
    answer.whole = true;
    return answer;
  }

  const std::uint32_t limit_;
};

class CloseQuestion final : public GatherQuery<bool> {
 public:
  CloseQuestion(ConnectionId id, CloseCode code, std::string_view reason)
      : GatherQuery(1), id_(id), code_(code), reason_(reason) {}

 private:
  bool look(hub::Shard& shard) override {
    auto* const connection = static_cast<net::Connection*>(shard.find(id_));
    if (connection == nullptr || !connection->open()) return false;
    connection->close(CloseCause::kApplicationClosed, code_, reason_);
    return true;
  }

  const ConnectionId id_;
  const CloseCode code_;
  const std::string reason_;
};

}  // namespace

Listing<ConnectionInfo> ask_connections(const hub::Hub& hub, const ConnectionQuery& query) {
  ConnectionQuery bounded = query;
  bounded.limit = std::min(query.limit, kMaxListingRows);
  const auto question = std::make_shared<ConnectionsQuestion>(hub.shard_count(), bounded);
  return merged(ask_all<Rows<ConnectionInfo>>(hub, question), hub.shard_count(), bounded.limit,
                [&](const ConnectionInfo& a, const ConnectionInfo& b) {
                  const std::uint64_t left = rank(a, query.order);
                  const std::uint64_t right = rank(b, query.order);
                  return left != right ? left > right : a.id < b.id;
                });
}

Listing<RoomInfo> ask_rooms(const hub::Hub& hub, std::uint32_t limit) {
  limit = std::min(limit, kMaxListingRows);
  const auto question = std::make_shared<RoomsQuestion>(hub.shard_count(), limit);
  return merged(ask_all<Rows<RoomInfo>>(hub, question), hub.shard_count(), limit, &room_before);
}

bool ask_close(const hub::Hub& hub, ConnectionId id, CloseCode code, std::string_view reason) {
  const std::uint32_t shard = hub::shard_of(id);
  if (shard >= hub.shard_count()) return false;
  const auto question = std::make_shared<CloseQuestion>(id, code, reason);
  if (hub.query(shard, question) != SendResult::kSent) return false;
  const std::vector<bool> answers = question->wait();
  return !answers.empty() && answers.front();
}

}  // namespace wsd::server
