#include "tests/fault/model/contents.hpp"

#include <openssl/sha.h>

#include <array>

// Not the program's own code: what it writes into names is compared with what this finds.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tests/wal_file.hpp"

namespace walferry::test::model {
namespace {

std::string digits(const unsigned char* bytes, std::size_t size) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += hex[bytes[i] >> 4];
        text += hex[bytes[i] & 15];
    }
    return text;
}

std::string fingerprint_of(const std::string& bytes) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
    return digits(canonical.digest, sizeof canonical.digest);
}

std::string bytes_of(std::uint64_t system_identifier, const std::string& name, unsigned variant) {
    if (name.ends_with(".history"))
        return "1\t0/" + std::to_string(variant) + "000000\tno recovery target specified\n";
    if (name.ends_with(".backup")) return "LABEL: backup number " + std::to_string(variant) + "\n";
    WalFile wal;
    wal.name = name;
    wal.system_identifier = system_identifier;
    wal.seed = variant + 1;
    // Mostly zeros, as after a switch, so that walks are quick; every eighth is noise throughout.
    wal.zero_tail = name[23] == '7' ? 0 : 0.99;
    return wal.bytes();
}

}  // namespace

std::string sha256_of(const std::string& bytes) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash.data());
    return digits(hash.data(), hash.size());
}

int Contents::number(std::uint64_t system_identifier, const std::string& name, unsigned variant) {
    const std::string key = std::to_string(system_identifier) + "/" + name + "/" + std::to_string(variant);
    const auto [at, fresh] = by_variant_.emplace(key, static_cast<int>(all_.size()));
    if (!fresh) return at->second;
    Content content;
    content.system_identifier = system_identifier;
    content.name = name;
    content.variant = variant;
    content.bytes = bytes_of(system_identifier, name, variant);
    content.sha256 = sha256_of(content.bytes);
    content.fingerprint = fingerprint_of(content.bytes);
    by_label_[content.label()] = at->second;
    by_sha256_[content.directory() + "/" + name + "/" + content.sha256] = at->second;
    all_.push_back(std::move(content));
    return at->second;
}

int Contents::find(const std::string& directory, const std::string& name, const std::string& sha256) const {
    const auto at = by_sha256_.find(directory + "/" + name + "/" + sha256);
    return at == by_sha256_.end() ? -1 : at->second;
}

int Contents::labelled(const std::string& label) const {
    const auto at = by_label_.find(label);
    return at == by_label_.end() ? -1 : at->second;
}

}  // namespace walferry::test::model
