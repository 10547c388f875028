#include "common/codec/age/age.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/codec/age/age_header.hpp"
#include "common/codec/age/age_stream.hpp"

namespace walferry {

AgeError::AgeError(AgeFailure failure, std::string message, std::string hint)
    : Error(failure == AgeFailure::no_match ? ErrorKind::config : ErrorKind::integrity, std::move(message),
            std::move(hint)),
      failure_(failure) {}

AgeEncryptor::AgeEncryptor(const std::vector<AgeRecipient>& recipients, Sink& next) {
    require_sodium();
    if (recipients.empty()) throw Error(ErrorKind::usage, "cannot encrypt without a recipient");
    Wiped<16> file_key;
    std::array<std::byte, age_payload_nonce> nonce{};
    randombytes_buf(file_key.fill().data(), file_key.size());
    randombytes_buf(nonce.data(), nonce.size());

    const std::string header = make_age_header(recipients, file_key.bytes());
    if (header.size() > max_age_header) throw Error(ErrorKind::usage, "too many recipients for one age file");
    payload_ = std::make_unique<AgePayloadWriter>(file_key.bytes(), nonce, next);
    next.write(as_bytes(header));
    next.write(nonce);
}

AgeEncryptor::~AgeEncryptor() = default;
void AgeEncryptor::write(Bytes bytes) {
    payload_->write(bytes);
}
void AgeEncryptor::finish() {
    payload_->finish();
}

/// Header, then the payload's nonce, then the payload.
class AgeDecryptor::Reader {
  public:
    Reader(const std::vector<AgeIdentity>& identities, Sink& next) : identities_(identities), next_(next) {
        require_sodium();
    }

    void write(Bytes bytes) {
        if (!payload_) bytes = start(bytes);
        if (payload_ && !bytes.empty()) payload_->write(bytes);
    }

    void finish() {
        if (payload_) return payload_->finish();
        if (!header_end_) parse_age_header(start_);  // says what is wrong with it
        throw AgeError(AgeFailure::header, "not a valid age file: it breaks off after the header");
    }

  private:
    /// Takes what belongs before the payload; returns the rest.
    Bytes start(Bytes bytes) {
        const std::size_t known = start_.size();
        const std::size_t taken = std::min(bytes.size(), max_age_header + age_payload_nonce - known);
        start_ += as_text(bytes.first(taken));
        if (!header_end_) {
            header_end_ = find_age_header_end(start_, known);
            if (header_end_) unwrap();
        }
        if (!header_end_) {
            if (start_.size() >= max_age_header) parse_age_header(start_);
            if (start_.size() >= max_age_header)
                throw AgeError(AgeFailure::header, "the age header is too long");
            return {};
        }
        const std::size_t payload_at = *header_end_ + age_payload_nonce;
        if (start_.size() < payload_at) return {};
        const Bytes nonce = as_bytes(start_).subspan(*header_end_, age_payload_nonce);
        payload_ = std::make_unique<AgePayloadReader>(file_key_.bytes(), nonce, next_);
        return bytes.subspan(payload_at - known);
    }

    void unwrap() {
        const std::string_view header = std::string_view(start_).substr(0, *header_end_);
        unwrap_age_header(parse_age_header(header), identities_, file_key_.fill());
    }

    const std::vector<AgeIdentity>& identities_;
    Sink& next_;
    std::string start_;
    std::optional<std::size_t> header_end_;
    Wiped<16> file_key_;
    std::unique_ptr<AgePayloadReader> payload_;
};

AgeDecryptor::AgeDecryptor(const std::vector<AgeIdentity>& identities, Sink& next)
    : reader_(std::make_unique<Reader>(identities, next)) {}
AgeDecryptor::~AgeDecryptor() = default;
void AgeDecryptor::write(Bytes bytes) {
    reader_->write(bytes);
}
void AgeDecryptor::finish() {
    reader_->finish();
}

}  // namespace walferry
