// A simulated file system with one directory, which the history log uses as its own.
//
// The page cache and the medium are apart. A write changes the page cache. Only a sync, or a
// write-back at a random moment, brings a sector of 512 bytes to the medium. So a kill loses
// nothing, and a power loss loses any part of what was not synced: sectors, lengths, names.
//
// It keeps only the promises of the manual pages. Every call may fail as they say. After a failed
// fdatasync, Linux takes the pages for clean, so a later fdatasync succeeds, although they may
// never reach the medium.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/random.h"
#include "sim/trace.h"

namespace wsd::sim {

// How often the disk fails, in percent of calls; 0 is never.
struct DiskFaults {
  unsigned interrupted = 0;   // EINTR
  unsigned short_count = 0;   // reads and writes of a part
  unsigned write_error = 0;   // EIO; a part may have been written
  unsigned sync_error = 0;    // EIO of fdatasync and fsync
  unsigned create_error = 0;  // EIO when a file is created
  unsigned unlink_error = 0;  // EIO
  unsigned read_error = 0;    // EIO
  bool no_space = false;      // ENOSPC: no file can grow or be created
  bool read_only = false;     // EROFS

  bool operator==(const DiskFaults&) const = default;
  [[nodiscard]] bool any() const noexcept { return *this != DiskFaults(); }
};

class Disk {
 public:
  static constexpr std::size_t kSector = 512;
  static constexpr int kFirstDescriptor = 1 << 20;  // descriptors below are of the real kernel

  // `directory` is an absolute path below a parent directory that exists. `exists`: so does the
  // directory. The references must outlive the disk.
  Disk(std::string directory, bool exists, Random& random, Trace& trace);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  // The disk of the current run.
  [[nodiscard]] static bool exists() noexcept;
  [[nodiscard]] static Disk& current() noexcept;

  DiskFaults faults;
  // Called at the start of each system call, and in the middle of a sync. It may run other fibers.
  std::function<void()> pause;
  // Called when a mutex is locked by another fiber. It runs other fibers.
  std::function<void()> yield;

  // System calls. They return -1 with errno if they fail.
  int open(int at, std::string_view path, int flags);
  int close(int fd);
  [[nodiscard]] static bool owns(int fd) noexcept { return fd >= kFirstDescriptor; }
  ssize_t read_at(int fd, char* into, std::size_t count, std::uint64_t offset);
  ssize_t write_at(int fd, std::string_view bytes, std::uint64_t offset);
  // fdatasync() and fsync().
  int sync(int fd);
  int truncate(int fd, std::uint64_t size);
  int unlink(int at, std::string_view path);
  int make_directory(std::string_view path);
  int lock(int fd, int operation);
  struct Facts {
    bool directory = false;
    std::uint64_t inode = 0;
    std::uint64_t birth_ns = 0;
    std::uint64_t size = 0;
  };
  int facts(int fd, Facts& into);
  // The names in a directory, "." and ".." included, at the first call for a descriptor. Then none.
  int list(int fd, std::vector<std::string>& into);

  // The life of the process. It dies at its `calls`-th system call from now, which has its effect,
  // a part of it, or none. From then on every call fails and changes nothing.
  void die_after(std::uint64_t calls) noexcept { die_at_ = calls_ + calls; }
  void die() noexcept;
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  // Frees what the dead process has held. The next process may begin.
  void end_process();
  // The machine loses its power. Call it before end_process().
  void lose_power();
  // The next number of the kernel's source of randomness.
  [[nodiscard]] std::uint64_t random_word() noexcept { return random_.next(); }
  // How often ftruncate has failed in this life.
  [[nodiscard]] int failed_truncates() const noexcept { return failed_truncates_; }
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }

  // Backups: copies of the files, as a program makes them, and their return, which has another
  // inode for each file.
  using Copy = std::map<std::string, std::string>;
  [[nodiscard]] Copy copy() const;
  void restore(const Copy& files);
  // Snapshots of the block device, as at a power loss now. The files keep their inodes.
  struct Snapshot;
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot();
  void restore(const Snapshot& snapshot);

  // Flips a bit of a file of the log that is followed by the bytes of a later write. Returns false
  // if there is none.
  bool flip_bit();

  // The knowledge that an observer may have. `bytes` identify a message.
  [[nodiscard]] bool is_written(std::string_view bytes) const;
  // Whether a power loss cannot lose `bytes`.
  [[nodiscard]] bool is_stored(std::string_view bytes) const;
  [[nodiscard]] std::size_t file_count() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t open_descriptors() const noexcept { return open_.size(); }

 private:
  // A regular file. `cached` is what a read returns.
  struct File {
    std::uint64_t inode = 0;
    std::uint64_t birth_ns = 0;
    std::string cached;
    std::string medium;                 // whole sectors
    std::uint64_t stored_size = 0;      // the length on the medium
    std::set<std::size_t> dirty;        // sectors whose latest content is not on the medium
    std::set<std::size_t> forsaken;     // the same, but the kernel takes them for clean
    std::vector<std::uint64_t> writes;  // the offset of each write that was at the end of the file
    std::vector<std::pair<std::uint64_t, std::uint64_t>> overwrites;  // begin and end of others
    std::uint64_t whole = 0;  // all bytes before it were written by complete writes
  };
  using FilePointer = std::shared_ptr<File>;
  using Entries = std::map<std::string, FilePointer, std::less<>>;
  struct Descriptor {
    enum class Kind : std::uint8_t { kFile, kDirectory, kParent, kText };
    Kind kind = Kind::kFile;
    FilePointer file;
    std::string text;
    bool listed = false;
    bool writable = false;
    bool exclusive = false;  // locked
    bool shared = false;
  };
  enum class Fate : std::uint8_t { kLives, kDies, kDead };

  static int fail(int error) noexcept;
  [[nodiscard]] bool hits(unsigned percent) noexcept;
  [[nodiscard]] Fate begin_call();
  [[nodiscard]] Descriptor* find(int fd, Descriptor::Kind kind);
  [[nodiscard]] bool name_in(int at, std::string_view path, std::string& name) const;
  int add(Descriptor descriptor);
  int open_special(std::string_view path, int flags);
  int create(const std::string& name);
  [[nodiscard]] std::uint64_t free_inode() const;
  void write(File& file, std::string_view bytes, std::uint64_t offset);
  void store_sector(File& file, std::size_t sector, std::string_view content);
  [[nodiscard]] static std::string sector_of(const File& file, std::size_t sector);
  void write_back_some(File& file);
  int sync_file(const FilePointer& file);
  int sync_names(bool of_parent, bool dies);
  void lose_unstored(File& file);
  [[nodiscard]] std::string stale_sector();
  [[nodiscard]] static bool is_stored(const File& file, std::string_view bytes);

  const std::string directory_;
  const std::string parent_;
  Random& random_;
  Trace& trace_;
  bool exists_;
  bool exists_stored_;
  Entries entries_;         // as the page cache has them
  Entries stored_entries_;  // as the medium has them
  std::map<int, Descriptor> open_;
  int next_descriptor_ = kFirstDescriptor;
  std::uint64_t births_ = 1'700'000'000'000'000'000;
  std::uint64_t boot_ = 1;
  std::uint64_t calls_ = 0;
  std::uint64_t die_at_ = ~std::uint64_t{0};
  bool dead_ = false;
  int failed_truncates_ = 0;
  std::vector<std::string> stale_;  // former contents of sectors
};

}  // namespace wsd::sim
