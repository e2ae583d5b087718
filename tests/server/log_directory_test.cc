#include "server/log_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "server/log_store_rig.h"

namespace wsd::server {
namespace {

std::string text_of(const LogFile& file) {
  std::string text(100, '\0');
  std::size_t count = 0;
  EXPECT_EQ(file.read({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}, 0, count), 0);
  text.resize(count);
  return text;
}

TEST(LogDirectory, MissingDirectory_IsCreatedForItsOwnerOnly) {
  LogFolder folder;
  LogDirectory directory;
  ASSERT_EQ(directory.open(folder.path(), false), "");
  struct stat status {};
  ASSERT_EQ(::stat(folder.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
  EXPECT_TRUE(LogDirectory::exists(folder.path()));
  EXPECT_FALSE(LogDirectory::exists(folder.path() + "/none"));
}

TEST(LogDirectory, MissingParent_IsAnErrorWithTheRemedy) {
  LogFolder folder;
  LogDirectory directory;
  const std::string path = folder.root() + "/none/log";
  EXPECT_EQ(directory.open(path, false), "cannot open the history directory '" + path +
                                             "': No such file or directory (create the directory "
                                             "above it)");
}

TEST(LogDirectory, FileInsteadOfADirectory_IsAnError) {
  LogFolder folder;
  std::ofstream(folder.path()) << "a file";
  LogDirectory directory;
  EXPECT_NE(directory.open(folder.path(), false).find("Not a directory"), std::string::npos);
}

TEST(LogDirectory, LockedDirectory_IsAnErrorUntilTheLockIsFree) {
  LogFolder folder;
  {
    LogDirectory first;
    ASSERT_EQ(first.open(folder.path(), false), "");
    LogDirectory second;
    EXPECT_EQ(second.open(folder.path(), false), "another wsd uses the history directory '" +
                                                     folder.path() +
                                                     "' (stop it, or choose another directory)");
  }
  LogDirectory third;
  EXPECT_EQ(third.open(folder.path(), false), "");
}

TEST(LogDirectory, UnreliableFileSystems_AreKnownByTheirMagicNumber) {
  EXPECT_STREQ(LogDirectory::doubtful_file_system(0x6969), "NFS");
  EXPECT_STREQ(LogDirectory::doubtful_file_system(0xFF534D42), "CIFS");
  EXPECT_STREQ(LogDirectory::doubtful_file_system(0x65735546), "FUSE");
  EXPECT_STREQ(LogDirectory::doubtful_file_system(0x01021997), "9p");
  EXPECT_EQ(LogDirectory::doubtful_file_system(0xEF53), nullptr);      // ext4
  EXPECT_EQ(LogDirectory::doubtful_file_system(0x01021994), nullptr);  // tmpfs
  EXPECT_EQ(LogDirectory::doubtful_file_system(0x794C7630), nullptr);  // overlayfs
}

TEST(LogDirectory, List_HasTheSegmentsInAscendingOrder) {
  LogFolder folder;
  LogDirectory directory;
  ASSERT_EQ(directory.open(folder.path(), false), "");
  for (const char* const name : {"00000010.log", "00000002.log", "2.log", "notes.txt"}) {
    std::ofstream(folder.file(name)) << "";
  }
  std::vector<std::uint64_t> numbers;
  ASSERT_EQ(directory.list(numbers), 0);
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{2, 10}));
  ASSERT_EQ(directory.list(numbers), 0);
  EXPECT_EQ(numbers.size(), 2U) << "the second listing begins at the beginning";
}

TEST(LogDirectory, Segment_IsCreatedOnceWrittenAndUnlinked) {
  LogFolder folder;
  LogDirectory directory;
  ASSERT_EQ(directory.open(folder.path(), false), "");
  LogFile file;
  ASSERT_EQ(directory.create_segment(1, file), 0);
  LogFile again;
  EXPECT_EQ(directory.create_segment(1, again), EEXIST);
  ASSERT_EQ(file.write(as_bytes("hello world"), 0), 0);
  ASSERT_EQ(file.write(as_bytes("W"), 6), 0);
  ASSERT_EQ(file.sync(), 0);
  ASSERT_EQ(directory.sync(), 0);
  EXPECT_EQ(text_of(file), "hello World");
  ASSERT_EQ(file.truncate(5), 0);
  LogFile reading;
  ASSERT_EQ(directory.open_segment(1, false, reading), 0);
  EXPECT_EQ(text_of(reading), "hello");
  EXPECT_EQ(reading.write(as_bytes("x"), 0), EBADF);
  ASSERT_EQ(directory.unlink_segment(1), 0);
  EXPECT_EQ(directory.unlink_segment(1), 0) << "a file that is gone is no error";
  EXPECT_EQ(directory.open_segment(1, false, reading), ENOENT);
}

TEST(LogDirectory, CopyOfAFile_HasOtherFacts) {
  LogFolder folder;
  LogDirectory directory;
  ASSERT_EQ(directory.open(folder.path(), false), "");
  LogFile file;
  ASSERT_EQ(directory.create_segment(1, file), 0);
  ASSERT_EQ(file.write(as_bytes("12345"), 0), 0);
  std::filesystem::copy(folder.file("00000001.log"), folder.file("00000002.log"));
  LogFile copy;
  ASSERT_EQ(directory.open_segment(2, false, copy), 0);
  engine::LogFileFacts original;
  engine::LogFileFacts other;
  ASSERT_EQ(file.facts(original), 0);
  ASSERT_EQ(copy.facts(other), 0);
  EXPECT_EQ(original.size, 5U);
  EXPECT_EQ(other.size, 5U);
  EXPECT_NE(original.inode, other.inode);
}

TEST(LogDirectory, BootId_IsTheSameWithinOneBoot) {
  const engine::LogBootId id = LogDirectory::boot_id();
  EXPECT_EQ(LogDirectory::boot_id(), id);
  EXPECT_NE(id, engine::LogBootId{});
}

}  // namespace
}  // namespace wsd::server
