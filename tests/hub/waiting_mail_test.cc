#include "hub/waiting_mail.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::hub {
namespace {

std::unique_ptr<Mail> mail_number(std::uint32_t number) { return mail_of(CommandMail{number}); }
std::uint32_t number_of(const Mail& mail) { return std::get<CommandMail>(mail.body).commands; }

using Numbers = std::vector<std::uint32_t>;

template <class Handle>
void run(WaitingMail& waiting, Handle handle) {
  waiting.run([&](const RoomLine&, const Mail& mail) { return handle(mail); },
              [](const RoomLine&) {});
}

TEST(MailQueue, GivesTheMailInItsOrder) {
  MailQueue queue;
  EXPECT_TRUE(queue.empty());
  for (const std::uint32_t number : {1U, 2U, 3U}) queue.push(mail_number(number));
  for (const std::uint32_t number : {1U, 2U, 3U}) {
    ASSERT_FALSE(queue.empty());
    EXPECT_EQ(number_of(queue.front()), number);
    queue.pop();
  }
  EXPECT_TRUE(queue.empty());
  queue.push(mail_number(4));
  EXPECT_EQ(number_of(queue.front()), 4U);  // and the destructor frees it
}

TEST(WaitingMail, RoomsAreIndependentAndKeepTheirOrder) {
  WaitingMail waiting;
  EXPECT_TRUE(waiting.empty());
  EXPECT_FALSE(waiting.has("a"));
  waiting.queue_of("a").push(mail_number(1));
  waiting.queue_of("b").push(mail_number(2));
  waiting.queue_of("a").push(mail_number(3));
  EXPECT_TRUE(waiting.has("a"));
  Numbers seen;
  run(waiting, [&](const Mail& mail) {
    if (number_of(mail) == 2) return false;
    seen.push_back(number_of(mail));
    return true;
  });
  EXPECT_EQ(seen, (Numbers{1, 3}));
  EXPECT_FALSE(waiting.has("a"));
  EXPECT_TRUE(waiting.has("b"));
  run(waiting, [&](const Mail& mail) {
    seen.push_back(number_of(mail));
    return true;
  });
  EXPECT_EQ(seen, (Numbers{1, 3, 2}));
  EXPECT_TRUE(waiting.empty());
}

TEST(WaitingMail, MailAddedMeanwhile_ComesAfterTheMailOfItsRoom) {
  WaitingMail waiting;
  for (const std::uint32_t number : {1U, 2U}) waiting.queue_of("a").push(mail_number(number));
  Numbers seen;
  run(waiting, [&](const Mail& mail) {
    seen.push_back(number_of(mail));
    if (number_of(mail) == 1) {
      waiting.queue_of("a").push(mail_number(3));
      for (int room = 0; room < 100; ++room) {
        waiting.queue_of(std::to_string(room)).push(mail_number(4));
      }
    }
    return true;
  });
  ASSERT_EQ(seen.size(), 103U);
  EXPECT_EQ(Numbers(seen.begin(), seen.begin() + 4), (Numbers{1, 2, 3, 4}));
  EXPECT_TRUE(waiting.empty());
}

TEST(WaitingMail, ARoomWithoutMail_IsForgotten) {
  WaitingMail waiting;
  EXPECT_TRUE(waiting.queue_of("a").empty());
  EXPECT_TRUE(waiting.has("a"));
  run(waiting, [](const Mail&) { return true; });
  EXPECT_TRUE(waiting.empty());
}

}  // namespace
}  // namespace wsd::hub
