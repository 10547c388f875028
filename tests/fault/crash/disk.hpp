#pragma once
#include <string>

#include "tests/fault/crash/world.hpp"

namespace walferry::crash {

/// How a filesystem orders what was not synced. hostile: names, sizes and owners of everything done so far
/// are on the disk at each cut, as if another program had synced a file of its own, and of the data only
/// what was asked for.
enum class Order { usual, hostile };

/// An ext4 filesystem of its own, in an image file below World::folder, mounted at World::root. What has not
/// reached the image is only in memory: a copy of the image is what a power cut leaves. Needs root.
class Disk {
  public:
    Disk(const World& world, Order order);
    ~Disk();
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    /// From here on only what is synced reaches the disk; everything so far has.
    void settle();
    /// Copies the image, as it is, to cut_image(). Each has a name of its own: a mount of a file that is
    /// still attached somewhere would show what was done there.
    void cut();
    std::string cut_image() const { return world_.folder + "/cut" + std::to_string(cuts_) + ".img"; }

  private:
    const World& world_;
    Order order_;
    unsigned cuts_ = 0;
};

/// For a child process: while this lives it sees the cut image, with its journal replayed, where the disk
/// was, and in place of stores elsewhere a copy of them.
class Aftermath {
  public:
    Aftermath(const World& world, const Disk& disk);
    ~Aftermath();
    Aftermath(const Aftermath&) = delete;
    Aftermath& operator=(const Aftermath&) = delete;

  private:
    const World& world_;
};

}  // namespace walferry::crash
