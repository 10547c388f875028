#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/store/object_buffer.hpp"
#include "common/store/object_store.hpp"
#include "maintenance/verify/pace.hpp"

namespace walferry::verify {

/// A store that may have a sound copy. It is opened when one is needed first.
struct Source {
    std::string name;
    std::string root;  // what stands before the system identifier in its keys, with the slash
    std::function<std::unique_ptr<ObjectStore>()> open;
};

/// What came of an attempt to heal.
struct Healing {
    std::string from;     // the store that had a sound copy; empty: it was not healed
    std::string other;    // the key of another encoding of the same content, where that was put instead
    std::string why_not;  // for people
    bool outage = false;  // a store that did not answer may have it
};

/// Brings sound bytes from other stores to one store. Only bytes that hash to the name they have are written,
/// and they are read back. For one thread.
class Healer {
  public:
    struct Options {
        std::string work_dir;  // for objects that do not fit into memory
        std::stop_token stop;
    };
    Healer(ObjectStore& store, std::string root, std::vector<Source> sources, Options options);

    /// For an object that was read twice and is damaged: replaced by the same object of another store. Where
    /// only another encoding of the same WAL segment is to be had, that is put, and the damaged object
    /// removed once the other one is verified.
    Healing replace(const std::string& key);
    /// For an object that is missing: any sound one whose key begins so, "…/NAME-FINGERPRINT-" of a WAL file
    /// or all of a key.
    Healing bring(const std::string& stem);

  private:
    struct Copy;

    bool fetch(ObjectStore& source, const std::string& key, Copy& copy);
    std::optional<std::string> bring_other(ObjectStore& source, const Source& from, const std::string& stem,
                                           const std::string& except);
    void put(const std::string& key, const Copy& copy, bool in_place);
    Healing from_any(const std::string& what,
                     const std::function<std::optional<Healing>(ObjectStore&, const Source&)>& from);
    ObjectStore& connection(std::size_t source);

    ObjectStore& store_;
    const std::string root_;
    const std::vector<Source> sources_;
    const Options options_;
    std::vector<std::unique_ptr<ObjectStore>> connections_;
    BlockPool pool_;
};

}  // namespace walferry::verify
