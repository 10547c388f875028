#include "report/facts_fetch.hpp"

#include <memory>
#include <optional>
#include <vector>

#include "archive/envelope_read.hpp"
#include "archive/object_read.hpp"
#include "common/codec/wal_facts_text.hpp"
#include "common/error.hpp"
#include "common/store/object_name.hpp"

namespace walferry::report {
namespace {

constexpr int page_size = 500;  // segments

struct OpenStore {
    std::unique_ptr<ObjectStore> connection;
    ObjectKeys keys;
};

class Fetch {
  public:
    Fetch(const Settings& settings, Ledger& ledger, std::uint64_t system_identifier,
          const std::stop_token& stop)
        : ledger_(ledger),
          sysid_(system_identifier),
          decoding_(archive::decode_options(settings)),
          stop_(stop) {
        for (const StoreSettings& store : settings.stores) {
            try {
                stores_.push_back({open_store(store, StoreAccess::restore, nullptr, stop),
                                   ObjectKeys(store.prefix, settings.cluster, system_identifier)});
            } catch (const Error& error) {
                if (settings.stores.size() == 1) throw;
                result_.trouble = error.what();
            }
        }
    }

    FactsFetched run(const std::string& since, const std::function<void(const std::string&)>& show) {
        std::string after;
        for (;;) {
            const auto rows = ledger_.without_facts(sysid_, after, since, page_size);
            for (const KnownFacts& row : rows) {
                if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
                show("reading the facts of " + row.name);
                learn(row);
                after = row.name;
            }
            if (rows.size() < static_cast<std::size_t>(page_size)) return std::move(result_);
        }
    }

  private:
    void learn(const KnownFacts& row) {
        for (OpenStore& store : stores_) {
            try {
                const auto envelope = find(store, row);
                if (!envelope) continue;
                const auto facts = envelope->facts.empty() ? std::nullopt : parse_facts(envelope->facts);
                if (facts) ledger_.note_facts(row.segment, facts_to_note(*facts));
                ++(facts ? result_.learned : result_.without);
                return;
            } catch (const Error& error) {
                const Scope scope = traits(error.kind()).scope;
                if (scope == Scope::ledger || scope == Scope::host || error.kind() == ErrorKind::interrupted)
                    throw;
                result_.trouble = error.what();
            }
        }
        ++result_.missing;
    }

    std::optional<Envelope> find(OpenStore& store, const KnownFacts& row) {
        const std::string directory = store.keys.wal_directory(row.name);
        const std::string stem = directory + row.name + "-" + row.fingerprint + "-";
        for (const ObjectInfo& info : store.connection->list(stem, "").objects) {
            const auto object = ObjectName::parse(std::string_view(info.key).substr(directory.size()));
            if (!object || object->fingerprint != row.fingerprint) continue;
            Envelope envelope = archive::envelope_of(*store.connection, info, decoding_);
            if (envelope.name == row.name && envelope.system_identifier == sysid_ &&
                envelope.fingerprint == row.fingerprint)
                return envelope;
        }
        return std::nullopt;
    }

    Ledger& ledger_;
    const std::uint64_t sysid_;
    const DecodeOptions decoding_;
    const std::stop_token stop_;
    std::vector<OpenStore> stores_;
    FactsFetched result_;
};

}  // namespace

FactsFetched fetch_facts(const Settings& settings, Ledger& ledger, std::uint64_t system_identifier,
                         const std::string& since, const std::function<void(const std::string&)>& show,
                         const std::stop_token& stop) {
    return Fetch(settings, ledger, system_identifier, stop).run(since, show);
}

}  // namespace walferry::report
