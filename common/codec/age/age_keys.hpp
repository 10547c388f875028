#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.hpp"
#include "common/codec/age/secret_key.hpp"
#include "common/os/secret_file.hpp"

namespace walferry {

/// Whom an age file is encrypted to: an X25519 public key, "age1…".
class AgeRecipient {
  public:
    /// Throws config for anything but an X25519 recipient with a correct checksum.
    static AgeRecipient parse(std::string_view text);
    explicit AgeRecipient(std::span<const std::byte, 32> public_key);

    const std::string& text() const noexcept { return text_; }
    Bytes public_key() const noexcept { return public_key_; }

  private:
    std::array<std::byte, 32> public_key_{};
    std::string text_;
};

/// The private half, "AGE-SECRET-KEY-1…". Move-only; its text never appears in a message.
class AgeIdentity {
  public:
    static AgeIdentity generate();
    /// Throws config.
    static AgeIdentity parse(std::string_view text);

    const AgeRecipient& recipient() const noexcept { return recipient_; }
    const SecretKey& secret() const noexcept { return secret_; }
    SecretText text() const;

  private:
    explicit AgeIdentity(SecretKey secret);

    SecretKey secret_;
    AgeRecipient recipient_;
};

/// The text of an identity file in age's own form: one identity a line, "#" comments and empty lines between.
/// `shown` names the file in messages. Throws config, naming the line; also when there is no identity at all.
std::vector<AgeIdentity> parse_identities(std::string_view text, const std::string& shown);

/// Reads such a file under read_secret_file's rules.
std::vector<AgeIdentity> load_identities(const std::string& path);

/// What age-keygen writes, so that either tool's file serves the other.
SecretText identity_file_text(const AgeIdentity& identity);

/// The same form with recipients, which are public. Throws config, naming the line.
std::vector<AgeRecipient> parse_recipients(std::string_view text, const std::string& shown);

}  // namespace walferry
