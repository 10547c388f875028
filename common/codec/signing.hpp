#pragma once
#include <array>
#include <string>
#include <string_view>

#include "common/bytes.hpp"
#include "common/codec/age/secret_key.hpp"
#include "common/os/secret_file.hpp"

namespace walferry {

/// What a host signs its envelopes with: an Ed25519 key. Move-only; its text never appears in a message.
/// Both halves are written in Bech32 (as age's keys are), so that a mistyped one is told from a strange one:
///   walferry-writer1…        the public key, for `trusted_writers` and the envelope's `writer`
///   WALFERRY-WRITER-KEY-1…   the secret seed, one line of the key file; lines with "#" are comments
class WriterKey {
  public:
    static WriterKey generate();
    /// Throws config.
    static WriterKey parse(std::string_view text);
    /// Reads a key file under read_secret_file's rules. Throws config.
    static WriterKey load(const std::string& path);
    /// Makes a new key file, mode 0600, durable. Throws config when there is one already: nothing is
    /// replaced.
    void save(const std::string& path) const;

    const std::string& public_key() const noexcept { return public_key_; }
    SecretText text() const;
    std::array<std::byte, 64> sign(Bytes message) const;

  private:
    explicit WriterKey(SecretKey seed);

    SecretKey seed_;
    std::string public_key_;
};

/// True when text is a writer's public key with a correct checksum.
bool is_writer_public_key(std::string_view text);

/// Whether `signature` was made over `message` by the writer with that public key; false for a malformed key
/// too.
bool verify_signature(std::string_view public_key, Bytes message, Bytes signature);

}  // namespace walferry
