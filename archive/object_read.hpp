#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "common/codec/segment_codec.hpp"
#include "common/settings/settings.hpp"
#include "common/sink.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {

/// Identities and trusted writers as the configuration has them. Throws config when objects are encrypted and
/// nothing here can decrypt.
DecodeOptions decode_options(const Settings& settings);

/// Brings one object back into the sink that `open` makes for each attempt, and checks everything there is to
/// check: its hash against its name, age's and zstd's own, envelope, signature, fingerprint, length, WAL
/// header. What the sink took counts only when this returns. Throws integrity for what is damaged or not what
/// its name says, else what the store says. `received`: grows with the bytes that arrive.
Envelope read_object(ObjectStore& store, const std::string& key, const ObjectName& object,
                     const WalName& name, std::uint64_t system_identifier, const DecodeOptions& options,
                     const std::function<Sink&()>& open, std::atomic<std::uint64_t>* received = nullptr);

/// Keeps the first bytes of a WAL file on their way, and says what in its header contradicts the name.
class HeaderCheck : public Sink {
  public:
    explicit HeaderCheck(Sink& next) : next_(next) {}
    void write(Bytes bytes) override;
    void finish() override { next_.finish(); }
    /// Throws integrity.
    void check(const WalName& name, std::uint64_t system_identifier) const;

  private:
    Sink& next_;
    std::vector<std::byte> begin_;
    std::uint64_t size_ = 0;
};

}  // namespace walferry::archive
