#include "base/slab.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdint>
#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include "base/sanitizers.h"

namespace wsd {
namespace {

struct Odd {
  explicit Odd(std::uint64_t given) : value(given) { ++alive; }
  Odd(const Odd&) = delete;
  Odd& operator=(const Odd&) = delete;
  ~Odd() { --alive; }

  static inline int alive = 0;
  std::uint64_t value;
  std::uint64_t rest[20] = {};
  std::uint8_t more = 7;
};

TEST(Slab, Objects_AreAdjacentInMemory) {
  Slab<Odd> slab;
  Odd* const first = slab.make(1U);
  Odd* const second = slab.make(2U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second) - reinterpret_cast<std::uintptr_t>(first),
            sizeof(Odd));
  slab.destroy(first);
  slab.destroy(second);
  EXPECT_EQ(Odd::alive, 0);
}

TEST(Slab, ReleaseUnused_FreesTheEmptyBlockThatWasKept) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's allocator keeps freed memory";
  const auto mapped = [] { return ::mallinfo2().hblkhd + ::mallinfo2().uordblks; };
  const std::size_t before = mapped();
  Slab<Odd> slab;
  Odd* const object = slab.make(1U);
  slab.release_unused();
  EXPECT_EQ(object->value, 1U) << "a block in use stays";
  slab.destroy(object);
  EXPECT_GE(mapped(), before + SlabCells::kBlockBytes);
  slab.release_unused();
  EXPECT_LT(mapped(), before + SlabCells::kBlockBytes / 2);
  slab.destroy(slab.make(2U));
}

TEST(Slab, ThrowingConstructor_LeavesNoObject) {
  struct Picky {
    explicit Picky(bool good) {
      if (!good) throw std::runtime_error("no");
    }
  };
  Slab<Picky> slab;
  EXPECT_THROW(static_cast<void>(slab.make(false)), std::runtime_error);
  Picky* const one = slab.make(true);
  Picky* const two = slab.make(true);
  EXPECT_NE(one, two);
  slab.destroy(two);
  slab.destroy(one);
}

// Objects keep their address and content while others are created and destroyed in several blocks.
TEST(Slab, RandomScriptKeepsEachObject) {
  std::mt19937_64 random(5);
  Slab<Odd> slab;
  std::vector<Odd*> objects;
  std::vector<std::uint64_t> values;
  std::set<const Odd*> places;
  for (int step = 0; step < 120'000; ++step) {
    // In waves, so that whole blocks become empty.
    const bool grow = step / 20'000 % 2 == 0;
    if (objects.empty() || random() % 4 < (grow ? 3U : 1U)) {
      const std::uint64_t value = random();
      Odd* const made = slab.make(value);
      ASSERT_TRUE(places.insert(made).second) << "a place that is taken";
      objects.push_back(made);
      values.push_back(value);
    } else {
      const std::size_t at = random() % objects.size();
      ASSERT_EQ(objects[at]->value, values[at]);
      ASSERT_EQ(objects[at]->more, 7);
      places.erase(objects[at]);
      slab.destroy(objects[at]);
      objects[at] = objects.back();
      values[at] = values.back();
      objects.pop_back();
      values.pop_back();
    }
    ASSERT_EQ(static_cast<std::size_t>(Odd::alive), objects.size());
  }
  for (std::size_t i = 0; i < objects.size(); ++i) {
    ASSERT_EQ(objects[i]->value, values[i]);
    slab.destroy(objects[i]);
  }
}

}  // namespace
}  // namespace wsd
