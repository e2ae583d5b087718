#include "hub/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace wsd::hub {
namespace {

SharedBytes frame_of_size(std::size_t size, char fill) {
  return SharedBytes::copy_of(as_bytes(std::string(size, fill)));
}

std::string joined(std::span<const Slice> slices) {
  std::string all;
  for (const Slice& each : slices) all += as_text(each.bytes());
  return all;
}

// Expects that `batch` holds these frames, and that its pieces hold the same bytes.
void expect_is(const Batch& batch, const std::vector<std::string>& frames) {
  ASSERT_EQ(batch.frames().size(), frames.size());
  std::string all;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(as_text(batch.frames()[i].bytes()), frames[i]) << i;
    all += frames[i];
  }
  EXPECT_EQ(joined(batch.pieces()), all);
  EXPECT_EQ(batch.bytes(), all.size());
  EXPECT_LE(batch.pieces().size(), frames.size());
}

TEST(Batch, OneFrameIsNotCopied) {
  const SharedBytes frame = frame_of_size(10, 'a');
  const Batch batch({frame});
  expect_is(batch, {std::string(10, 'a')});
  EXPECT_EQ(batch.frames()[0].bytes().data(), frame.bytes().data());
  EXPECT_EQ(batch.pieces().size(), 1U);
}

TEST(Batch, SmallFramesLieInOnePiece) {
  const Batch batch({frame_of_size(3, 'a'), frame_of_size(4096, 'b'), frame_of_size(2, 'c')});
  expect_is(batch, {"aaa", std::string(4096, 'b'), "cc"});
  ASSERT_EQ(batch.pieces().size(), 1U);
  EXPECT_EQ(batch.pieces()[0].bytes().data(), batch.frames()[0].bytes().data());
}

TEST(Batch, LargeFramesStayWhereTheyAre) {
  const SharedBytes large = frame_of_size(4097, 'L');
  const Batch batch({frame_of_size(2, 'a'), frame_of_size(2, 'b'), large, frame_of_size(2, 'c'),
                     frame_of_size(2, 'd')});
  expect_is(batch, {"aa", "bb", std::string(4097, 'L'), "cc", "dd"});
  ASSERT_EQ(batch.pieces().size(), 3U);
  EXPECT_EQ(batch.pieces()[1].bytes().data(), large.bytes().data());
}

TEST(Batch, OneSmallFrameAmongLargeOnesIsNotCopied) {
  const SharedBytes small = frame_of_size(7, 's');
  const Batch batch({frame_of_size(5000, 'x'), small, frame_of_size(6000, 'y')});
  expect_is(batch, {std::string(5000, 'x'), "sssssss", std::string(6000, 'y')});
  EXPECT_EQ(batch.frames()[1].bytes().data(), small.bytes().data());
}

TEST(Batch, NoFrames_MakeAnEmptyBatch) {
  const Batch batch(std::vector<SharedBytes>{});
  expect_is(batch, {});
  EXPECT_TRUE(batch.pieces().empty());
}

TEST(Batch, RandomMixesKeepTheirBytesAndOrder) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<SharedBytes> frames;
    std::vector<std::string> texts;
    const std::size_t count = 1 + random() % 12;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = random() % 3 == 0 ? 4090 + random() % 12 : 2 + random() % 40;
      texts.emplace_back(size, static_cast<char>('a' + random() % 26));
      frames.push_back(SharedBytes::copy_of(as_bytes(texts.back())));
    }
    expect_is(Batch(std::move(frames)), texts);
  }
}

// Writes the encoding into each frame, and counts the calls.
class SayingEncoder final : public Encoder {
 public:
  SharedBytes encode(const SharedBytes& plain, Encoding encoding,
                     const Position& position) override {
    ++asked;
    if (plain.size() > most_bytes) return {};
    return SharedBytes::copy_of(as_bytes(std::to_string(encoding) + ":" + position_text(position) +
                                         ":" + std::string(as_text(plain.bytes()))));
  }
  int asked = 0;
  std::size_t most_bytes = 1000;
};

std::vector<std::string> texts_of(const Batch& batch) {
  std::vector<std::string> texts;
  for (const Slice& each : batch.frames()) texts.emplace_back(as_text(each.bytes()));
  return texts;
}

