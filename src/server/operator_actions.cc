#include "server/operator_actions.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/connection.h"
#include "server/gather_query.h"

namespace wsd::server {
namespace {

// A place in the order of all connections: by shard, then by slot. The number is a cursor.
struct Place {
  std::uint32_t shard = 0;
  std::size_t slot = 0;

  static Place of(std::uint64_t cursor) noexcept {
    constexpr std::uint64_t kNoShard = hub::Hub::kMaxShards;
    return {static_cast<std::uint32_t>(std::min(cursor >> hub::MemberTable::kSlotBits, kNoShard)),
            static_cast<std::size_t>(cursor & hub::MemberTable::kSlotMask)};
  }
  [[nodiscard]] std::uint64_t cursor() const noexcept {
    return std::uint64_t{shard} << hub::MemberTable::kSlotBits | slot;
  }
  // Moves to the slot, or to the next shard.
  void advance(std::size_t next_slot) noexcept {
    if (next_slot == hub::Shard::kNoMoreSlots) {
      ++shard;
      slot = 0;
    } else {
      slot = next_slot;
    }
  }
};

// Looks at the slots of one shard from `first` on, and acts on at most `limit` selected
// connections.
template <class Answer>
class PartQuestion : public GatherQuery<Answer> {
 public:
  PartQuestion(ConnectionFilter filter, std::size_t first, std::uint32_t limit)
      : GatherQuery<Answer>(1), filter_(std::move(filter)), first_(first), limit_(limit) {}

 protected:
  // Returns whether the connection counts for the limit. May throw std::bad_alloc.
  virtual bool act(net::Connection& connection, Answer& answer) = 0;

 private:
  Answer look(hub::Shard& shard) override {
    Answer answer;
    answer.next = hub::Shard::kNoMoreSlots;
    const hub::LocalRoom* room = nullptr;
    if (filter_.room) {
      room = shard.find_room(*filter_.room);
      if (room == nullptr) return answer;
    }
    std::uint32_t left = limit_;
    answer.next = shard.visit_members(first_, kSlotsPerQuestion, [&](hub::Member& member) {
      auto& connection = static_cast<net::Connection&>(member);
      if (room != nullptr && member.memberships().find(room) == nullptr) return true;
      if (filter_.user && !is_of(connection, *filter_.user)) return true;
      if (act(connection, answer)) --left;
      return left != 0;
    });
    return answer;
  }

  // A connection in its handshake belongs to no user yet, not even to the one without a name.
  static bool is_of(const net::Connection& connection, std::string_view user) {
    return connection.state() != ConnectionState::kHandshaking &&
           connection.peer_info().user() == user;
  }

  const ConnectionFilter filter_;
  const std::size_t first_;
  const std::uint32_t limit_;
};

struct PageAnswer {
  std::vector<ConnectionInfo> rows;
  std::size_t next = 0;  // 0: no answer, because every look moves on
};

class PageQuestion final : public PartQuestion<PageAnswer> {
  using PartQuestion::PartQuestion;
  bool act(net::Connection& connection, PageAnswer& answer) override {
    answer.rows.push_back(connection.info());
    return true;
  }
};

struct CloseAnswer {
  std::uint64_t closed = 0;
  std::size_t next = 0;
};

class CloseAllQuestion final : public PartQuestion<CloseAnswer> {
 public:
  CloseAllQuestion(ConnectionFilter filter, std::size_t first, CloseCode code,
                   std::string_view reason)
      : PartQuestion(std::move(filter), first, kClosesPerQuestion), code_(code), reason_(reason) {}

 private:
  bool act(net::Connection& connection, CloseAnswer& answer) override {
    if (!connection.open()) return false;
    connection.close(CloseCause::kApplicationClosed, code_, reason_);
    ++answer.closed;
    return true;
  }

  const CloseCode code_;
  const std::string reason_;
};

// Returns the shard's answer, or one whose `next` is 0 if there is none.
template <class Answer>
Answer ask_one(const hub::Hub& hub, std::uint32_t shard,
               const std::shared_ptr<PartQuestion<Answer>>& question) {
  if (hub.query(shard, question) != SendResult::kSent) return {};
  std::vector<Answer> answers = question->wait();
  return answers.empty() ? Answer{} : std::move(answers.front());
}

class Removal final : public hub::RemovalCallback {
 public:
  using Removed = std::optional<std::size_t>;
  explicit Removal(std::shared_ptr<Gather<Removed>> gather) : gather_(std::move(gather)) {}
  void run(Removed removed) noexcept override { gather_->hand_over(Removed(removed)); }

 private:
  const std::shared_ptr<Gather<Removed>> gather_;
};

}  // namespace

ConnectionPage ask_page(const hub::Hub& hub, const ConnectionFilter& filter, std::uint64_t cursor,
                        std::uint32_t limit) {
  limit = std::clamp(limit, std::uint32_t{1}, kMaxListingRows);
  ConnectionPage page;
  Place place = Place::of(cursor);
  while (place.shard < hub.shard_count() && page.rows.size() < limit) {
    const auto left = static_cast<std::uint32_t>(limit - page.rows.size());
    PageAnswer answer = ask_one<PageAnswer>(
        hub, place.shard, std::make_shared<PageQuestion>(filter, place.slot, left));
    if (answer.next == 0) {
      page.next = place.cursor();
      return page;
    }
    std::move(answer.rows.begin(), answer.rows.end(), std::back_inserter(page.rows));
    place.advance(answer.next);
  }
  if (place.shard < hub.shard_count()) page.next = place.cursor();
  page.complete = true;
  return page;
}

CloseResult ask_close_all(const hub::Hub& hub, const ConnectionFilter& filter, CloseCode code,
                          std::string_view reason) {
  CloseResult result;
  for (Place place; place.shard < hub.shard_count();) {
    const CloseAnswer answer = ask_one<CloseAnswer>(
        hub, place.shard, std::make_shared<CloseAllQuestion>(filter, place.slot, code, reason));
    if (answer.next == 0) return result;
    result.closed += answer.closed;
    place.advance(answer.next);
  }
  result.complete = true;
  return result;
}

std::optional<std::uint64_t> ask_remove(const hub::Hub& hub, std::string_view room,
                                        const std::optional<Position>& message) {
  const auto gather = std::make_shared<Gather<Removal::Removed>>(1);
  if (hub.remove(room, message, std::make_unique<Removal>(gather)) != SendResult::kSent) {
    return std::nullopt;
  }
  const std::vector<Removal::Removed> answers = gather->wait();
  return answers.empty() ? std::nullopt : std::optional<std::uint64_t>(answers.front());
}

}  // namespace wsd::server
