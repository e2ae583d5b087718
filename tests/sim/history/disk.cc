#include "sim/history/disk.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace wsd::sim {
namespace {

Disk* current_disk = nullptr;

constexpr std::string_view kBootId = "/proc/sys/kernel/random/boot_id";
constexpr std::size_t kMostStale = 64;
constexpr std::uint64_t kFirstInode = 12;

}  // namespace

struct Disk::Snapshot {
  bool exists = false;
  Entries entries;
};

Disk::Disk(std::string directory, bool exists, Random& random, Trace& trace)
    : directory_(std::move(directory)),
      parent_(directory_.substr(0, std::max<std::size_t>(directory_.rfind('/'), 1))),
      random_(random),
      trace_(trace),
      exists_(exists),
      exists_stored_(exists) {
  current_disk = this;
}

Disk::~Disk() { current_disk = nullptr; }

bool Disk::exists() noexcept { return current_disk != nullptr; }

Disk& Disk::current() noexcept { return *current_disk; }

int Disk::fail(int error) noexcept {
  errno = error;
  return -1;
}

bool Disk::hits(unsigned percent) noexcept { return percent != 0 && random_.chance(percent); }

void Disk::die() noexcept { dead_ = true; }

Disk::Fate Disk::begin_call() {
  if (pause && !dead_) pause();
  if (dead_) return Fate::kDead;
  if (calls_++ < die_at_) return Fate::kLives;
  dead_ = true;
  return Fate::kDies;
}

Disk::Descriptor* Disk::find(int fd, Descriptor::Kind kind) {
  const auto found = open_.find(fd);
  if (found == open_.end() || found->second.kind != kind) return nullptr;
  return &found->second;
}

int Disk::add(Descriptor descriptor) {
  const int fd = next_descriptor_++;
  open_.emplace(fd, std::move(descriptor));
  return fd;
}

// Returns whether `path` is a file of the directory, and its name.
bool Disk::name_in(int at, std::string_view path, std::string& name) const {
  if (path.starts_with('/')) {
    if (!path.starts_with(directory_) || path.size() < directory_.size() + 2) return false;
    path.remove_prefix(directory_.size() + 1);
  } else {
    const auto found = open_.find(at);
    if (found == open_.end() || found->second.kind != Descriptor::Kind::kDirectory) return false;
    if (path.starts_with("./")) path.remove_prefix(2);
  }
  name = path;
  return exists_ && !name.empty() && name.find('/') == std::string::npos;
}

int Disk::open_special(std::string_view path, int flags) {
  if (path == kBootId) {
    char text[64];
    static_cast<void>(std::snprintf(text, sizeof(text), "00000000-0000-4000-8000-%012lx\n", boot_));
    return add({.kind = Descriptor::Kind::kText, .file = nullptr, .text = text});
  }
  if (path == directory_) {
    if (!exists_) return fail(ENOENT);
    if ((flags & O_ACCMODE) != O_RDONLY) return fail(EISDIR);
    return add({.kind = Descriptor::Kind::kDirectory, .file = nullptr, .text = {}});
  }
  if (path == parent_) return add({.kind = Descriptor::Kind::kParent, .file = nullptr, .text = {}});
  return fail(ENOENT);
}

int Disk::open(int at, std::string_view path, int flags) {
  const Fate fate = begin_call();
  if (fate == Fate::kDead) return fail(EIO);
  if (fate == Fate::kLives && hits(faults.interrupted)) return fail(EINTR);
  if (path == ".") return open_special(directory_, flags);
  if (path == "..") return open_special(parent_, flags);
  std::string name;
  if (!name_in(at, path, name)) return fate == Fate::kDies ? fail(EIO) : open_special(path, flags);
  const auto found = entries_.find(name);
  const bool creates = (flags & O_CREAT) != 0;
  if (found != entries_.end() && creates && (flags & O_EXCL) != 0) return fail(EEXIST);
  if (found == entries_.end()) {
    if (!creates) return fail(ENOENT);
    if (fate == Fate::kDies && random_.chance(50)) return fail(EIO);
    if (const int error = create(name); error != 0) return fail(error);
  }
  if (fate == Fate::kDies) return fail(EIO);
  const bool writable = (flags & O_ACCMODE) != O_RDONLY;
  if (writable && faults.read_only) return fail(EROFS);
  if ((flags & O_DIRECTORY) != 0) return fail(ENOTDIR);
  return add({.kind = Descriptor::Kind::kFile,
              .file = entries_.at(name),
              .text = {},
              .listed = false,
              .writable = writable});
}

