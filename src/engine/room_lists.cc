#include "engine/room_lists.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <optional>

#include "engine/question_text.h"
#include "engine/redis_room.h"
#include "hub/members_page.h"

namespace wsd::engine {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr std::size_t kMostIdBytes = 64;  // of members, and of MembersQuery::after
// So much may a member have in an answer besides its id and its info.
constexpr std::size_t kMemberBytes = 8;

RoomMembers incomplete() noexcept {
  RoomMembers page;
  page.complete = false;
  return page;
}

bool is_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMostIdBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_query(const MembersQuery& query) noexcept {
  return query.limit >= 1 && query.limit <= kMaxMembersPage && query.after.size() <= kMostIdBytes;
}

// Takes a member, "ID LENGTH:INFO", from the text.
std::optional<RoomMember> take_member(std::string_view& text) {
  const std::string_view id = take_word(text);
  const std::size_t colon = text.find(':');
  if (!is_id(id) || colon == std::string_view::npos) return std::nullopt;
  const auto length = number_of(text.substr(0, colon));
  text.remove_prefix(colon + 1);
  if (!length || *length > kMaxMemberInfoBytes || *length > text.size()) return std::nullopt;
  RoomMember member{std::string(id), std::string(text.substr(0, *length))};
  text.remove_prefix(*length);
  return member;
}

// Returns the page of an answer after its id, or std::nullopt if it is not an answer to the query.
std::optional<RoomMembers> page_of(std::string_view text, const MembersQuery& query) {
  const std::string_view more = take_word(text);
  const auto last = place_of_id(take_word(text));
  if ((more != "0" && more != "1") || !last) return std::nullopt;
  RoomMembers page;
  page.presence = true;
  page.more = more == "1";
  page.last = *last;
  while (!text.empty()) {
    std::optional<RoomMember> member = take_member(text);
    const std::string& before = page.members.empty() ? query.after : page.members.back().id;
    if (!member || member->id <= before || page.members.size() == query.limit) return std::nullopt;
    page.members.push_back(*std::move(member));
  }
  if (page.more && page.members.empty()) return std::nullopt;
  return page;
}

std::string text_of(const RoomMembers& page) {
  std::string members;
  bool more = page.more;
  for (const RoomMember& each : page.members) {
    if (members.size() + each.id.size() + each.info.size() + kMemberBytes >
        RoomLists::kMostAnswerBytes) {
      more = true;
      break;
    }
    members += each.id + ' ' + std::to_string(each.info.size()) + ':' + each.info;
  }
  return (more ? "1 " : "0 ") + id_of(page.last) + ' ' + members;
}

}  // namespace

RoomLists::RoomLists(const NodeName& node, std::uint8_t question, std::uint8_t answer,
                     RoomCounts& counts, CountsOwner& owner, hub::OrderSink& sink)
    : name_(engine::text_of(node)),
      question_(question),
      answer_(answer),
      counts_(counts),
      owner_(owner),
      sink_(sink) {}

// Asking

hub::ListTicket RoomLists::ask(std::string key, const MembersQuery& query) {
  const auto is_same = [&](const auto& each) {
    const Question& question = each.second;
    return question.link == nullptr && question.key == key && question.query.after == query.after &&
           question.query.limit == query.limit && question.waiting.size() < kMostWaiting;
  };
  const auto same = std::find_if(questions_.begin(), questions_.end(), is_same);
  if (same != questions_.end()) {
    same->second.waiting.push_back(ticket_ + 1);
    return ++ticket_;
  }
  if (questions_.size() >= kMostQuestions || owner_.link_for(key) == nullptr || !is_query(query)) {
    failed_.push_back(ticket_ + 1);
    return ++ticket_;
  }
  Question question;
  question.key = std::move(key);
  question.query = query;
  question.waiting.push_back(ticket_ + 1);
  question.asked_ms = now_ms_;
  to_send_.push_back(ids_ + 1);
  try {
    questions_.try_emplace(ids_ + 1, std::move(question));
  } catch (...) {
    to_send_.pop_back();
    throw;
  }
  ++ids_;
  next_due_ms_ = std::min(next_due_ms_, now_ms_ + kAnswerMs);
  return ++ticket_;
}

