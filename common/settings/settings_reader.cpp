#include "common/settings/settings_reader.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <set>
#include <thread>
#include <tuple>

#include "common/error.hpp"
#include "common/settings/settings_keys.hpp"
#include "common/settings/settings_value_reader.hpp"
#include "common/settings/settings_values.hpp"

namespace walferry {
namespace {

struct Problem {
    toml::source_position at;
    std::string text;
};

/// "top" keys are meant without a table's name.
std::string label(std::string_view table, std::string_view key) {
    return table.empty() ? std::string(key) : std::string(table) + "." + std::string(key);
}

template <class Owner, class Slot, class Take>
std::string fill(Owner& owner, const Slot& slot, const Take& take_into) {
    return std::visit(
        [&](auto member) -> std::string {
            if constexpr (requires { member.member; }) {
                bool value = !(owner.*(member.member));
                std::string problem = take_into(value);
                owner.*(member.member) = !value;
                return problem;
            } else {
                return take_into(slot_of(owner, member));
            }
        },
        slot);
}

class Reader {
  public:
    Reader(const std::string& file, const std::string& credentials_directory)
        : file_(file), base_{credentials_directory, file.substr(0, file.rfind('/'))} {}

    SettingsReport read(std::string_view text) {
        Settings settings;
        settings.file = file_;
        toml::table root;
        try {
            root = toml::parse(text, file_);
        } catch (const toml::parse_error& e) {
            report(e.source().begin, "not valid TOML: " + std::string(e.description()));
            return finish(std::move(settings));
        }
        read_tables(root, settings);
        check_retention(root, settings);
        check_encryption(root, settings);
        read_stores(root, settings);
        check_stores(settings);
        if (settings.jobs == 0) {
            settings.jobs = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 4U));
        }
        return finish(std::move(settings));
    }

  private:
    void report(toml::source_position at, std::string text) { problems_.push_back({at, std::move(text)}); }

    SettingsReport finish(Settings settings) {
        // In the file's order; what is missing as a whole has no place in it and comes last.
        const auto place = [](const Problem& p) {
            return std::tuple(p.at.line == 0, p.at.line, p.at.column);
        };
        std::stable_sort(problems_.begin(), problems_.end(),
                         [&](const Problem& a, const Problem& b) { return place(a) < place(b); });
        SettingsReport result{std::move(settings), {}};
        for (const Problem& p : problems_) {
            std::string where = file_;
            if (p.at.line > 0) where += ":" + std::to_string(p.at.line) + ":" + std::to_string(p.at.column);
            result.problems.push_back(one_line(where + ": " + p.text));
        }
        return result;
    }

    /// `owner` gets the key's value, or what the key stands for where it is left out.
    template <class Owner, class Key>
    void read_key(const Key& key, std::string_view table, const toml::table* values,
                  toml::source_position where, Owner& owner) {
        const KeySpec& spec = key.spec;
        if (const toml::node* node = values ? values->get(spec.name) : nullptr) {
            const auto take_into = [&](auto& out) { return take(*node, spec, base_, out); };
            const std::string problem = fill(owner, key.slot, take_into);
            if (!problem.empty()) {
                report(node->source().begin, label(table, spec.name) + ": " + problem);
                wrong_.insert(node);
            }
        } else if (*spec.fallback != '\0') {
            const toml::table fallback = toml::parse("value = " + std::string(spec.fallback));
            fill(owner, key.slot, [&](auto& out) { return take(*fallback.get("value"), spec, base_, out); });
        } else if (spec.required) {
            report(where, label(table, spec.name) + ": is missing; " + spec.help);
        }
    }

    void read_tables(const toml::table& root, Settings& settings) {
        for (const SettingsTable& table : settings_tables()) {
            const std::string_view name = table.name;
            const toml::node* node = name.empty() ? &root : root.get(name);
            if (node && !node->is_table()) {
                report(node->source().begin, std::string(name) + ": is a table of its own; write [" +
                                                 std::string(name) + "] and its keys below it");
                continue;
            }
            const toml::table* values = node ? node->as_table() : nullptr;
            std::vector<std::string> known;
            for (const SettingsKey& key : settings_keys()) {
                if (name != key.spec.table) continue;
                known.emplace_back(key.spec.name);
                read_key(key, name, values, {}, settings);
            }
            if (name.empty()) {
                for (const SettingsTable& other : settings_tables()) known.emplace_back(other.name);
                known.emplace_back("store");
            }
            if (values) find_unknown(*values, name, known);
        }
    }

