#include "base/index_list.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <list>
#include <memory>
#include <random>
#include <vector>

namespace wsd {
namespace {

using Ints = IndexList<int>;

std::vector<int> values_of(const Ints& list) {
  std::vector<int> values;
  for (Ints::Index i = list.first(); i != Ints::kNone; i = list.next(i)) values.push_back(list[i]);
  return values;
}

TEST(IndexList, NewList_IsEmpty) {
  const Ints list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.first(), Ints::kNone);
  EXPECT_EQ(list.last(), Ints::kNone);
  EXPECT_EQ(list.memory(), 0U);
}

TEST(IndexList, Insert_PutsTheElementBeforeAnother) {
  Ints list;
  const Ints::Index two = list.insert(Ints::kNone, 2);
  const Ints::Index four = list.insert(Ints::kNone, 4);
  list.insert(two, 1);
  list.insert(four, 3);
  EXPECT_EQ(values_of(list), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(list[list.last()], 4);
  EXPECT_EQ(list.size(), 4U);
}

TEST(IndexList, Erase_FreesTheValueAndKeepsOtherIndexes) {
  IndexList<std::shared_ptr<int>> list;
  const auto value = std::make_shared<int>(1);
  const auto first = list.insert(list.kNone, value);
  const auto second = list.insert(list.kNone, std::make_shared<int>(2));
  list.erase(first);
  EXPECT_EQ(value.use_count(), 1);
  EXPECT_EQ(list.first(), second);
  EXPECT_EQ(*list[second], 2);
}

TEST(IndexList, ErasedElements_AreUsedAgain) {
  Ints list;
  for (int i = 0; i < 8; ++i) list.insert(Ints::kNone, i);
  const std::size_t memory = list.memory();
  for (int i = 8; i < 10'000; ++i) {
    list.erase(list.first());
    list.insert(Ints::kNone, i);
  }
  EXPECT_EQ(list.memory(), memory);
}

TEST(IndexList, RandomOperations_GiveTheSameAsAStandardList) {
  std::mt19937 random(1);
  Ints list;
  std::list<int> model;
  for (int step = 0; step < 20'000; ++step) {
    // A position that both lists have, or their end.
    const std::size_t position = random() % (model.size() + 1);
    Ints::Index index = list.first();
    auto at = model.begin();
    for (std::size_t i = 0; i < position; ++i, ++at) index = list.next(index);
    if (at != model.end() && random() % 40 < model.size()) {
      list.erase(index);
      model.erase(at);
    } else {
      list.insert(index, step);
      model.insert(at, step);
    }
    ASSERT_EQ(list.size(), model.size());
    ASSERT_EQ(values_of(list), std::vector<int>(model.begin(), model.end()));
    if (!model.empty()) {
      ASSERT_EQ(list[list.last()], model.back());
    }
  }
}

}  // namespace
}  // namespace wsd
