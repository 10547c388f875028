#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/settings/retention.hpp"
#include "common/settings/settings.hpp"

namespace walferry {

/// How one key is written, whatever it fills.
struct KeySpec {
    const char* table =
        "";  // "" for the keys at the top; within a store: the type it belongs to, "" for both
    const char* name = "";
    std::string (*rule)(std::string&) = nullptr;  // for texts, and for each text of a list
    std::int64_t least = 0;                       // for numbers; durations in milliseconds
    std::int64_t most = 0;
    bool required = false;
    bool with_unit = false;      // a time of days and more, which has to say its unit
    bool names_file = false;     // a relative name is looked for beside the credentials, then beside the file
    const char* fallback = "";   // as TOML; "" for none
    const char* otherwise = "";  // where there is no fallback: what holds without the key, in words
    const char* sample = "";     // as TOML, in force in the sample file; "" comments the key out there
    const char* sample_dir = "";  // the same for a directory store, where that differs
    const char* example = "";  // behind a comment sign in the sample file, where there is no fallback to show
    const char* help = "";     // one sentence
};

/// A boolean that is declared the other way round from the member it fills.
template <class Owner>
struct Negated {
    bool Owner::*member;
};

/// The member that a key fills.
using SettingsSlot =
    std::variant<std::string Settings::*, std::vector<std::string> Settings::*, int Settings::*,
                 std::chrono::milliseconds Settings::*, std::uint64_t Settings::*, Negated<Settings>,
                 StandbyRule Settings::*, int Retention::*, std::chrono::milliseconds Retention::*>;
using StoreSlot = std::variant<std::string StoreSettings::*, int StoreSettings::*, bool StoreSettings::*,
                               std::chrono::milliseconds StoreSettings::*, std::uint64_t StoreSettings::*,
                               Addressing StoreSettings::*, StoreType StoreSettings::*, int Retention::*,
                               std::chrono::milliseconds Retention::*>;

/// What a slot fills: a member of the settings themselves, or of their retention.
template <class Owner, class Member>
auto& slot_of(Owner& owner, Member member) {
    if constexpr (requires { owner.*member; })
        return owner.*member;
    else
        return owner.retention.*member;
}

struct SettingsKey {
    SettingsSlot slot;
    KeySpec spec;
};

struct StoreKey {
    StoreSlot slot;
    KeySpec spec;
};

/// Every key there is, in the order in which help and sample show them.
std::span<const SettingsKey> settings_keys();
std::span<const StoreKey> store_keys();

inline constexpr std::array<const char*, 2> store_type_names{"s3", "directory"};
inline constexpr std::array<const char*, 2> addressing_names{"path", "virtual"};
inline constexpr std::array<const char*, 2> standby_rule_names{"streaming", "strict"};
constexpr const char* store_type_name(StoreType type) {
    return store_type_names[static_cast<std::size_t>(type)];
}

/// The tables of settings_keys() in their order, with a sentence each.
struct SettingsTable {
    const char* name;
    const char* help;
    bool optional = false;  // it is left out where none of its keys is chosen: it may not stand there empty
};
std::span<const SettingsTable> settings_tables();

}  // namespace walferry