    void read_stores(const toml::table& root, Settings& settings) {
        const toml::node* node = root.get("store");
        if (!node || (node->is_array() && node->as_array()->empty())) {
            return report(
                {}, "store: is missing; add at least one [[store]] (`walferry config --sample` shows one)");
        }
        if (!node->is_array_of_tables()) {
            return report(node->source().begin,
                          "store: write [[store]] with two brackets: there may be several");
        }
        for (const toml::node& item : *node->as_array()) read_store(*item.as_table(), settings);
    }

    void read_store(const toml::table& values, Settings& settings) {
        StoreSettings store;
        store.retention = settings.retention;
        const toml::source_position where = values.source().begin;
        const toml::node* type_node = values.get("type");
        std::vector<std::string> known;
        for (const StoreKey& key : store_keys()) {
            known.emplace_back(key.spec.name);
            const std::string_view type = key.spec.table;
            const bool type_known = type_node && !wrong_.contains(type_node);
            if (type.empty() || (type_known && type == store_type_name(store.type))) {
                read_key(key, "store", &values, where, store);
            } else if (const toml::node* node = values.get(key.spec.name); node && type_known) {
                report(node->source().begin, label("store", key.spec.name) + ": is a key of type = \"" +
                                                 std::string(type) +
                                                 "\" and means nothing here; leave it out");
            }
        }
        find_unknown(values, "store", known);
        const toml::node* endpoint = values.get("endpoint");
        if (endpoint && !wrong_.contains(endpoint) && !store.endpoint.empty())
            check_endpoint(*endpoint, store);
        check_override(values, store);
        settings.stores.push_back(std::move(store));
        store_positions_.push_back(where);
    }

    void check_endpoint(const toml::node& node, const StoreSettings& store) {
        const auto at = node.source().begin;
        if (store.endpoint.starts_with("http://") && !store.allow_http &&
            !is_loopback_endpoint(store.endpoint)) {
            report(at, "store.endpoint: \"" + store.endpoint +
                           "\" is plain http; use https, or say allow_http = true if no other host can "
                           "listen on the way");
        }
        if (store.addressing == Addressing::virtual_host && is_address_endpoint(store.endpoint)) {
            report(at, "store.endpoint: \"" + store.endpoint +
                           "\" is an address, no bucket name can stand before it; use addressing = \"path\"");
        }
        const bool tls = store.endpoint.starts_with("https://");
        if (store.addressing == Addressing::virtual_host && tls &&
            store.bucket.find('.') != std::string::npos) {
            report(at,
                   "store.addressing: a bucket with a dot in its name matches no certificate; use \"path\"");
        }
    }

    /// What deletes has to be said in full: a line that got lost may not turn into "delete everything".
    void check_retention(const toml::table& root, const Settings& settings) {
        const toml::node* node = root.get("retention");
        if (!node || !node->is_table()) return;
        const toml::table& table = *node->as_table();
        if (table.empty()) {
            report(
                node->source().begin,
                "retention: is empty; set recovery_window = \"30d\", or leave [retention] out, and nothing "
                "expires");
        } else if (!settings.retention.expires() && !wrong_.contains(table.get("recovery_window"))) {
            report(node->source().begin,
                   "retention.recovery_window: is missing; say how far back every moment has to stay "
                   "reachable, such as \"30d\"");
        }
    }

    void check_override(const toml::table& values, const StoreSettings& store) {
        if (store.retention.expires() || wrong_.contains(values.get("recovery_window"))) return;
        for (const StoreKey& key : store_keys()) {
            const bool of_retention =
                std::holds_alternative<int Retention::*>(key.slot) ||
                std::holds_alternative<std::chrono::milliseconds Retention::*>(key.slot);
            const toml::node* node = of_retention ? values.get(key.spec.name) : nullptr;
            if (!node || wrong_.contains(node)) continue;
            return report(node->source().begin,
                          label("store", key.spec.name) +
                              ": means nothing without recovery_window; set that here or "
                              "under [retention]");
        }
    }

