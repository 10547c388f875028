#pragma once
#include <memory>
#include <string>
#include <vector>

#include "common/store/object_store.hpp"

namespace walferry::contract {

/// A body in memory with its digests.
class Sample : public Body {
  public:
    explicit Sample(std::string text);
    /// Bytes that look random and are the same for the same seed.
    static Sample random(std::size_t size, unsigned seed);

    std::uint64_t size() const noexcept override { return text_.size(); }
    std::size_t read_at(std::uint64_t offset, MutableBytes out) const override;
    const std::string& text() const noexcept { return text_; }
    const BodyDigest& digest() const noexcept { return digest_; }

  private:
    std::string text_;
    BodyDigest digest_{};
};

/// Keeps what it receives, and counts the attempts.
class Collector : public Receiver {
  public:
    void begin() override {
        text.clear();
        ++attempts;
    }
    void write(Bytes bytes) override { text.append(as_text(bytes)); }

    std::string text;
    int attempts = 0;
};

/// A store that the suite runs against.
struct StoreUnderTest {
    std::string name;
    StoreSettings settings;
    bool thorough = true;  // false for another way to a server that is here already
    std::string control;   // a command that takes pause, resume, crash or up; empty for a directory

    std::unique_ptr<ObjectStore> open(std::stop_token stop = {}) const;
    /// A prefix of its own for each test, so that what another one left does not matter.
    std::string fresh_prefix() const;
};

/// The directory store, and those that WALFERRY_TEST_S3 names (see tests/s3/run-contract.sh):
/// NAME|ENDPOINT|REGION|BUCKET|CREDENTIALS|CA|ADDRESSING|CONTROL, separated by semicolons.
std::vector<StoreUnderTest> stores_under_test();

/// Only those with a server that can be paused and killed. Says so aloud when there are none.
std::vector<StoreUnderTest> servers_under_test();

/// A directory that goes with its object.
class TemporaryDirectory {
  public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    const std::string& path() const noexcept { return path_; }

  private:
    std::string path_;
};

void write_file(const std::string& path, const std::string& text, unsigned mode);
std::string read_file(const std::string& path);

/// Runs a shell command that must succeed.
void run(const std::string& command);

}  // namespace walferry::contract
