#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "common/settings/settings.hpp"
#include "common/settings/settings_keys.hpp"

namespace walferry {
namespace {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce it for an aggregate

std::string range(const KeySpec& spec) {
    return std::to_string(spec.least) + " to " + std::to_string(spec.most);
}

std::string choices(std::span<const char* const> names) {
    std::string text;
    for (const char* name : names) text += (text.empty() ? "\"" : " or \"") + std::string(name) + "\"";
    return text;
}

/// What a value looks like, told from the member it fills.
template <class Slot>
std::string value_form(const Slot& slot, const KeySpec& spec) {
    const auto form = Overloaded{
        []<class O>(std::string O::*) -> std::string { return "text"; },
        []<class O>(std::vector<std::string> O::*) -> std::string { return "list of texts"; },
        [&]<class O>(int O::*) -> std::string { return "whole number, " + range(spec); },
        []<class O>(bool O::*) -> std::string { return "true or false"; },
        []<class O>(Negated<O>) -> std::string { return "true or false"; },
        [&]<class O>(std::chrono::milliseconds O::*) -> std::string {
            return spec.with_unit ? "time: \"30d\", \"12h\"" : "time: \"5s\", \"500ms\" or 5";
        },
        []<class O>(std::uint64_t O::*) -> std::string { return "size: \"10MiB\" or 10000000"; },
        []<class O>(Addressing O::*) -> std::string { return choices(addressing_names); },
        []<class O>(StandbyRule O::*) -> std::string { return choices(standby_rule_names); },
        []<class O>(StoreType O::*) -> std::string { return choices(store_type_names); },
    };
    return std::visit(form, slot);
}

std::string without_key(const KeySpec& spec) {
    if (spec.required) return "required";
    if (*spec.fallback != '\0') return "default " + std::string(spec.fallback);
    const std::string words = spec.otherwise;
    return words.starts_with("required") ? words : "default: " + words;
}

template <class Key>
SettingsKeyText key_text(const Key& key) {
    return {key.spec.name, value_form(key.slot, key.spec), without_key(key.spec), key.spec.help};
}

template <class Key>
std::string sample_entry(const Key& key, const char* value) {
    const KeySpec& spec = key.spec;
    const std::string commented = *spec.fallback != '\0' ? spec.fallback : spec.example;
    const std::string line = *value != '\0' ? std::string(spec.name) + " = " + value
                                            : "# " + std::string(spec.name) + " = " + commented;
    return "# " + std::string(spec.help) + " (" + without_key(spec) + ")\n" + line + "\n\n";
}

std::string table_title(const SettingsTable& table, bool chosen) {
    if (*table.name == '\0') return {};
    return std::string(table.optional && !chosen ? "# [" : "[") + table.name + "]\n";
}

std::string as_toml(const std::string& text) {
    std::ostringstream out;
    out << toml::toml_formatter{
        toml::value<std::string>(text),
        toml::toml_formatter::default_flags & ~toml::format_flags::allow_literal_strings};
    return out.str();
}

/// "" where nobody chose the key.
std::string chosen_value(const std::vector<ChosenKey>& keys, const KeySpec& spec, bool of_store) {
    for (const ChosenKey& key : keys) {
        if (key.name != spec.name || (!of_store && key.table != spec.table)) continue;
        if (!key.list) return as_toml(key.values.at(0));
        std::string list;
        for (const std::string& value : key.values) list += (list.empty() ? "" : ", ") + as_toml(value);
        return "[" + list + "]";
    }
    return {};
}

std::string compose_store(const ChosenStore& store, bool explain) {
    std::string text = "[[store]]\n";
    for (const StoreKey& key : store_keys()) {
        const std::string_view belongs = key.spec.table;
        if (!belongs.empty() && belongs != store_type_name(store.type)) continue;
        const std::string value = chosen_value(store.keys, key.spec, true);
        if (explain)
            text += sample_entry(key, value.c_str());
        else if (!value.empty())
            text += std::string(key.spec.name) + " = " + value + "\n";
    }
    return text + (explain ? "" : "\n");
}

std::string sample_store(StoreType type) {
    const std::string_view type_name = store_type_name(type);
    std::string text = "[[store]]\n";
    for (const StoreKey& key : store_keys()) {
        const std::string_view belongs = key.spec.table;
        if (!belongs.empty() && belongs != type_name) continue;
        text += sample_entry(key, type == StoreType::directory ? key.spec.sample_dir : key.spec.sample);
    }
    return text;
}

std::string show_time(std::chrono::milliseconds time) {
    const auto ms = time.count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}

void show(toml::table& table, const char* name, const std::string& value) {
    if (!value.empty()) table.insert(name, value);
}
void show(toml::table& table, const char* name, const std::vector<std::string>& value) {
    toml::array list;
    for (const std::string& item : value) list.push_back(item);
    if (!list.empty()) table.insert(name, std::move(list));
}
void show(toml::table& table, const char* name, int value) {
    table.insert(name, value);
}
void show(toml::table& table, const char* name, bool value) {
    table.insert(name, value);
}
void show(toml::table& table, const char* name, std::chrono::milliseconds value) {
    table.insert(name, show_time(value));
}
void show(toml::table& table, const char* name, std::uint64_t value) {
    table.insert(name, static_cast<std::int64_t>(value));
}
void show(toml::table& table, const char* name, StandbyRule value) {
    table.insert(name, standby_rule_names.at(static_cast<std::size_t>(value)));
}

void show(toml::table& table, const char* name, Addressing value) {
    table.insert(name, addressing_names.at(static_cast<std::size_t>(value)));
}
void show(toml::table& table, const char* name, StoreType value) {
    table.insert(name, store_type_name(value));
}

toml::table show_store(const StoreSettings& store) {
    toml::table table;
    for (const StoreKey& key : store_keys()) {
        const std::string_view belongs = key.spec.table;
        if (!belongs.empty() && belongs != store_type_name(store.type)) continue;
        const auto show_member = Overloaded{
            [&]<class T>(T Retention::*member) {
                if (store.retention.expires()) show(table, key.spec.name, store.retention.*member);
            },
            [&](auto member) { show(table, key.spec.name, store.*member); },
        };
        std::visit(show_member, key.slot);
    }
    return table;
}

}  // namespace

std::vector<SettingsTableText> settings_texts() {
    std::vector<SettingsTableText> texts;
    for (const SettingsTable& table : settings_tables()) {
        const std::string name = table.name;
        SettingsTableText& text = texts.emplace_back();
        text.title = name.empty() ? "At the top" : "[" + name + "]";
        text.help = table.help;
        for (const SettingsKey& key : settings_keys()) {
            if (key.spec.table == name) text.keys.push_back(key_text(key));
        }
    }
    texts.push_back({"[[store]]", "one for each place; one works, two are the point, more are allowed.", {}});
    std::string_view type;
    for (const StoreKey& key : store_keys()) {
        if (type != key.spec.table)
            texts.push_back({"[[store]] with type = \"" + std::string(key.spec.table) + "\"", "", {}});
        type = key.spec.table;
        texts.back().keys.push_back(key_text(key));
    }
    return texts;
}

std::string file_name_help() {
    return "A relative file name is looked for in $CREDENTIALS_DIRECTORY (FOLDER/FILE as FOLDER_FILE there, "
           "as "
           "systemd names it), then in the configuration file's folder.";
}

std::string settings_help() {
    std::string text = "Keys of the configuration file (TOML):\n";
    for (const SettingsTableText& table : settings_texts()) {
        text += "\n" + table.title + ":" + (table.help.empty() ? "" : " " + table.help) + "\n";
        for (const SettingsKeyText& key : table.keys) {
            text +=
                "  " + key.name + " (" + key.form + "; " + key.without_key + ")\n      " + key.help + "\n";
        }
    }
    return text + "\n" + file_name_help() + "\n";
}

std::string sample_settings() {
    std::string text = "# walferry's configuration. Every key is here; those behind a # may stay out.\n\n";
    for (const SettingsTable& table : settings_tables()) {
        text += table_title(table, false);
        for (const SettingsKey& key : settings_keys()) {
            if (std::string_view(key.spec.table) == table.name) text += sample_entry(key, key.spec.sample);
        }
    }
    return text + sample_store(StoreType::s3) + sample_store(StoreType::directory);
}

std::string compose_settings(const std::vector<ChosenKey>& keys, const std::vector<ChosenStore>& stores) {
    std::string text = "# walferry's configuration; it holds no secret. `walferry config` checks it.\n\n";
    for (const SettingsTable& table : settings_tables()) {
        const bool chosen = std::any_of(keys.begin(), keys.end(),
                                        [&](const ChosenKey& key) { return key.table == table.name; });
        text += table_title(table, chosen);
        for (const SettingsKey& key : settings_keys()) {
            if (std::string_view(key.spec.table) == table.name)
                text += sample_entry(key, chosen_value(keys, key.spec, false).c_str());
        }
    }
    for (std::size_t i = 0; i < stores.size(); ++i) text += compose_store(stores[i], i == 0);
    return text;
}

std::string show_settings(const Settings& settings, SettingsFormat format) {
    toml::table root;
    for (const SettingsKey& key : settings_keys()) {
        if (std::string_view(key.spec.table) == "retention" && !settings.retention.expires()) continue;
        toml::table* table = &root;
        if (*key.spec.table != '\0')
            table = root.insert(key.spec.table, toml::table{}).first->second.as_table();
        const auto show_member = Overloaded{
            [&](Negated<Settings> member) { show(*table, key.spec.name, !(settings.*(member.member))); },
            [&](auto member) { show(*table, key.spec.name, slot_of(settings, member)); },
        };
        std::visit(show_member, key.slot);
    }
    toml::array stores;
    for (const StoreSettings& store : settings.stores) stores.push_back(show_store(store));
    root.insert("store", std::move(stores));

    std::ostringstream out;
    if (format == SettingsFormat::json) {
        out << toml::json_formatter{root} << '\n';
    } else {
        out << "# " << settings.file << ", with defaults filled in\n" << toml::toml_formatter{root} << '\n';
    }
    return out.str();
}

}  // namespace walferry
