#include "hub/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <thread>
#include <vector>

namespace wsd::hub {
namespace {

struct Node {
  Node* next = nullptr;
  unsigned producer = 0;
  std::uint32_t number = 0;
};

std::vector<Node*> nodes_of(Node* list) {
  std::vector<Node*> nodes;
  for (; list != nullptr; list = list->next) {
    nodes.push_back(list);
  }
  return nodes;
}

using Nodes = std::vector<Node*>;

// Every operation in every state

TEST(Mailbox, EmptyTakeGivesNothingAndStaysEmpty) {
  Mailbox<Node> mailbox;
  EXPECT_EQ(mailbox.take(), nullptr);
  Node node;
  EXPECT_FALSE(mailbox.push(&node));
  EXPECT_EQ(nodes_of(mailbox.take()), Nodes{&node});
}

TEST(Mailbox, EmptyPushNeedsNoWake) {
  Mailbox<Node> mailbox;
  Node node;
  EXPECT_FALSE(mailbox.push(&node));
  EXPECT_FALSE(mailbox.arm());  // non-empty now
  EXPECT_EQ(nodes_of(mailbox.take()), Nodes{&node});
  EXPECT_EQ(mailbox.take(), nullptr);
}

TEST(Mailbox, EmptyArmLetsTheOwnerSleepAndThePushWakes) {
  Mailbox<Node> mailbox;
  EXPECT_TRUE(mailbox.arm());
  Node node;
  EXPECT_TRUE(mailbox.push(&node));
  EXPECT_EQ(nodes_of(mailbox.take()), Nodes{&node});
}

TEST(Mailbox, ArmedArmIsArmed) {
  Mailbox<Node> mailbox;
  EXPECT_TRUE(mailbox.arm());
  EXPECT_TRUE(mailbox.arm());
  Node node;
  EXPECT_TRUE(mailbox.push(&node));
  EXPECT_EQ(nodes_of(mailbox.take()), Nodes{&node});
}

TEST(Mailbox, ArmedTakeDisarms) {
  Mailbox<Node> mailbox;
  EXPECT_TRUE(mailbox.arm());
  EXPECT_EQ(mailbox.take(), nullptr);
  Node node;
  EXPECT_FALSE(mailbox.push(&node));
  EXPECT_EQ(nodes_of(mailbox.take()), Nodes{&node});
}

TEST(Mailbox, NonEmptyPushNeedsNoWakeAndKeepsOrder) {
  for (const bool armed : {false, true}) {
    Mailbox<Node> mailbox;
    if (armed) {
      EXPECT_TRUE(mailbox.arm());
    }
    std::array<Node, 5> nodes;
    EXPECT_EQ(mailbox.push(&nodes[0]), armed);
    Nodes expected{&nodes[0]};
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      EXPECT_FALSE(mailbox.push(&nodes[i]));
      expected.push_back(&nodes[i]);
    }
    EXPECT_EQ(nodes_of(mailbox.take()), expected);
  }
}

TEST(Mailbox, NonEmptyArmRefusesSleep) {
  Mailbox<Node> mailbox;
  Node a;
  Node b;
  EXPECT_FALSE(mailbox.push(&a));
  EXPECT_FALSE(mailbox.arm());
  EXPECT_FALSE(mailbox.push(&b));  // the failed arm() left no mark
  EXPECT_FALSE(mailbox.arm());
  EXPECT_EQ(nodes_of(mailbox.take()), (Nodes{&a, &b}));
  EXPECT_TRUE(mailbox.arm());
}

TEST(Mailbox, ANodeCanComeAgain) {
  Mailbox<Node> mailbox;
  Node node;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(mailbox.push(&node), i != 0);
    EXPECT_EQ(mailbox.take(), &node);
    EXPECT_EQ(node.next, nullptr);
    EXPECT_TRUE(mailbox.arm());
  }
}

#ifdef WSD_DEBUG
TEST(MailboxDeathTest, MustBeEmptyWhenItDies) {
  EXPECT_DEATH(
      {
        Node node;
        Mailbox<Node> mailbox;
        static_cast<void>(mailbox.push(&node));
      },
      "no_node");
}
#endif

// Lets an owner sleep on an eventfd, as the reactor does.
class WakeFd {
 public:
  WakeFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~WakeFd() { ::close(fd_); }
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  void wake() const {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(fd_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }
  // Blocks until a wake-up, and returns the number of wake-ups. Returns 0 after one minute without
  // one.
  [[nodiscard]] std::uint64_t sleep() const {
    pollfd entry{fd_, POLLIN, 0};
    std::uint64_t count = 0;
    if (::poll(&entry, 1, 60000) != 1 || ::read(fd_, &count, sizeof count) != sizeof count) {
      return 0;
    }
    return count;
  }

 private:
  int fd_;
};

TEST(Mailbox, StressNothingLostNothingTwiceInOrderOneWakePerSleep) {
  constexpr unsigned kProducers = 4;
  constexpr std::uint32_t kEach = 200000;
  Mailbox<Node> mailbox;
  const WakeFd fd;
  std::vector<std::vector<Node>> nodes(kProducers, std::vector<Node>(kEach));
  std::array<std::uint64_t, kProducers> wakes_sent = {};
  std::vector<std::thread> producers;
  producers.reserve(kProducers);
  for (unsigned p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (std::uint32_t i = 0; i < kEach; ++i) {
        Node& node = nodes[p][i];
        node.producer = p;
        node.number = i;
        if (mailbox.push(&node)) {
          fd.wake();
          ++wakes_sent[p];
        }
        if (i % 1024 == 0) {
          std::this_thread::yield();  // lets the owner empty the mailbox and sleep
        }
      }
    });
  }

  std::array<std::uint32_t, kProducers> expected = {};
  std::uint64_t sleeps = 0;
  std::uint64_t wakes = 0;
  bool good = true;
  for (std::uint64_t taken = 0; good && taken < std::uint64_t{kProducers} * kEach;) {
    Node* list = mailbox.take();
    for (; list != nullptr; list = list->next, ++taken) {
      good = good && list->number == expected[list->producer];
      ++expected[list->producer];
    }
    if (taken < std::uint64_t{kProducers} * kEach && mailbox.arm()) {
      ++sleeps;
      const std::uint64_t count = fd.sleep();
      good = good && count == 1;  // exactly one for this sleep
      wakes += count;
    }
  }
  for (std::thread& producer : producers) {
    producer.join();
  }
  EXPECT_TRUE(good) << "out of order, lost or not woken once";
  std::uint64_t sent = 0;
  for (unsigned p = 0; p < kProducers; ++p) {
    EXPECT_EQ(expected[p], kEach);
    sent += wakes_sent[p];
  }
  EXPECT_EQ(mailbox.take(), nullptr);
  EXPECT_EQ(wakes, sent);
  EXPECT_EQ(wakes, sleeps);
}

}  // namespace
}  // namespace wsd::hub