// Returns an error number, or 0.
int Disk::create(const std::string& name) {
  if (faults.read_only) return EROFS;
  if (faults.no_space) return ENOSPC;
  if (hits(faults.create_error)) return EIO;
  auto file = std::make_shared<File>();
  file->inode = free_inode();
  file->birth_ns = births_ += random_.between(1'000'000, 9'000'000'000);
  entries_[name] = file;
  trace_.note("  disk: %s is created, inode %lu", name.c_str(), file->inode);
  return 0;
}

// The lowest number that is free, as ext4 chooses.
std::uint64_t Disk::free_inode() const {
  std::set<std::uint64_t> used;
  for (const auto& [name, file] : entries_) used.insert(file->inode);
  for (const auto& [name, file] : stored_entries_) used.insert(file->inode);
  for (const auto& [fd, each] : open_) {
    if (each.file != nullptr) used.insert(each.file->inode);
  }
  std::uint64_t free = kFirstInode;
  while (used.contains(free)) ++free;
  return free;
}

int Disk::close(int fd) {
  // A dead process has no descriptors any more, and its objects close them all the same.
  return open_.erase(fd) != 0 || dead_ ? 0 : fail(EBADF);
}

ssize_t Disk::read_at(int fd, char* into, std::size_t count, std::uint64_t offset) {
  if (begin_call() != Fate::kLives) return fail(EIO);
  const auto found = open_.find(fd);
  if (found == open_.end()) return fail(EBADF);
  const Descriptor& from = found->second;
  if (from.kind != Descriptor::Kind::kFile && from.kind != Descriptor::Kind::kText) {
    return fail(EISDIR);
  }
  if (hits(faults.interrupted)) return fail(EINTR);
  if (from.file != nullptr && hits(faults.read_error)) return fail(EIO);
  const std::string& bytes = from.file != nullptr ? from.file->cached : from.text;
  if (offset >= bytes.size()) return 0;
  std::size_t part = std::min<std::size_t>(count, bytes.size() - offset);
  if (part > 1 && hits(faults.short_count)) part = random_.between(1, part - 1);
  std::memcpy(into, bytes.data() + offset, part);
  return static_cast<ssize_t>(part);
}

ssize_t Disk::write_at(int fd, std::string_view bytes, std::uint64_t offset) {
  const Fate fate = begin_call();
  if (fate == Fate::kDead) return fail(EIO);
  const Descriptor* const to = find(fd, Descriptor::Kind::kFile);
  if (to == nullptr || !to->writable) return fail(EBADF);
  const FilePointer file = to->file;
  const std::size_t any = static_cast<std::size_t>(random_.below(bytes.size() + 1));
  if (fate == Fate::kDies) {
    write(*file, bytes.substr(0, any), offset);
    return fail(EIO);
  }
  if (hits(faults.interrupted)) return fail(EINTR);
  if (faults.read_only) return fail(EROFS);
  if (hits(faults.write_error)) {
    write(*file, bytes.substr(0, any), offset);
    return fail(EIO);
  }
  std::size_t part = bytes.size();
  if (part > 1 && hits(faults.short_count))
    part = static_cast<std::size_t>(random_.between(1, part - 1));
  if (faults.no_space && offset + part > file->cached.size()) {
    // The rest of the last block of 4 KiB.
    const std::size_t room = (file->cached.size() + 4095) / 4096 * 4096;
    part = offset < room ? std::min<std::size_t>(part, room - offset) : 0;
    if (part == 0) return fail(ENOSPC);
  }
  trace_.note("  disk: %zu of %zu bytes at %lu of inode %lu", part, bytes.size(), offset,
              file->inode);
  const bool whole = part == bytes.size() && file->whole == offset;
  if (offset == file->cached.size()) file->writes.push_back(offset);
  write(*file, bytes.substr(0, part), offset);
  if (whole) file->whole = offset + part;
  return static_cast<ssize_t>(part);
}

void Disk::write(File& file, std::string_view bytes, std::uint64_t offset) {
  if (bytes.empty()) return;
  if (offset < file.cached.size()) file.overwrites.emplace_back(offset, offset + bytes.size());
  if (file.cached.size() < offset + bytes.size()) file.cached.resize(offset + bytes.size());
  std::memcpy(file.cached.data() + offset, bytes.data(), bytes.size());
  for (std::size_t s = offset / kSector; s <= (offset + bytes.size() - 1) / kSector; ++s) {
    file.dirty.insert(s);
    file.forsaken.erase(s);
  }
  if (random_.chance(10)) write_back_some(file);
}

// Returns the sector as the page cache has it, with zeros after the end of the file.
std::string Disk::sector_of(const File& file, std::size_t sector) {
  std::string content(kSector, '\0');
  const std::size_t begin = sector * kSector;
  if (begin < file.cached.size()) {
    const std::size_t count = std::min(kSector, file.cached.size() - begin);
    std::memcpy(content.data(), file.cached.data() + begin, count);
  }
  return content;
}

void Disk::store_sector(File& file, std::size_t sector, std::string_view content) {
  while (file.medium.size() < (sector + 1) * kSector) file.medium += stale_sector();
  std::memcpy(file.medium.data() + sector * kSector, content.data(), kSector);
}

// The bytes of a sector that was never written: zeros, or old bytes of another file.
std::string Disk::stale_sector() {
  if (stale_.empty() || random_.chance(60)) return std::string(kSector, '\0');
  return stale_[static_cast<std::size_t>(random_.below(stale_.size()))];
}

// The kernel writes dirty pages back when it likes.
void Disk::write_back_some(File& file) {
  std::vector<std::size_t> done;
  for (const std::size_t sector : file.dirty) {
    if (random_.chance(50)) done.push_back(sector);
  }
  for (const std::size_t sector : done) {
    store_sector(file, sector, sector_of(file, sector));
    file.dirty.erase(sector);
  }
  if (file.dirty.empty() && random_.chance(50)) file.stored_size = file.cached.size();
}

int Disk::sync(int fd) {
  const Fate fate = begin_call();
  if (fate == Fate::kDead) return fail(EIO);
  const auto found = open_.find(fd);
  if (found == open_.end()) return fail(EBADF);
  const Descriptor::Kind kind = found->second.kind;
  if (kind == Descriptor::Kind::kFile) {
    const FilePointer file = found->second.file;
    if (fate == Fate::kDies) {
      write_back_some(*file);
      return fail(EIO);
    }
    return sync_file(file);
  }
  if (kind == Descriptor::Kind::kText) return fail(EINVAL);
  return sync_names(kind == Descriptor::Kind::kParent, fate == Fate::kDies);
}

// Other threads may write to the file while it is synced. Then a sector keeps its mark.
int Disk::sync_file(const FilePointer& file) {
  std::vector<std::pair<std::size_t, std::string>> sectors;
  for (const std::size_t sector : file->dirty) {
    sectors.emplace_back(sector, sector_of(*file, sector));
  }
  const std::uint64_t size = file->cached.size();
  if (pause) pause();
  if (dead_) {
    write_back_some(*file);
    return fail(EIO);
  }
  const bool fails = hits(faults.sync_error);
  for (const auto& [sector, content] : sectors) {
    if (!file->dirty.contains(sector)) continue;
    const bool rewritten = sector_of(*file, sector) != content;
    const bool arrives = !fails || random_.chance(50);
    if (arrives) store_sector(*file, sector, content);
    if (rewritten) continue;
    file->dirty.erase(sector);
    if (!arrives) file->forsaken.insert(sector);
  }
  if (fails) {
    trace_.note("  disk: a sync fails");
    return fail(EIO);
  }
  file->stored_size = std::max(file->stored_size, size);
  trace_.note("  disk: inode %lu is synced, %lu bytes", file->inode, size);
  return 0;
}

int Disk::sync_names(bool of_parent, bool dies) {
  if (dies || hits(faults.sync_error)) return fail(EIO);
  if (of_parent) {
    exists_stored_ = exists_;
    return 0;
  }
  stored_entries_ = entries_;
  return 0;
}

int Disk::truncate(int fd, std::uint64_t size) {
  ++failed_truncates_;
  if (begin_call() != Fate::kLives) return fail(EIO);
  const Descriptor* const of = find(fd, Descriptor::Kind::kFile);
  if (of == nullptr || !of->writable) return fail(EBADF);
  if (faults.read_only) return fail(EROFS);
  if (hits(faults.write_error)) return fail(EIO);
  --failed_truncates_;
  File& file = *of->file;
  const std::size_t least = std::min<std::size_t>(size, file.cached.size());
  file.cached.resize(size);
  trace_.note("  disk: inode %lu is truncated to %lu bytes", file.inode, size);
  for (std::size_t s = least / kSector; s * kSector < size; ++s) file.dirty.insert(s);
  return 0;
}

int Disk::unlink(int at, std::string_view path) {
  const Fate fate = begin_call();
  if (fate == Fate::kDead) return fail(EIO);
  std::string name;
  if (!name_in(at, path, name)) return fail(ENOENT);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return fail(ENOENT);
  if (fate == Fate::kDies && random_.chance(50)) return fail(EIO);
  if (fate == Fate::kLives) {
    if (faults.read_only) return fail(EROFS);
    if (hits(faults.unlink_error)) return fail(EIO);
  }
  const File& file = *found->second;
  for (std::size_t s = 0; s * kSector < file.cached.size() && stale_.size() < kMostStale; ++s) {
    stale_.push_back(sector_of(file, s));
  }
  entries_.erase(found);
  trace_.note("  disk: %s is unlinked", name.c_str());
  // The journal may be written at any time.
  if (random_.chance(20)) stored_entries_.erase(name);
  return fate == Fate::kDies ? fail(EIO) : 0;
}

int Disk::make_directory(std::string_view path) {
  const Fate fate = begin_call();
  if (fate != Fate::kLives) return fail(EIO);
  if (path != directory_) return fail(path == parent_ ? EEXIST : ENOENT);
  if (exists_) return fail(EEXIST);
  if (faults.read_only) return fail(EROFS);
  if (faults.no_space) return fail(ENOSPC);
  exists_ = true;
  return 0;
}

int Disk::lock(int fd, int operation) {
  if (begin_call() != Fate::kLives) return fail(EIO);
  const auto found = open_.find(fd);
  if (found == open_.end()) return fail(EBADF);
  Descriptor& mine = found->second;
  const bool exclusive = (operation & LOCK_EX) != 0;
  if ((operation & LOCK_UN) == 0) {
    for (const auto& [other, each] : open_) {
      if (other == fd || each.file != mine.file) continue;
      if (each.exclusive || (exclusive && each.shared)) return fail(EWOULDBLOCK);
    }
  }
  mine.exclusive = exclusive;
  mine.shared = (operation & LOCK_SH) != 0;
  return 0;
}

int Disk::facts(int fd, Facts& into) {
  if (begin_call() != Fate::kLives) return fail(EIO);
  const auto found = open_.find(fd);
  if (found == open_.end()) return fail(EBADF);
  into = {};
  into.directory = found->second.kind != Descriptor::Kind::kFile;
  if (const FilePointer& file = found->second.file; file != nullptr) {
    into.inode = file->inode;
    into.birth_ns = file->birth_ns;
    into.size = file->cached.size();
  }
  return 0;
}

int Disk::list(int fd, std::vector<std::string>& into) {
  if (begin_call() != Fate::kLives) return fail(EIO);
  Descriptor* const from = find(fd, Descriptor::Kind::kDirectory);
  if (from == nullptr) return fail(ENOTDIR);
  into.clear();
  if (std::exchange(from->listed, true)) return 0;
  into = {".", ".."};
  for (const auto& [name, file] : entries_) into.push_back(name);
  // A directory has no order.
  for (std::size_t i = into.size() - 1; i > 0; --i) {
    std::swap(into[i], into[static_cast<std::size_t>(random_.below(i + 1))]);
  }
  return 0;
}

void Disk::end_process() {
  open_.clear();
  for (const auto& [name, file] : entries_) {
    // The kernel frees pages that it takes for clean, and reads them again from the medium.
    if (!file->forsaken.empty() && random_.chance(50)) {
      for (const std::size_t sector : file->forsaken) {
        const std::size_t begin = sector * kSector;
        if (begin >= file->cached.size()) continue;
        const std::size_t count = std::min(kSector, file->cached.size() - begin);
        std::string content = stale_sector();
        if (begin < file->medium.size()) content = file->medium.substr(begin, kSector);
        file->cached.replace(begin, count, content.substr(0, count));
      }
    }
  }
  dead_ = false;
  failed_truncates_ = 0;
  die_at_ = ~std::uint64_t{0};
  faults = {};
}

void Disk::lose_power() {
  dead_ = true;
  ++boot_;
  Entries left;
  std::set<std::string> names;
  for (const auto& [name, file] : entries_) names.insert(name);
  for (const auto& [name, file] : stored_entries_) names.insert(name);
  for (const std::string& name : names) {
    const auto cached = entries_.find(name);
    const auto stored = stored_entries_.find(name);
    const bool same = cached != entries_.end() && stored != stored_entries_.end() &&
                      cached->second == stored->second;
    const bool new_one = same || random_.chance(50);
    const auto& from = new_one ? cached : stored;
    if (from != (new_one ? entries_.end() : stored_entries_.end()))
      left.emplace(name, from->second);
  }
  if (!exists_stored_ && random_.chance(50)) {
    exists_ = false;
    left.clear();
  }
  exists_stored_ = exists_;
  for (const auto& [name, file] : left) lose_unstored(*file);
  entries_ = left;
  stored_entries_ = left;
}

// Leaves what is on the medium, and of the rest any part.
void Disk::lose_unstored(File& file) {
  const std::uint64_t most = file.cached.size();
  std::uint64_t size = file.stored_size;
  if (size > most && random_.chance(50)) size = most;
  if (size < most) {
    const std::uint64_t choice = random_.below(4);
    if (choice == 1) size = most;
    if (choice == 2) size = random_.between(size, most);
    if (choice == 3)
      size = std::min(most, (random_.between(size, most) + kSector - 1) / kSector * kSector);
  }
  for (const std::size_t sector : file.dirty) {
    const unsigned choice = static_cast<unsigned>(random_.below(8));
    if (choice < 4) continue;
    std::string content = sector_of(file, sector);
    if (choice == 4) {  // torn within the sector
      store_sector(file, sector,
                   sector * kSector < file.medium.size()
                       ? file.medium.substr(sector * kSector, kSector)
                       : stale_sector());
      const std::size_t part = static_cast<std::size_t>(random_.below(kSector));
      content.replace(part, kSector - part,
                      file.medium.substr(sector * kSector + part, kSector - part));
    }
    store_sector(file, sector, content);
  }
  if (size != most || !file.dirty.empty() || !file.forsaken.empty()) {
    file.writes.clear();
    file.whole = 0;
  }
  while (file.medium.size() < size) file.medium += stale_sector();
  file.cached = file.medium.substr(0, size);
  file.stored_size = size;
  file.dirty.clear();
  file.forsaken.clear();
}

Disk::Copy Disk::copy() const {
  Copy files;
  for (const auto& [name, file] : entries_) files.emplace(name, file->cached);
  return files;
}

void Disk::restore(const Copy& files) {
  entries_.clear();
  stored_entries_.clear();
  exists_ = exists_stored_ = true;
  for (const auto& [name, bytes] : files) {
    static_cast<void>(create(name));
    File& file = *entries_.at(name);
    write(file, bytes, 0);
    for (const std::size_t sector : std::exchange(file.dirty, {})) {
      store_sector(file, sector, sector_of(file, sector));
    }
    file.stored_size = file.cached.size();
  }
  stored_entries_ = entries_;
}

std::shared_ptr<const Disk::Snapshot> Disk::snapshot() {
  auto taken = std::make_shared<Snapshot>();
  taken->exists = exists_stored_;
  for (const auto& [name, file] : stored_entries_) {
    auto copy = std::make_shared<File>(*file);
    lose_unstored(*copy);
    taken->entries.emplace(name, std::move(copy));
  }
  return taken;
}

void Disk::restore(const Snapshot& snapshot) {
  exists_ = exists_stored_ = snapshot.exists;
  entries_.clear();
  for (const auto& [name, file] : snapshot.entries)
    entries_.emplace(name, std::make_shared<File>(*file));
  stored_entries_ = entries_;
}

bool Disk::flip_bit() {
  std::vector<File*> candidates;
  for (const auto& [name, file] : entries_) {
    if (file->writes.size() >= 2 && file->whole > file->writes.back())
      candidates.push_back(file.get());
  }
  if (candidates.empty()) return false;
  File& file = *candidates[static_cast<std::size_t>(random_.below(candidates.size()))];
  const std::size_t at = static_cast<std::size_t>(random_.below(file.writes.back()));
  const char mask = static_cast<char>(1U << random_.below(8));
  file.cached[at] = static_cast<char>(file.cached[at] ^ mask);
  if (at < file.medium.size()) file.medium[at] = static_cast<char>(file.medium[at] ^ mask);
  trace_.note("  disk: a bit of inode %lu at %zu of %zu flips", file.inode, at, file.cached.size());
  return true;
}

bool Disk::is_written(std::string_view bytes) const {
  return std::any_of(entries_.rbegin(), entries_.rend(), [&](const auto& each) {
    const std::string& all = each.second->cached;
    return ::memmem(all.data(), all.size(), bytes.data(), bytes.size()) != nullptr;
  });
}

bool Disk::is_stored(std::string_view bytes) const {
  return exists_stored_ && std::any_of(entries_.rbegin(), entries_.rend(), [&](const auto& each) {
           const auto stored = stored_entries_.find(each.first);
           return stored != stored_entries_.end() && stored->second == each.second &&
                  is_stored(*each.second, bytes);
         });
}

// Everything before the bytes must be there too, or they cannot be found again.
bool Disk::is_stored(const File& file, std::string_view bytes) {
  const void* const found =
      ::memmem(file.cached.data(), file.cached.size(), bytes.data(), bytes.size());
  if (found == nullptr) return false;
  const std::size_t end =
      static_cast<std::size_t>(static_cast<const char*>(found) - file.cached.data()) + bytes.size();
  if (end > file.stored_size || end > file.medium.size()) return false;
  // A loss of what was overwritten in place leaves the former bytes.
  std::string on_medium = file.medium.substr(0, end);
  for (const auto& [from, to] : file.overwrites) {
    if (to <= end) on_medium.replace(from, to - from, file.cached, from, to - from);
  }
  return std::memcmp(file.cached.data(), on_medium.data(), end) == 0;
}

}  // namespace wsd::sim
