#include "daemon/config/read_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace wsd::daemon {
namespace {

class ReadFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "wsd-read-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& text, mode_t mode) {
    const std::string path = directory_ + "/file";
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  std::string fifo() {
    std::string path = directory_ + "/fifo";
    EXPECT_EQ(::mkfifo(path.c_str(), 0644), 0);
    return path;
  }
  static FileText read(const std::string& path, FileKinds kinds = FileKinds::kAny) {
    return read_file({"token file", "--some-file", kinds, 100}, path);
  }
  std::string directory_;
};

TEST_F(ReadFile, ReturnsTheWholeText) {
  for (const FileKinds kinds : {FileKinds::kAny, FileKinds::kRegular}) {
    const FileText file = read(write(std::string("a\0b\n", 4), 0600), kinds);
    EXPECT_EQ(file.error, "");
    EXPECT_EQ(file.text, std::string("a\0b\n", 4));
    EXPECT_FALSE(file.open_to_all);
    EXPECT_EQ(read(write(std::string(100, 'x'), 0600), kinds).text.size(), 100U);
  }
}

TEST_F(ReadFile, WorldReadableFile_IsReported) {
  EXPECT_FALSE(read(write("text", 0640)).open_to_all);
  EXPECT_TRUE(read(write("text", 0644)).open_to_all);
}

TEST_F(ReadFile, UnreadableFile_ErrorNamesFileReasonAndFlag) {
  EXPECT_EQ(read(directory_ + "/none").error,
            "cannot read the token file \"" + directory_ +
                "/none\": No such file or directory; fix --some-file or the file");
  EXPECT_NE(read(directory_).error.find("Is a directory"), std::string::npos);
  EXPECT_NE(read(write(std::string(101, 'x'), 0600)).error.find("it exceeds the limit of 100"),
            std::string::npos);
}

// A shell passes such a pipe for <(command).
TEST_F(ReadFile, AnyKind_WaitsForTheWriterOfAPipe) {
  const std::string path = fifo();
  std::thread writer([&] { std::ofstream(path) << "from a pipe"; });
  const FileText file = read(path);
  writer.join();
  EXPECT_EQ(file.error, "");
  EXPECT_EQ(file.text, "from a pipe");
  EXPECT_FALSE(file.open_to_all) << "its mode says nothing about its text";
}

// Without the check, this test would wait for a writer that never comes.
TEST_F(ReadFile, RegularKind_RejectsAPipeWithoutWaiting) {
  for (const std::string& path : {fifo(), std::string("/dev/zero"), directory_}) {
    EXPECT_NE(read(path, FileKinds::kRegular).error.find("it is not a regular file"),
              std::string::npos)
        << path;
  }
}

}  // namespace
}  // namespace wsd::daemon
