#pragma once
#include <string>
#include <string_view>

#include "common/os/secret_file.hpp"

namespace walferry {

/// Keys of an S3 store, in memory that is wiped.
class Credentials {
  public:
    /// Takes the text of a file in the form of AWS's shared credentials, profile "default":
    ///   [default]
    ///   aws_access_key_id = …
    ///   aws_secret_access_key = …
    ///   aws_session_token = …          (optional)
    /// Throws config naming `file` and the line, never what stands in it.
    Credentials(SecretText text, const std::string& file);

    std::string_view access_key() const noexcept { return access_key_; }
    std::string_view secret_key() const noexcept { return secret_key_; }
    std::string_view session_token() const noexcept { return session_token_; }  // may be empty

    bool operator==(const Credentials& other) const noexcept;

  private:
    SecretText text_;  // what the views below look into
    std::string_view access_key_;
    std::string_view secret_key_;
    std::string_view session_token_;
};

}  // namespace walferry
