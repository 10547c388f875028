#include "uploader/fetch.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal_header.hpp"

namespace walferry {
namespace {

std::vector<const StoreSettings*> asked_stores(const Settings& settings, const FetchOptions& options) {
    std::vector<const StoreSettings*> stores;
    for (const StoreSettings& store : settings.stores) {
        if (options.only.empty() ||
            std::find(options.only.begin(), options.only.end(), store.name) != options.only.end()) {
            stores.push_back(&store);
        }
    }
    for (const std::string& name : options.only) {
        if (std::none_of(stores.begin(), stores.end(),
                         [&](const StoreSettings* store) { return store->name == name; })) {
            throw Error(ErrorKind::usage, "--only " + name + ": there is no such store in " + settings.file);
        }
    }
    return stores;
}

// Keeps the first bytes, where a WAL segment has its header.
class HeaderKeeper : public Sink {
  public:
    explicit HeaderKeeper(Sink& next) : next_(next) {}
    void write(Bytes bytes) override {
        const std::size_t n = std::min(bytes.size(), WalHeader::bytes - kept_.size());
        kept_.insert(kept_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
        next_.write(bytes);
    }
    void finish() override { next_.finish(); }
    Bytes kept() const { return kept_; }

  private:
    Sink& next_;
    std::vector<std::byte> kept_;
};

// Feeds a fresh decoder on every attempt, and hashes what arrives.
class DecodingReceiver : public Receiver {
  public:
    DecodingReceiver(const DecodeOptions& options, std::function<Sink&()> open)
        : options_(options), open_(std::move(open)) {}
    void begin() override {
        digest_.restart();
        keeper_ = std::make_unique<HeaderKeeper>(open_());
        decoder_ = std::make_unique<SegmentDecoder>(options_, *keeper_);
    }
    void write(Bytes bytes) override {
        digest_.update(bytes);
        decoder_->write(bytes);
    }
    void check(const ObjectName& object, const WalName& name, std::uint64_t system_identifier) {
        if (!hex(digest_.finish()).starts_with(object.sha256))
            throw Error(ErrorKind::integrity, "its bytes do not hash to its name");
        decoder_->finish();
        const Envelope& envelope = decoder_->envelope();
        if (envelope.name != name.text || envelope.system_identifier != system_identifier ||
            envelope.fingerprint != object.fingerprint) {
            throw Error(ErrorKind::integrity, "it holds " + envelope.name + " of cluster " +
                                                  std::to_string(envelope.system_identifier) +
                                                  " with content " + envelope.fingerprint +
                                                  ", not what its name says");
        }
        if (!name.has_header()) return;
        const auto header = WalHeader::parse(keeper_->kept());
        const auto wrong = header ? disagreement(*header, name, envelope.size, system_identifier)
                                  : std::optional<std::string>("it has no WAL header");
        if (wrong) throw Error(ErrorKind::integrity, *wrong);
    }