    void check_encryption(const toml::table& root, const Settings& settings) {
        const toml::node* table = root.get("encryption");
        const toml::node* node = root.at_path("encryption.recipients").node();
        const toml::node* none = root.at_path("encryption.none").node();
        if ((table && !table->is_table()) || wrong_.contains(node) || wrong_.contains(none)) return;
        if (!settings.encrypt && !settings.recipients.empty()) {
            report(node->source().begin,
                   "encryption.recipients: contradicts none = true; leave one of them out");
        }
        if (settings.encrypt && settings.recipients.empty()) {
            report(
                node ? node->source().begin : toml::source_position{},
                "encryption.recipients: is missing; list the age1... public key of everyone who may restore "
                "(`walferry keygen` makes a pair), or say none = true under [encryption] to store plain "
                "objects");
        }
    }

    void check_stores(const Settings& settings) {
        const auto& stores = settings.stores;
        for (std::size_t i = 0; i < stores.size(); ++i) {
            const StoreSettings& a = stores[i];
            for (std::size_t j = 0; j < i; ++j) {
                const StoreSettings& b = stores[j];
                if (!a.name.empty() && a.name == b.name) {
                    report(store_positions_[i],
                           "store.name: \"" + a.name + "\" is taken by the store above; rename one");
                }
                const bool known_place = a.type == StoreType::s3 ? !a.endpoint.empty() : !a.path.empty();
                const bool same_place = std::tie(a.type, a.endpoint, a.bucket, a.prefix, a.path) ==
                                        std::tie(b.type, b.endpoint, b.bucket, b.prefix, b.path);
                if (known_place && same_place) {
                    report(store_positions_[i],
                           "store: \"" + a.name + "\" and \"" + b.name +
                               "\" are the same place, so two copies would be one; change one");
                }
            }
            if (!a.path.empty() && (a.path + "/").starts_with(settings.spool + "/")) {
                report(store_positions_[i],
                       "store.path: \"" + a.path +
                           "\" lies in the spool; a store must survive the loss of the spool");
            }
        }
    }

    void find_unknown(const toml::table& values, std::string_view table,
                      const std::vector<std::string>& known) {
        for (const auto& [key, node] : values) {
            const std::string name(key.str());
            if (std::find(known.begin(), known.end(), name) != known.end()) continue;
            report(key.source().begin,
                   label(table, name) + ": is no key known here" + suggestion(name, known));
        }
    }

    static std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
        if (name.find("secret") != std::string::npos || name.find("access_key") != std::string::npos) {
            return "; keys belong into a file of their own that credentials_file names";
        }
        if (const std::string near = nearest_name(name, known); !near.empty())
            return "; did you mean " + near + "?";
        for (const SettingsKey& key : settings_keys()) {
            if (name == key.spec.name) {
                const std::string table = key.spec.table;
                return table.empty() ? "; it belongs to the top, before the first [table]"
                                     : "; it belongs under [" + table + "]";
            }
        }
        for (const StoreKey& key : store_keys()) {
            if (name == key.spec.name) return "; it belongs under a [[store]]";
        }
        return "; `walferry config --help` lists all keys";
    }

    std::string file_;
    FileNameBase base_;
    std::vector<Problem> problems_;
    std::vector<toml::source_position> store_positions_;
    std::set<const toml::node*> wrong_;  // values that were reported already
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
        }
    }
    return row.back();
}

}  // namespace

std::string nearest_name(std::string_view written, const std::vector<std::string>& known) {
    std::string best;
    std::size_t distance =
        std::min<std::size_t>(3, written.size() / 3 + 1);  // at most two slips, one in a short word
    if (written.size() > 64) return best;
    for (const std::string& name : known) {
        if (const std::size_t d = edit_distance(written, name); !name.empty() && d < distance) {
            best = name;
            distance = d;
        }
    }
    return best;
}

SettingsReport parse_settings(std::string_view text, const std::string& file,
                              const std::string& credentials_directory) {
    return Reader(file, credentials_directory).read(text);
}

}  // namespace walferry
