#include "restore/backup_manifest.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/codec/digest.hpp"
#include "common/error.hpp"

namespace walferry::restore {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& why) {
    throw Error(ErrorKind::integrity, "the backup's manifest is not valid: " + why,
                "use another backup: `walferry backups` lists them");
}

/// The last line is the checksum of everything before it.
void check_own_checksum(std::string_view text) {
    if (text.size() < 2 || !text.ends_with('\n')) refuse("its last line is cut short");
    const std::size_t end = text.rfind('\n', text.size() - 2);
    if (end == std::string_view::npos) refuse("it has one line only");
    Sha256 digest;
    digest.update(as_bytes(text.substr(0, end + 1)));
    if (text.substr(end + 1) != "\"Manifest-Checksum\": \"" + hex(digest.finish()) + "\"}\n")
        refuse("its checksum does not fit");
}

std::string text_of(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_string()) refuse(std::string("a file's ") + name + " is missing");
    return found->get<std::string>();
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// For names that are not UTF-8.
std::string decode_path(const std::string& digits) {
    std::string path;
    if (digits.size() % 2 != 0) refuse("an encoded path is malformed");
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const int high = hex_value(digits[i]);
        const int low = hex_value(digits[i + 1]);
        if (high < 0 || low < 0) refuse("an encoded path is malformed");
        path += static_cast<char>(high * 16 + low);
    }
    return path;
}

ManifestFile file_of(const Json& json) {
    ManifestFile file;
    file.path = json.contains("Path") ? text_of(json, "Path") : decode_path(text_of(json, "Encoded-Path"));
    if (!stays_inside(file.path)) refuse("the path \"" + file.path + "\" leads out of the data directory");
    const auto size = json.find("Size");
    if (size == json.end() || !size->is_number_unsigned()) refuse("the size of " + file.path + " is missing");
    file.size = size->get<std::uint64_t>();
    if (!json.contains("Checksum-Algorithm") && !json.contains("Checksum")) return file;
    const auto algorithm = parse_checksum_algorithm(text_of(json, "Checksum-Algorithm"));
    if (!algorithm) refuse("this version of walferry does not know the checksum of " + file.path);
    file.algorithm = *algorithm;
    file.checksum = text_of(json, "Checksum");
    if (!is_lower_hex(file.checksum, 2 * checksum_size(*algorithm)))
        refuse("the checksum of " + file.path + " is malformed");
    return file;
}

/// Files become entries as they go by: a document of hundreds of thousands would fill the memory.
struct Collector {
    std::vector<ManifestFile>& files;
    std::string key;  // at the top

    bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
        if (event == Json::parse_event_t::key && depth == 1) key = parsed.get<std::string>();
        if (event != Json::parse_event_t::object_end || depth != 2 || key != "Files") return true;
        files.push_back(file_of(parsed));
        return false;
    }
};

void check_version(const Json& json) {
    if (!json.is_object()) refuse("it is not a JSON object");
    const auto version = json.find("PostgreSQL-Backup-Manifest-Version");
    if (version == json.end() || !version->is_number_unsigned()) refuse("it names no version");
    if (const auto number = version->get<std::uint64_t>(); number != 1 && number != 2)
        refuse("this version of walferry does not know its version " + std::to_string(number));
}

void sort_by_path(std::vector<ManifestFile>& files) {
    std::sort(files.begin(), files.end(),
              [](const ManifestFile& a, const ManifestFile& b) { return a.path < b.path; });
    const auto twice =
        std::adjacent_find(files.begin(), files.end(),
                           [](const ManifestFile& a, const ManifestFile& b) { return a.path == b.path; });
    if (twice != files.end()) refuse(twice->path + " stands in it twice");
}

}  // namespace

bool stays_inside(std::string_view path) noexcept {
    if (path.empty() || path.size() > 4000 || path.find('\0') != std::string_view::npos) return false;
    for (;;) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        if (part.empty() || part == "." || part == "..") return false;
        if (slash == std::string_view::npos) return true;
        path.remove_prefix(slash + 1);
    }
}

BackupManifest BackupManifest::parse(std::string_view text) {
    check_own_checksum(text);
    BackupManifest manifest;
    Collector collector{manifest.files, {}};
    Json json;
    try {
        json = Json::parse(text, Json::parser_callback_t(std::ref(collector)));
    } catch (const Json::exception&) {
        refuse("it is not JSON");
    }
    check_version(json);
    if (const auto sysid = json.find("System-Identifier"); sysid != json.end()) {
        if (!sysid->is_number_unsigned()) refuse("its system identifier is malformed");
        manifest.system_identifier = sysid->get<std::uint64_t>();
    }
    if (manifest.files.empty()) refuse("it names no files");
    sort_by_path(manifest.files);
    return manifest;
}

const ManifestFile* BackupManifest::find(std::string_view path) const {
    const auto found = std::lower_bound(
        files.begin(), files.end(), path,
        [](const ManifestFile& file, std::string_view wanted) { return file.path < wanted; });
    return found != files.end() && found->path == path ? &*found : nullptr;
}

}  // namespace walferry::restore
