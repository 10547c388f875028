#include "common/codec/age/age_stream.hpp"

#include <algorithm>

#include "common/codec/age/age.hpp"
#include "common/codec/age/hkdf.hpp"
#include "common/codec/age/secret_key.hpp"

namespace walferry {
namespace {

constexpr std::size_t sealed_chunk = age_chunk + age_tag;

/// Passes every piece of `limit` bytes that something follows to `take`, from where it lies when it lies in
/// one piece, and leaves the rest, never nothing once there was something, in `held`.
template <typename Take>
void in_chunks(Bytes bytes, std::size_t limit, std::vector<std::byte>& held, Take take) {
    while (held.size() + bytes.size() > limit) {
        if (held.empty()) {
            take(bytes.first(limit));
            bytes = bytes.subspan(limit);
            continue;
        }
        const std::size_t missing = limit - held.size();
        held.insert(held.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(missing));
        bytes = bytes.subspan(missing);
        take(Bytes(held));
        held.clear();
    }
    held.insert(held.end(), bytes.begin(), bytes.end());
}

/// The cipher under the key that age derives for the payload.
ChaCha20Poly1305 payload_cipher(ChaCha20Poly1305::Use use, Bytes file_key, Bytes payload_nonce) {
    Wiped<ChaCha20Poly1305::key_size> key;
    hkdf_sha256(file_key, payload_nonce, "payload", key.fill());
    return ChaCha20Poly1305(use, key.fill());
}

}  // namespace

ChaCha20Poly1305::Nonce AgeChunkNonce::bytes(bool last) noexcept {
    for (std::size_t i = 0; i < 8; ++i) nonce_[10 - i] = static_cast<unsigned char>(number_ >> 8 * i);
    nonce_[11] = last ? 1 : 0;
    return nonce_;
}

void AgeChunkNonce::advance() noexcept {
    ++number_;
}

AgePayloadWriter::AgePayloadWriter(Bytes file_key, Bytes payload_nonce, Sink& next)
    : cipher_(payload_cipher(ChaCha20Poly1305::Use::seal, file_key, payload_nonce)),
      next_(next),
      sealed_(sealed_chunk) {
    held_.reserve(age_chunk);
}

void AgePayloadWriter::write(Bytes bytes) {
    in_chunks(bytes, age_chunk, held_, [this](Bytes plain) { seal(plain, false); });
}

void AgePayloadWriter::finish() {
    seal(held_, true);
    next_.finish();
}

void AgePayloadWriter::seal(Bytes plain, bool last) {
    cipher_.seal(nonce_.bytes(last), plain, sealed_);
    nonce_.advance();
    next_.write(Bytes(sealed_).first(plain.size() + age_tag));
}

AgeChunkOpener::AgeChunkOpener(Bytes file_key, Bytes payload_nonce)
    : cipher_(payload_cipher(ChaCha20Poly1305::Use::open, file_key, payload_nonce)) {}

std::vector<std::byte> AgeChunkOpener::open(std::uint64_t number, bool last, Bytes sealed) {
    std::vector<std::byte> plain(age_chunk);
    const bool sound = sealed.size() >= age_tag && sealed.size() <= sealed_chunk &&
                       cipher_.open(AgeChunkNonce(number).bytes(last), sealed, plain);
    if (!sound)
        throw AgeError(AgeFailure::payload, "the encrypted data is damaged: a chunk does not authenticate");
    plain.resize(sealed.size() - age_tag);
    return plain;
}

AgePayloadReader::AgePayloadReader(Bytes file_key, Bytes payload_nonce, Sink& next)
    : cipher_(payload_cipher(ChaCha20Poly1305::Use::open, file_key, payload_nonce)),
      next_(next),
      plain_(age_chunk) {
    held_.reserve(sealed_chunk);
}

void AgePayloadReader::write(Bytes bytes) {
    in_chunks(bytes, sealed_chunk, held_, [this](Bytes sealed) { open_inner(sealed); });
}

void AgePayloadReader::finish() {
    open_last(held_);
    next_.finish();
}

void AgePayloadReader::open_inner(Bytes sealed) {
    if (open(sealed, false)) return;
    // Tells garbage behind a whole file from damage; both are refused.
    if (open(sealed, true))
        throw AgeError(AgeFailure::payload, "something follows the end of the encrypted data");
    throw AgeError(AgeFailure::payload, "the encrypted data is damaged: a chunk does not authenticate");
}

void AgePayloadReader::open_last(Bytes sealed) {
    if (sealed.size() == age_tag && !nonce_.at_first()) {
        throw AgeError(AgeFailure::payload,
                       "the encrypted data ends in an empty chunk, which no writer makes");
    }
    if (sealed.size() >= age_tag && open(sealed, true)) return;
    // A whole inner chunk is authentic even where what must follow it is gone, so it is released like the
    // others.
    if (sealed.size() == sealed_chunk) open(sealed, false);
    throw AgeError(AgeFailure::payload, "the encrypted data is cut short or damaged");
}

bool AgePayloadReader::open(Bytes sealed, bool last) {
    if (!cipher_.open(nonce_.bytes(last), sealed, plain_)) return false;
    nonce_.advance();
    next_.write(Bytes(plain_).first(sealed.size() - age_tag));
    return true;
}

}  // namespace walferry