  private:
    const DecodeOptions& options_;
    std::function<Sink&()> open_;
    Sha256 digest_;
    std::unique_ptr<HeaderKeeper> keeper_;
    std::unique_ptr<SegmentDecoder> decoder_;
};

/// What one store has under a name.
struct Found {
    std::vector<ObjectName> objects;
    std::set<std::string> settled;  // fingerprints
};

Found look_up(ObjectStore& store, const ObjectKeys& keys, const std::string& name) {
    const std::string directory = keys.wal_directory(name);
    Found found;
    for (int asked = 0; asked < 2 && found.objects.empty(); ++asked) {  // listings may lag
        std::string after;
        for (bool more = true; more;) {
            const ObjectPage page = store.list(directory + name + "-", after);
            for (const ObjectInfo& info : page.objects) {
                auto object = ObjectName::parse(std::string_view(info.key).substr(directory.size()));
                if (object && object->segment == name) found.objects.push_back(std::move(*object));
            }
            more = page.more && !page.objects.empty();
            if (more) after = page.objects.back().key;
        }
    }
    const std::string stem = keys.settled_directory() + name + "-";
    for (const ObjectInfo& info : store.list(stem, "").objects) {
        found.settled.insert(info.key.substr(stem.size()));
    }
    return found;
}

DecodeOptions decode_options(const Settings& settings) {
    DecodeOptions options;
    options.trusted_writers = settings.trusted_writers;
    if (settings.encrypt) {
        if (settings.identity_file.empty()) {
            throw Error(
                ErrorKind::config,
                settings.file + ": encryption.identity_file is not set, so nothing can be decrypted here",
                "set it to the private key's file on a host that restores");
        }
        options.identities = load_identities(settings.identity_file);
    }
    return options;
}

// Leaves one content. What was settled counts even where only another content can be seen: the store that has
// the right one may be down, and the wrong one must not be replayed for that.
void choose_content(std::map<const StoreSettings*, Found>& found, const std::string& name) {
    std::set<std::string> contents;
    std::set<std::string> settled;
    for (const auto& [store, there] : found) {
        for (const ObjectName& object : there.objects) contents.insert(object.fingerprint);
        settled.insert(there.settled.begin(), there.settled.end());
    }
    if (contents.empty() || (contents.size() == 1 && settled.empty())) return;
    if (settled.size() != 1) {
        std::string list;
        for (const std::string& content : contents) list += " " + content;
        throw Error(
            ErrorKind::conflict,
            settled.empty() ? name + " is archived with several contents:" + list
                            : name + " was settled for several contents at different times",
            "`walferry settle " + name + " FINGERPRINT` on the archiving host says which one is right");
    }
    if (!contents.contains(*settled.begin())) {
        throw Error(ErrorKind::conflict,
                    name + " was settled for content " + *settled.begin() +
                        ", which none of the stores that answered has",
                    "ask again when every store can be reached");
    }
    for (auto& [store, there] : found) {
        std::erase_if(there.objects,
                      [&](const ObjectName& object) { return object.fingerprint != *settled.begin(); });
    }
}

void collect_system_identifiers(ObjectStore& store, const StoreSettings& settings, const std::string& cluster,
                                std::set<std::uint64_t>& found) {
    const std::string root = (settings.prefix.empty() ? "" : settings.prefix + "/") + cluster + "/";
    std::string after;
    for (;;) {
        const ObjectPage page = store.list(root, after);
        if (page.objects.empty()) return;
        const std::string& key = page.objects.front().key;
        const std::string part = key.substr(root.size(), key.find('/', root.size()) - root.size());
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
        if (error == std::errc() && end == part.data() + part.size()) found.insert(value);
        after = root + part + "0";  // '0' sorts right behind '/': skips everything below this identifier
    }
}

}  // namespace

void fetch_segment(const Settings& settings, const FetchOptions& options, const WalName& name,
                   const std::function<Sink&()>& open) {
    const DecodeOptions decoding = decode_options(settings);
    const std::uint64_t sysid =
        options.system_identifier ? *options.system_identifier : find_system_identifier(settings, options);
    std::optional<Error> trouble;
    std::map<const StoreSettings*, Found> found;
    std::map<const StoreSettings*, std::unique_ptr<ObjectStore>> stores;
    for (const StoreSettings* store : asked_stores(settings, options)) {
        try {
            stores[store] = open_store(*store, StoreAccess::restore, nullptr, options.stop);
            found[store] =
                look_up(*stores[store], ObjectKeys(store->prefix, settings.cluster, sysid), name.text);
        } catch (const Error& error) {
            options.say(error.what());
            trouble = error;
        }
    }
    choose_content(found, name.text);
    for (const StoreSettings* store : asked_stores(settings, options)) {
        for (const ObjectName& object : found[store].objects) {
            const std::string key = ObjectKeys(store->prefix, settings.cluster, sysid).wal(object);
            try {
                DecodingReceiver receiver(decoding, open);
                stores[store]->get(key, receiver);
                receiver.check(object, name, sysid);
                return;
            } catch (const Error& error) {
                options.say("store " + store->name + ": " + key + " cannot be used: " + error.what());
                // Damage is what a person must hear of; an outage only when there is nothing else.
                if (!trouble || error.kind() == ErrorKind::integrity) trouble = error;
            }
        }
    }
    if (trouble) throw *trouble;
    throw Error(ErrorKind::not_found, name.text + " of cluster " + std::to_string(sysid) +
                                          " is in none of the stores that were asked");
}

std::uint64_t find_system_identifier(const Settings& settings, const FetchOptions& options) {
    std::set<std::uint64_t> found;
    std::optional<Error> trouble;
    for (const StoreSettings* store : asked_stores(settings, options)) {
        try {
            const auto opened = open_store(*store, StoreAccess::restore, nullptr, options.stop);
            collect_system_identifiers(*opened, *store, settings.cluster, found);
        } catch (const Error& error) {
            options.say(error.what());
            trouble = error;
        }
    }
    if (found.empty() && trouble) throw *trouble;
    if (found.size() == 1) return *found.begin();
    if (found.empty())
        throw Error(ErrorKind::not_found,
                    "there is nothing of cluster " + settings.cluster + " in the stores that were asked");
    std::string list;
    for (const std::uint64_t sysid : found) list += " " + std::to_string(sysid);
    throw Error(ErrorKind::usage, "cluster " + settings.cluster + " holds several system identifiers:" + list,
                "say which one with --system-identifier");
}

}  // namespace walferry
