#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "restore/tar_reader.hpp"
#include "restore/tree_writer.hpp"

namespace walferry::restore {

/// The stream `config`: absolute path to content.
class ConfigurationStream : public TarVisitor {
  public:
    explicit ConfigurationStream(const BackupLabel& label) : label_(label) {}
    void entry(const TarEntry& entry) override;
    void data(Bytes bytes) override;
    void end_of_file() override {}
    std::map<std::string, std::string> take() { return std::move(files_); }

  private:
    const BackupLabel& label_;
    std::map<std::string, std::string> files_;
    std::string* current_ = nullptr;
    std::uint64_t total_ = 0;
};

/// The server's configuration as the backup has it.
struct BackedUpConfiguration {
    std::map<std::string, std::string> outside;  // absolute path to content
    std::string folder;                          // of the data directory, for what lay outside of the old one
    // Of the data directory itself; empty where it has none.
    std::string postgresql_conf, auto_conf, hba, ident;
    unsigned postgresql_conf_mode = 0600, auto_conf_mode = 0600, hba_mode = 0600, ident_mode = 0600;
    bool has_postgresql_conf = false, has_hba = false, has_ident = false;
};

/// Where below the data directory the server's access files were, when they were not held outside of it.
struct AccessFiles {
    explicit AccessFiles(const BackupLabel& label);
    std::string hba, ident;  // "pg_hba.conf" where the label does not say
};

/// Puts it so that a server that is started with the data directory alone finds all of it there, and nothing
/// in it points to the old one. `recovery` is appended to postgresql.auto.conf. Returns what a person must
/// see to.
std::vector<std::string> write_configuration(TreeWriter& tree, const std::string& data_directory,
                                             const BackupLabel& label, const BackedUpConfiguration& had,
                                             const std::string& recovery, unsigned mode);

}  // namespace walferry::restore