TEST(BatchSet, HasEachVariantInItsEncodingMadeOnce) {
  SayingEncoder encoder;
  std::vector<SharedBytes> frames = {frame_of_size(2, 'a'), frame_of_size(3, 'b')};
  const std::vector<Encoding> encodings = {9, kIdentity, 15};
  const BatchSet set(std::move(frames), encodings, &encoder, {7, 41});
  EXPECT_EQ(encoder.asked, 4);
  EXPECT_EQ(set.size(), 2U);
  const std::vector<std::string> plain = {"aa", "bbb"};
  EXPECT_EQ(texts_of(set.of(kIdentity)), plain);
  EXPECT_EQ(texts_of(set.of(9)), (std::vector<std::string>{"9:7:41:aa", "9:7:42:bbb"}));
  EXPECT_EQ(texts_of(set.of(15)), (std::vector<std::string>{"15:7:41:aa", "15:7:42:bbb"}));
  EXPECT_EQ(texts_of(set.of(12)), plain) << "an encoding without a batch gets the plain one";
}

TEST(BatchSet, TooMuchWork_LeavesTheMessagePlain) {
  SayingEncoder encoder;
  encoder.most_bytes = 2;
  const std::vector<Encoding> encodings = {9};
  const BatchSet set({frame_of_size(2, 'a'), frame_of_size(3, 'b'), frame_of_size(1, 'c')},
                     encodings, &encoder, {7, 1});
  EXPECT_EQ(texts_of(set.of(9)), (std::vector<std::string>{"9:7:1:aa", "bbb", "9:7:3:c"}));
  EXPECT_EQ(texts_of(set.of(kIdentity)), (std::vector<std::string>{"aa", "bbb", "c"}));
}

TEST(BatchSet, WithoutAnEncoderIsPlainForAll) {
  const std::vector<Encoding> encodings = {9};
  const BatchSet set({frame_of_size(2, 'a')}, encodings, nullptr, {7, 1});
  EXPECT_EQ(texts_of(set.of(9)), (std::vector<std::string>{"aa"}));
}

TEST(Batch, Without_LeavesOutTheMessagesAndCopiesNone) {
  const std::vector<std::string> texts = {"a", "bb", std::string(10'000, 'c'), "d", "ee"};
  std::vector<SharedBytes> frames;
  for (const std::string& text : texts) frames.push_back(SharedBytes::copy_of(as_bytes(text)));
  Batch batch(std::move(frames));
  batch.set_slow_rule({SlowPolicy::kLatestOnly, 7});
  for (unsigned bits = 0; bits < 1U << texts.size(); ++bits) {
    std::vector<Exclusion> left_out;
    std::vector<std::string> rest;
    for (std::uint32_t i = 0; i < texts.size(); ++i) {
      if ((bits >> i & 1U) != 0) {
        left_out.push_back({1, i});
      } else {
        rest.push_back(texts[i]);
      }
    }
    const Batch without = batch.without(left_out);
    expect_is(without, rest);
    EXPECT_EQ(without.slow_rule().room, 7U);
    for (const Slice& each : without.frames()) {
      const auto found =
          std::find_if(batch.frames().begin(), batch.frames().end(),
                       [&](const Slice& own) { return own.bytes().data() == each.bytes().data(); });
      EXPECT_NE(found, batch.frames().end());
    }
  }
  const std::vector<Exclusion> first{{1, 0}};
  EXPECT_EQ(batch.without(first).pieces().size(), 3U) << "adjacent frames are one piece";
}

TEST(BatchSet, LeftOutFor_HasTheMessagesOfThatMember) {
  std::vector<SharedBytes> frames;
  for (const char fill : {'a', 'b', 'c'}) frames.push_back(frame_of_size(1, fill));
  const std::vector<Exclusion> exclusions{{9, 0}, {4, 1}, {9, 2}};
  const BatchSet set(std::move(frames), {}, nullptr, {}, {}, exclusions);
  EXPECT_FALSE(set.is_for_all());
  ASSERT_EQ(set.left_out_for(9).size(), 2U);
  EXPECT_EQ(set.left_out_for(9)[0].message, 0U);
  EXPECT_EQ(set.left_out_for(9)[1].message, 2U);
  ASSERT_EQ(set.left_out_for(4).size(), 1U);
  EXPECT_EQ(set.left_out_for(4)[0].message, 1U);
  EXPECT_TRUE(set.left_out_for(5).empty());
}

}  // namespace
}  // namespace wsd::hub
