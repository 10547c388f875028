#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/fault/crash/call_shapes.hpp"
#include "tests/fault/crash/tracer.hpp"

namespace walferry::crash {

/// Decides by what a system call acts on whether it counts: something below given folders, or a connection to
/// the store's port. Sees every call before it is made, in order.
class Touch {
  public:
    /// store_port: 0 where no store is reached over the network.
    Touch(std::vector<std::string> folders, std::uint16_t store_port)
        : folders_(std::move(folders)), store_port_(store_port) {}

    /// The call and what it acts on, as a person reads it: no part of it changes from run to run. nullopt
    /// when it does not count.
    std::optional<std::string> describe(const Call& call);

  private:
    std::optional<std::string> object(const Call& call, const Argument& argument);
    std::optional<std::string> below(const std::string& path) const;
    std::optional<std::string> of_descriptor(pid_t thread, int descriptor) const;

    std::vector<std::string> folders_;
    std::uint16_t store_port_;
    std::set<int> connected_;  // descriptors
};

/// A path below the scenario's folder in a form that is the same in every run: the segment's name shortened,
/// system identifier, hashes, and random parts named only.
std::string shown(const std::string& relative);

}  // namespace walferry::crash
