#include "tests/fault/crash/disk.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "common/os/fd.hpp"

namespace walferry::crash {
namespace {

namespace fs = std::filesystem;

// Room for the journal, a few segments of 1 MiB and their objects.
constexpr const char* image_size = "48M";

void shell(const std::string& line) {
    if (std::system((line + " >/dev/null").c_str()) != 0) throw std::runtime_error("failed: " + line);
}

std::string quoted(const std::string& path) {
    return "'" + path + "'";
}

/// The journal's transaction is everybody's: syncing one file puts all that was done to names and sizes on
/// the disk, and no other file's data.
void sync_bystander(const std::string& folder) {
    const Fd file(::open((folder + "/bystander").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!file || ::fchmod(file.get(), 0600) != 0 || ::write(file.get(), "x", 1) != 1 ||
        ::fsync(file.get()) != 0)
        throw std::runtime_error("cannot sync a file beside");
}

}  // namespace

Disk::Disk(const World& world, Order order) : world_(world), order_(order) {
    fs::create_directories(world.root);
    const std::string image = quoted(world.folder + "/disk.img");
    shell("truncate -s " + std::string(image_size) + " " + image + " && mkfs.ext4 -q -F -E " +
          "lazy_itable_init=0,lazy_journal_init=0 " + image);
    // Nothing is synced just because time goes by.
    const std::string options =
        order == Order::hostile ? "loop,commit=900,data=writeback,nodelalloc" : "loop,commit=900";
    shell("mount -o " + options + " " + image + " " + quoted(world.root));
}

Disk::~Disk() {
    ::umount2(world_.root.c_str(), MNT_DETACH);
}

void Disk::settle() {
    const Fd root(::open(world_.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root || ::syncfs(root.get()) != 0) throw std::runtime_error("cannot sync " + world_.root);
}

void Disk::cut() {
    if (order_ == Order::hostile) sync_bystander(world_.root);
    fs::remove(cut_image());
    ++cuts_;
    shell("cp --sparse=always " + quoted(world_.folder + "/disk.img") + " " + quoted(cut_image()));
}

Aftermath::Aftermath(const World& world, const Disk& disk) : world_(world) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        throw std::runtime_error("cannot have mounts of its own");
    shell("mount -o loop " + quoted(disk.cut_image()) + " " + quoted(world.root));
    if (world.store_place == world.root) return;
    const std::string copy = world.folder + "/stores-copy";
    shell("rm -rf " + quoted(copy) + " && cp -a " + quoted(world.store_place) + " " + quoted(copy) +
          " && mount --bind " + quoted(copy) + " " + quoted(world.store_place));
}

Aftermath::~Aftermath() {
    if (world_.store_place != world_.root) ::umount2(world_.store_place.c_str(), 0);
    ::umount2(world_.root.c_str(), 0);
}

}  // namespace walferry::crash