void RoomLists::send(std::uint64_t id, Question& question) {
  RedisLink* const link = counts_.listen(question.key);
  if (link == nullptr) {
    finish(questions_.find(id), false);
    return;
  }
  const std::string text = '?' + name_ + ' ' + std::to_string(id) + ' ' +
                           std::to_string(question.query.limit) + ' ' + question.query.after;
  question.gets_own = owner_.is_subscribed(question.key);
  link->send({question_, 0, id}, {"SPUBLISH", question.key, text});
  question.link = link;
}

void RoomLists::end_turn() noexcept {
  for (const hub::ListTicket each : failed_) sink_.listed(each, incomplete());
  failed_.clear();
  try {
    while (!to_send_.empty()) {
      const auto found = questions_.find(to_send_.back());
      if (found != questions_.end()) send(found->first, found->second);
      to_send_.pop_back();
    }
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the next turn goes on
  }
}

// Its answers

void RoomLists::replied(std::uint64_t id, RespValue reply) noexcept {
  const auto at = questions_.find(id);
  if (at == questions_.end()) return;
  Question& question = at->second;
  const RespNode& node = reply.front();
  const int own = question.gets_own ? 1 : 0;
  if (node.type != RespType::kNumber || node.number < own) {
    finish(at, false);
    return;
  }
  question.replied = true;
  question.receivers = static_cast<std::uint64_t>(node.number - own);
  finish_if_complete(at);
}

void RoomLists::answered(std::string_view payload) noexcept {
  payload.remove_prefix(1);
  const auto id = number_of(take_word(payload));
  const auto at = id ? questions_.find(*id) : questions_.end();
  if (at == questions_.end()) return;
  Question& question = at->second;
  try {
    std::optional<RoomMembers> page = page_of(payload, question.query);
    if (!page) return;
    hub::merge_members(question.others, *std::move(page), question.query.limit);
  } catch (const std::bad_alloc&) {
    question.others.complete = false;
  }
  ++question.answers;
  finish_if_complete(at);
}

void RoomLists::finish_if_complete(Questions::iterator at) noexcept {
  const Question& question = at->second;
  if (question.replied && question.answers >= question.receivers) finish(at, counts_.settled());
}

// Removes the question. Returns the one after it.
RoomLists::Questions::iterator RoomLists::finish(Questions::iterator at, bool complete) noexcept {
  Question& question = at->second;
  question.others.complete = question.others.complete && complete;
  for (const hub::ListTicket each : question.waiting) {
    RoomMembers page = incomplete();
    try {
      if (each == question.waiting.back()) {
        page = std::move(question.others);
      } else {
        page = question.others;
      }
    } catch (const std::bad_alloc&) {
      page = incomplete();
    }
    sink_.listed(each, std::move(page));
  }
  return questions_.erase(at);
}

// Time, and the end of links

void RoomLists::on_time() noexcept {
  if (now_ms_ < next_due_ms_) return;
  next_due_ms_ = kNever;
  for (auto at = questions_.begin(); at != questions_.end();) {
    const std::uint64_t due_ms = at->second.asked_ms + kAnswerMs;
    if (now_ms_ < due_ms) next_due_ms_ = std::min(next_due_ms_, due_ms);
    at = now_ms_ < due_ms ? std::next(at) : finish(at, false);
  }
}

void RoomLists::link_down(const RedisLink& link) noexcept {
  for (auto at = questions_.begin(); at != questions_.end();) {
    at = at->second.link == &link ? finish(at, false) : std::next(at);
  }
}

// Questions of other nodes

void RoomLists::answer(RedisLink& link, std::string_view key, std::string_view question,
                       const hub::RoomHome& home) noexcept {
  question.remove_prefix(1);
  const std::string_view node = take_word(question);
  const std::string_view id = take_word(question);
  const auto limit = number_of(take_word(question));
  if (node == name_ || !is_node_name(node) || !number_of(id) || !limit ||
      *limit > kMaxMembersPage) {
    return;
  }
  try {
    const MembersQuery query{static_cast<std::uint32_t>(*limit), std::string(question)};
    if (!is_query(query)) return;
    const RoomMembers page = sink_.members_of(home, query);
    if (!page.presence) return;
    const std::string channel = std::string(key) + '?' + std::string(node);
    link.send({answer_, 0, 0}, {"SPUBLISH", channel, 'm' + std::string(id) + ' ' + text_of(page)});
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the asker does not wait long
  }
}

}  // namespace wsd::engine
