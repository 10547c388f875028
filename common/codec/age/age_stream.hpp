#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "common/bytes.hpp"
#include "common/codec/age/chacha20_poly1305.hpp"
#include "common/sink.hpp"

namespace walferry {

/// The payload of an age file: chunks of 64 KiB, each with its own authentication tag, numbered and with the
/// last one marked, so that none can be moved, dropped or added. Only the last may be shorter, and it may be
/// empty only if there is nothing else.
inline constexpr std::size_t age_chunk = 64 * 1024;
inline constexpr std::size_t age_tag = ChaCha20Poly1305::tag_size;
inline constexpr std::size_t age_payload_nonce = 16;

/// A chunk's nonce: its number in 11 bytes, big-endian, and 1 if it is the last.
class AgeChunkNonce {
  public:
    explicit AgeChunkNonce(std::uint64_t number = 0) : number_(number) {}
    ChaCha20Poly1305::Nonce bytes(bool last) noexcept;
    void advance() noexcept;
    bool at_first() const noexcept { return number_ == 0; }

  private:
    std::uint64_t number_ = 0;
    std::array<unsigned char, ChaCha20Poly1305::nonce_size> nonce_{};
};

/// Encrypts; finish() finishes `next`.
class AgePayloadWriter : public Sink {
  public:
    AgePayloadWriter(Bytes file_key, Bytes payload_nonce, Sink& next);
    void write(Bytes bytes) override;
    void finish() override;

  private:
    void seal(Bytes plain, bool last);

    ChaCha20Poly1305 cipher_;
    AgeChunkNonce nonce_;
    Sink& next_;
    std::vector<std::byte> held_;    // less than or exactly a chunk: it may be the last
    std::vector<std::byte> sealed_;  // room for one chunk and its tag
};

/// Opens chunks one by one, in any order. The caller knows from the object's size which one is the last.
class AgeChunkOpener {
  public:
    AgeChunkOpener(Bytes file_key, Bytes payload_nonce);
    /// Throws AgeError (payload) for a chunk that does not authenticate at that place.
    std::vector<std::byte> open(std::uint64_t number, bool last, Bytes sealed);

  private:
    ChaCha20Poly1305 cipher_;
};

/// Decrypts; `next` receives authenticated chunks only. Throws AgeError (payload).
class AgePayloadReader : public Sink {
  public:
    AgePayloadReader(Bytes file_key, Bytes payload_nonce, Sink& next);
    void write(Bytes bytes) override;
    void finish() override;

  private:
    void open_inner(Bytes sealed);
    void open_last(Bytes sealed);
    bool open(Bytes sealed, bool last);

    ChaCha20Poly1305 cipher_;
    AgeChunkNonce nonce_;
    Sink& next_;
    std::vector<std::byte> held_;
    std::vector<std::byte> plain_;
};

}  // namespace walferry
