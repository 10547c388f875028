#include "common/settings/settings_value_reader.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "common/settings/settings_values.hpp"
#include "common/size_text.hpp"

namespace walferry {
namespace {

std::string kind_of(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::string:
            return "a text";
        case toml::node_type::integer:
            return "a whole number";
        case toml::node_type::floating_point:
            return "a number with a fraction";
        case toml::node_type::boolean:
            return "true or false";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::table:
            return "a table";
        default:
            return "a date or time";
    }
}

std::string must_be(const std::string& wanted, const toml::node& node) {
    return "must be " + wanted + ", not " + kind_of(node);
}

/// Somebody's private key in the wrong place: said without showing it.
bool holds_secret_key(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text.find("AGE-SECRET-KEY-") != std::string::npos ||
           text.find("WALFERRY-WRITER-KEY-") != std::string::npos;
}

std::string take_text(std::string text, const KeySpec& spec, std::string& out) {
    if (holds_secret_key(text)) {
        return "is a secret key; keep it in a file of mode 0600 that identity_file names, and use the public "
               "key here";
    }
    if (spec.rule) {
        if (std::string problem = spec.rule(text); !problem.empty()) return problem;
    }
    out = std::move(text);
    return {};
}

std::string resolve(const std::string& name, const FileNameBase& base) {
    if (name.starts_with('/')) return name;
    if (!base.credentials_directory.empty()) {
        // systemd names the files of a folder so: FOLDER_FILE for what is FOLDER/FILE here.
        std::string flat = name;
        std::replace(flat.begin(), flat.end(), '/', '_');
        std::string candidate = base.credentials_directory + "/" + flat;
        if (::access(candidate.c_str(), F_OK) == 0) return candidate;
    }
    return base.folder + "/" + name;
}

std::string range_of(const KeySpec& spec, const char* unit) {
    return std::to_string(spec.least) + unit + " to " + std::to_string(spec.most) + unit;
}

template <class Enum>
std::string take_choice(const toml::node& node, std::span<const char* const> names, Enum& out) {
    std::string wanted;
    for (std::size_t i = 0; i < names.size(); ++i) {
        wanted += std::string(i == 0 ? "\"" : " or \"") + names[i] + "\"";
        if (node.is_string() && node.as_string()->get() == names[i]) {
            out = static_cast<Enum>(i);
            return {};
        }
    }
    if (!node.is_string()) return must_be(wanted, node);
    std::string written;
    if (std::string problem = take_text(node.as_string()->get(), {}, written); !problem.empty())
        return problem;
    return "must be " + wanted + ", not \"" + written.substr(0, 60) + "\"";
}

/// "30m" may be meant as months, and 30 as days: both are refused.
std::string take_period(const toml::node& node, const KeySpec& spec, std::chrono::milliseconds& out) {
    const std::string wanted = "a time with its unit, such as \"30d\" (s, min, h, d or w)";
    if (!node.is_string()) return must_be(wanted, node);
    const auto time = parse_period(node.as_string()->get());
    if (!time) return "must be " + wanted;
    if (time->count() < spec.least || time->count() > spec.most)
        return "must be " + wanted + ", from 1s to 36500d";
    out = *time;
    return {};
}

}  // namespace

std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base, std::string& out) {
    if (!node.is_string()) return must_be("a text in quotes", node);
    std::string problem = take_text(node.as_string()->get(), spec, out);
    if (problem.empty() && spec.names_file) out = resolve(out, base);
    return problem;
}

std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase&,
                 std::vector<std::string>& out) {
    if (!node.is_array()) return must_be("a list of texts: [\"...\", \"...\"]", node);
    std::vector<std::string> items;
    for (const toml::node& item : *node.as_array()) {
        if (!item.is_string()) return must_be("a list of texts", node) + " that holds " + kind_of(item);
        std::string text;
        if (std::string problem = take_text(item.as_string()->get(), spec, text); !problem.empty()) {
            return "entry " + std::to_string(items.size() + 1) + ": " + problem;
        }
        if (std::find(items.begin(), items.end(), text) != items.end()) {
            return "entry " + std::to_string(items.size() + 1) + " is there twice; leave one out";
        }
        items.push_back(std::move(text));
    }
    out = std::move(items);
    return {};
}

std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase&, int& out) {
    const std::string wanted = "a whole number from " + range_of(spec, "");
    if (!node.is_integer()) return must_be(wanted, node);
    const std::int64_t number = node.as_integer()->get();
    if (number < spec.least || number > spec.most)
        return "must be " + wanted + ", not " + std::to_string(number);
    out = static_cast<int>(number);
    return {};
}

std::string take(const toml::node& node, const KeySpec&, const FileNameBase&, bool& out) {
    if (!node.is_boolean()) return must_be("true or false without quotes", node);
    out = node.as_boolean()->get();
    return {};
}

std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase&,
                 std::chrono::milliseconds& out) {
    if (spec.with_unit) return take_period(node, spec, out);
    const std::string wanted = "a time such as \"5s\" or \"500ms\", from " + range_of(spec, "ms");
    if (!node.is_string() && !node.is_integer()) return must_be(wanted, node);
    const auto time =
        parse_duration(node.is_string() ? node.as_string()->get() : std::to_string(node.as_integer()->get()));
    if (!time || time->count() < spec.least || time->count() > spec.most) return "must be " + wanted;
    out = *time;
    return {};
}

std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase&, std::uint64_t& out) {
    const std::string wanted =
        "bytes per second, such as \"10MiB\" or 10000000: 0, or from " + range_of(spec, "");
    if (!node.is_string() && !node.is_integer()) return must_be(wanted, node);
    std::string text = node.is_string() ? node.as_string()->get() : std::to_string(node.as_integer()->get());
    if (text.ends_with("/s")) text.resize(text.size() - 2);
    const std::optional<std::uint64_t> count = parse_size(text);
    const bool in_range = count && *count >= static_cast<std::uint64_t>(spec.least) &&
                          *count <= static_cast<std::uint64_t>(spec.most);
    if (!count || (*count != 0 && !in_range)) return "must be " + wanted;
    out = *count;
    return {};
}

std::string take(const toml::node& node, const KeySpec&, const FileNameBase&, Addressing& out) {
    return take_choice(node, addressing_names, out);
}

std::string take(const toml::node& node, const KeySpec&, const FileNameBase&, StandbyRule& out) {
    return take_choice(node, standby_rule_names, out);
}

std::string take(const toml::node& node, const KeySpec&, const FileNameBase&, StoreType& out) {
    return take_choice(node, store_type_names, out);
}

}  // namespace walferry
