#include "common/settings/settings_values.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace walferry {
namespace {

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c);
}

bool only_alnum_and(std::string_view text, std::string_view extra) {
    return std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_alnum(c) || extra.find(c) != std::string_view::npos; });
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// Shown so that a person recognises the value, and cut so that a line stays readable.
std::string in_quotes(std::string_view value) {
    constexpr std::size_t longest = 60;
    const bool cut = value.size() > longest;
    return '"' + std::string(value.substr(0, longest)) + (cut ? "...\"" : "\"");
}

struct Endpoint {
    std::string_view scheme, host, port;
};

/// nullopt where the text has not the shape SCHEME://HOST[:PORT] with a port from 1 to 65535.
std::optional<Endpoint> split_endpoint(std::string_view text) {
    const auto mark = text.find("://");
    if (mark == std::string_view::npos) return std::nullopt;
    Endpoint parts{text.substr(0, mark), text.substr(mark + 3), {}};
    const auto bracket = parts.host.starts_with('[') ? parts.host.find(']') : 0;
    if (bracket == std::string_view::npos) return std::nullopt;
    const auto colon = parts.host.find(':', bracket);
    if (colon != std::string_view::npos) {
        parts.port = parts.host.substr(colon + 1);
        parts.host = parts.host.substr(0, colon);
        std::uint32_t port = 0;
        const char* end = parts.port.data() + parts.port.size();
        const auto read = std::from_chars(parts.port.data(), end, port);
        // Written with leading zeros it would not be what a Host header says.
        if (read.ec != std::errc() || read.ptr != end || port < 1 || port > 65535 ||
            parts.port.front() == '0')
            return std::nullopt;
    }
    return parts;
}

bool is_ipv4(std::string_view host) {
    in_addr address{};
    return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

bool is_ipv6(std::string_view host) {
    if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
    in6_addr address{};
    return inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &address) == 1;
}

/// Also spelled in full, and the IPv4 one in IPv6's form.
bool is_loopback_ipv6(std::string_view host) {
    if (!is_ipv6(host)) return false;
    in6_addr address{};
    inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &address);
    return IN6_IS_ADDR_LOOPBACK(&address) || (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
}

bool is_host_name(std::string_view host) {
    if (host.empty() || host.size() > 253 || !only_alnum_and(host, ".-")) return false;
    return is_alnum(host.front()) && is_alnum(host.back()) && host.find("..") == std::string_view::npos;
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

/// A whole number and one of the units, with at most one space between them.
std::optional<std::uint64_t> parse_number(std::string_view text, std::span<const Unit> units) noexcept {
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    if (text.starts_with(' ')) text.remove_prefix(1);
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == text; });
    std::uint64_t product = 0;
    if (unit == units.end() || __builtin_mul_overflow(number, unit->factor, &product)) return std::nullopt;
    return product;
}

constexpr std::size_t key_characters = 58;  // 32 bytes and a checksum in groups of five bits

/// The shape of a public key in Bech32 (BIP 173): NAME1 and characters of its alphabet.
bool is_bech32_key(std::string_view text, std::string_view name) {
    const std::string start = std::string(name) + "1";
    if (!text.starts_with(start) || text.size() != start.size() + key_characters) return false;
    text.remove_prefix(start.size());
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (is_lower(c) || is_digit(c)) && c != '1' && c != 'b' && c != 'i' && c != 'o';
    });
}

}  // namespace

namespace {

bool is_password(std::string_view keyword) {
    return keyword == "password" || keyword == "sslpassword";
}

bool uri_holds_password(std::string_view rest) {
    const std::size_t authority = std::min(rest.find_first_of("/?"), rest.size());
    const std::size_t at = rest.substr(0, authority).rfind('@');
    if (at != std::string_view::npos && rest.substr(0, at).find(':') != std::string_view::npos) return true;
    for (std::size_t mark = rest.find('?'); mark != std::string_view::npos; mark = rest.find('&', mark + 1)) {
        const std::string_view parameter = rest.substr(mark + 1);
        if (is_password(parameter.substr(0, parameter.find('=')))) return true;
    }
    return false;
}

/// As libpq reads "keyword = value" pairs. What it could not read counts where the word stands in it at all.
bool holds_password(std::string_view text) {
    const std::string_view whole = text;
    if (const auto scheme = text.find("://"); scheme < text.find_first_of("= "))
        return uri_holds_password(text.substr(scheme + 3));
    static constexpr std::string_view blank = " \t\r\n\f\v";
    const auto skip = [&] { text.remove_prefix(std::min(text.find_first_not_of(blank), text.size())); };
    for (skip(); !text.empty(); skip()) {
        const std::size_t end = std::min(text.find_first_of(" \t\r\n\f\v="), text.size());
        if (is_password(text.substr(0, end))) return true;
        text.remove_prefix(end);
        skip();
        if (!text.starts_with('=')) return whole.find("password") != std::string_view::npos;
        text.remove_prefix(1);
        skip();
        const bool in_quotes = text.starts_with('\'');
        std::size_t at = in_quotes ? 1 : 0;
        while (at < text.size() && text.substr(at).find_first_of(in_quotes ? "'" : blank) != 0)
            at += text[at] == '\\' ? 2 : 1;
        text.remove_prefix(std::min(at + (in_quotes ? 1 : 0), text.size()));
    }
    return false;
}

}  // namespace

