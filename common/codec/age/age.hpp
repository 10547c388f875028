#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/codec/age/age_keys.hpp"
#include "common/error.hpp"
#include "common/sink.hpp"

namespace walferry {

/// Where an age file failed; the names are those of the format's public test vectors.
enum class AgeFailure { header, header_mac, no_match, payload };

/// Kind config for no_match (another key is needed), integrity for the rest.
class AgeError : public Error {
  public:
    AgeError(AgeFailure failure, std::string message, std::string hint = {});
    AgeFailure failure() const noexcept { return failure_; }

  private:
    AgeFailure failure_;
};

/// Plain bytes in, an age file (age-encryption.org/v1, X25519 recipients) out. The header is written on
/// construction, and `next` is finished by finish().
class AgeEncryptor : public Sink {
  public:
    /// Throws usage when there is no recipient, config for one that cannot be encrypted to.
    AgeEncryptor(const std::vector<AgeRecipient>& recipients, Sink& next);
    ~AgeEncryptor() override;
    void write(Bytes bytes) override;
    void finish() override;

  private:
    std::unique_ptr<Sink> payload_;
};

/// An age file in, its plain bytes out. `next` receives only what was authenticated, but that may be the
/// beginning of something cut short: only finish() says that it was all. Throws AgeError.
class AgeDecryptor : public Sink {
  public:
    /// `identities` must outlive the decryptor.
    AgeDecryptor(const std::vector<AgeIdentity>& identities, Sink& next);
    ~AgeDecryptor() override;
    void write(Bytes bytes) override;
    void finish() override;

  private:
    class Reader;
    std::unique_ptr<Reader> reader_;
};

}  // namespace walferry
