#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "common/error.hpp"
#include "common/sink.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry::archive {

/// A failure of where the bytes go, which no other store's copy would help.
struct SinkFailure {
    Error error;
};

/// Tells what the sink throws from what the store or the object does.
class MarkedSink : public Sink {
  public:
    explicit MarkedSink(std::shared_ptr<Sink> next) : next_(std::move(next)) {}
    void write(Bytes bytes) override;
    void finish() override;
    std::shared_ptr<Sink> next() const { return next_; }

  private:
    std::shared_ptr<Sink> next_;
};

/// Keeps nothing of the bytes but their fingerprint.
class FingerprintSink : public Sink {
  public:
    void write(Bytes bytes) override { fingerprint_.update(bytes); }
    void finish() override {}
    std::string digits() const { return fingerprint_.digits(); }

  private:
    Fingerprint fingerprint_;
};

/// Lets the first `keep` bytes through, and zeroes for the others: PostgreSQL takes those for the WAL's end.
class ZeroedFrom : public Sink {
  public:
    ZeroedFrom(std::shared_ptr<Sink> next, std::uint64_t keep) : next_(std::move(next)), keep_(keep) {}
    void write(Bytes bytes) override;
    void finish() override { next_->finish(); }
    std::shared_ptr<Sink> next() const { return next_; }

  private:
    std::shared_ptr<Sink> next_;
    std::uint64_t keep_;
};

}  // namespace walferry::archive
