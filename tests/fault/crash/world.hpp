#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "common/spool_paths.hpp"
#include "tests/fault/crash/tracer.hpp"
#include "tests/wal_file.hpp"

namespace walferry::crash {

/// A segment that takes part. `archived`: walferry has answered for it, so from then on it must not be lost.
struct Segment {
    test::WalFile file;
    std::string source;  // where its only other copy is
    bool archived = false;
};

/// An S3 server for one of the stores.
struct S3Server {
    std::string endpoint, region, bucket, credentials_file;
    std::uint16_t port() const;
};

/// A host in a folder: a data directory, a spool with its ledger, two stores, the configuration. Paths are
/// the same in every run, because the ledger knows where its stores are.
struct World {
    std::string folder;
    std::string programs;          // the folder of walferry and walferry-archive-push
    std::string root;              // in `folder`: what the crash can hit, and what counts as touched
    std::string store_place;       // the folder that holds the directory stores: root, or elsewhere
    const S3Server* s3 = nullptr;  // in place of store b
    int jobs = 1;
    std::vector<Segment> segments;
    bool ledger_was_corrupt = false;
    static constexpr const char* corruption = "no page of a database; ";

    World(std::string where, std::string program_folder);

    std::string data() const { return root + "/data"; }
    SpoolPaths spool() const { return SpoolPaths(root + "/spool"); }
    std::string configuration() const { return root + "/walferry.toml"; }
    std::string output() const { return folder + "/output"; }
    std::string identity() const { return folder + "/identity.txt"; }
    std::string store(const std::string& name) const { return store_place + "/store-" + name; }

    /// An empty world: `walferry init` has run, nothing is archived. Once a folder: makes a key pair as well.
    void begin();
    /// S3 objects of other runs are beside the point: they have another prefix.
    void write_configuration(const std::string& prefix) const;

    std::string legacy() const { return root + "/legacy"; }  // where an archive_command of old copied to

    /// A segment of the server's, number 1 to 255, in pg_wal; it takes part from now on.
    Segment& add(unsigned number);
    /// The same in another folder, and no longer in pg_wal.
    Segment& add_source(unsigned number, const std::string& source);
    Command push(const Segment& segment) const;
    Command walferry(const std::vector<std::string>& arguments) const;
    Command drain() const;
    /// Part of the preparation: must succeed.
    void must(const Command& command) const;
    /// Pushes it, which must succeed.
    void archive(Segment& segment) const;
};

/// What a command that was run last has printed.
std::string last_words(const World& world);

}  // namespace walferry::crash