namespace value_rule {

std::string short_name(std::string& value) {
    if (!value.empty() && value.size() <= 64 && is_alnum(value.front()) && only_alnum_and(value, "._-"))
        return {};
    return in_quotes(value) +
           " is no name; use at most 64 of A-Z a-z 0-9 . _ -, the first a letter or a digit";
}

std::string absolute_path(std::string& value) {
    if (!value.starts_with('/')) return in_quotes(value) + " is not an absolute path; start it with /";
    while (value.size() > 1 && value.back() == '/') value.pop_back();
    return file_name(value);
}

std::string file_name(std::string& value) {
    if (value.empty()) return "is empty; name a file, or leave the key out";
    if (has_control(value)) return "holds a control character; no path needs one";
    if (value.size() > 4000) return "is too long for a path";
    return {};
}

std::string endpoint(std::string& value) {
    // Not quoted where it may carry a password.
    if (value.find('@') != std::string::npos) {
        return "holds user information; keys belong into the credentials_file, the endpoint is "
               "https://HOST[:PORT]";
    }
    while (value.ends_with('/') && !value.ends_with("//")) value.pop_back();
    const std::string wanted = "; write https://HOST or https://HOST:PORT";
    if (!value.starts_with("https://") && !value.starts_with("http://")) {
        return in_quotes(value) + " starts with neither https:// nor http://" + wanted;
    }
    const std::string_view rest = std::string_view(value).substr(value.find("://") + 3);
    if (rest.find_first_of("/?#") != std::string_view::npos) {
        return in_quotes(value) + " has a path or a query; bucket and prefix have keys of their own" + wanted;
    }
    const auto parts = split_endpoint(value);
    if (!parts || !(is_host_name(parts->host) || is_ipv6(parts->host))) {
        return in_quotes(value) + " is not an endpoint" + wanted;
    }
    // DNS does not tell the cases apart, but a signature over the Host header does.
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return {};
}

std::string region(std::string& value) {
    if (!value.empty() && value.size() <= 64 && only_alnum_and(value, "-_")) return {};
    return in_quotes(value) +
           " is no region; use the provider's word for it, such as \"auto\" or \"us-east-1\"";
}

std::string bucket(std::string& value) {
    const bool fine =
        value.size() >= 3 && value.size() <= 63 &&
        std::all_of(value.begin(), value.end(),
                    [](char c) { return is_lower(c) || is_digit(c) || c == '.' || c == '-'; }) &&
        is_alnum(value.front()) && is_alnum(value.back()) && value.find("..") == std::string::npos;
    if (fine) return {};
    return in_quotes(value) +
           " is no bucket name; those are 3 to 63 of a-z 0-9 . -, with a letter or a digit at either end";
}

std::string prefix(std::string& value) {
    if (value.empty()) return {};
    if (value.size() > 512) return "is longer than 512 characters; an object's key must stay below 1024";
    if (!only_alnum_and(value, "/._-")) return in_quotes(value) + " may only hold A-Z a-z 0-9 . _ - and /";
    if (value.front() == '/' || value.back() == '/') {
        return in_quotes(value) +
               " has a slash at an end; leave it out, slashes between the parts are put in";
    }
    for (std::size_t from = 0; from <= value.size();) {
        const auto to = std::min(value.find('/', from), value.size());
        const std::string_view part = std::string_view(value).substr(from, to - from);
        if (part.empty() || part == "." || part == "..") {
            return in_quotes(value) +
                   " has an empty part, or one that is \".\" or \"..\"; give every part a name";
        }
        from = to + 1;
    }
    return {};
}

std::string recipient(std::string& value) {
    if (value.starts_with("ssh-"))
        return "an SSH key is no recipient here; `walferry keygen` makes an age1... one";
    if (is_bech32_key(value, "age")) return {};
    return in_quotes(value) +
           " is no recipient; paste the whole public key that `walferry keygen` or `age-keygen` printed "
           "(age1 and " +
           std::to_string(key_characters) + " more characters)";
}

std::string writer(std::string& value) {
    if (is_bech32_key(value, "walferry-writer")) return {};
    return in_quotes(value) +
           " is no writer's public key; paste the whole of what starts with walferry-writer1 (" +
           std::to_string(key_characters) + " more characters)";
}

std::string conninfo(std::string& value) {
    if (holds_password(value)) {
        return "holds a password; put it into ~/.pgpass or name a file with passfile=, or use peer "
               "authentication";
    }
    return has_control(value) ? "holds a control character; write it on one line" : "";
}

}  // namespace value_rule

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
    static constexpr std::array units{Unit{"ms", 1},     Unit{"s", 1000},     Unit{"", 1000},
                                      Unit{"m", 60'000}, Unit{"min", 60'000}, Unit{"h", 3'600'000}};
    const auto count = parse_number(text, units);
    if (!count || *count > static_cast<std::uint64_t>(std::chrono::milliseconds::max().count()))
        return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(*count));
}

std::optional<std::chrono::milliseconds> parse_period(std::string_view text) noexcept {
    static constexpr std::array units{Unit{"s", 1000}, Unit{"min", 60'000}, Unit{"h", 3'600'000},
                                      Unit{"d", 86'400'000}, Unit{"w", 7 * 86'400'000}};
    const auto count = parse_number(text, units);
    if (!count || *count > static_cast<std::uint64_t>(std::chrono::milliseconds::max().count()))
        return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(*count));
}

bool is_loopback_endpoint(std::string_view endpoint) {
    const auto parts = split_endpoint(endpoint);
    if (!parts) return false;
    return parts->host == "localhost" || parts->host.ends_with(".localhost") ||
           is_loopback_ipv6(parts->host) || (is_ipv4(parts->host) && parts->host.starts_with("127."));
}

bool is_address_endpoint(std::string_view endpoint) {
    const auto parts = split_endpoint(endpoint);
    return parts && (is_ipv4(parts->host) || is_ipv6(parts->host));
}

}  // namespace walferry
