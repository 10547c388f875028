#pragma once
#include <sys/types.h>

#include <string>

#include "common/os/fd.hpp"
#include "common/settings/settings.hpp"
#include "tests/contract/store_under_test.hpp"

namespace walferry::contract {

/// tests/s3/misbehave.py, for as long as the object lives. The bucket says how it answers.
class ScriptedServer {
  public:
    /// With a certificate (server.pem and server.key: "server") of make-ca.sh's directory, or plain.
    explicit ScriptedServer(const std::string& ca_directory = {}, const std::string& certificate = {});
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    /// A store there: one attempt, short time-outs.
    StoreSettings store(const std::string& scenario) const;
    int port() const noexcept { return port_; }
    const std::string& credentials_file() const noexcept { return credentials_file_; }

  private:
    TemporaryDirectory directory_;
    std::string credentials_file_;
    std::string scheme_;
    pid_t pid_ = -1;
    Fd lifeline_;  // the server ends when this closes
    int port_ = 0;
};

}  // namespace walferry::contract
