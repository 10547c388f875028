#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tests/fault/model/contents.hpp"
#include "tests/temp_dir.hpp"

namespace walferry::test::model {

struct StorePlace {
    std::string name;
    std::string path;  // where the configuration says it is
    bool down = false;
    /// Where its objects are now.
    std::string now() const { return down ? path + ".away" : path; }
};

/// One host that archives: a spool with its ledger, and the configuration.
struct Writer {
    std::string name;
    std::string spool;
    std::string config;
    std::vector<int> stores;  // in its configuration
    bool configured(int store) const;
    std::string file(const Content& content) const;
    std::string ledger() const { return spool + "/ledger/ledger.db"; }
};

/// Everything on disk that a walk goes over.
class World {
  public:
    explicit World(bool encrypted);

    int add_store();
    void write_config(const Writer& writer) const;
    /// Moves the store's directory away, or back.
    void set_down(int store, bool down);
    /// As the server has it in pg_wal; returns its path.
    std::string write_source(const Content& content) const;
    std::string log(const std::string& name) const { return dir / (name + ".said"); }
    std::vector<std::string> walferry(const Writer& writer, std::vector<std::string> words) const;
    std::vector<std::string> push(const Writer& writer, const Content& content) const;

    TempDir dir;
    std::vector<StorePlace> stores;
    std::vector<Writer> writers;
    std::string identity;  // of the recipient; empty: not encrypted

  private:
    void add_writer(const std::string& name);
    std::string recipient_;
};

}  // namespace walferry::test::model
