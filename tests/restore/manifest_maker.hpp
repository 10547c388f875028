#pragma once
#include <map>
#include <string>

#include "common/codec/digest.hpp"
#include "restore/file_checksum.hpp"

namespace walferry::test {

using namespace restore;

inline std::string crc32c_of(const std::string& content) {
    FileChecksum checksum(ChecksumAlgorithm::crc32c);
    checksum.update(as_bytes(content));
    return checksum.digits();
}

/// `files` as they stand between the brackets, with the checksum at the end.
inline std::string manifest_of(const std::string& files, const std::string& more = "") {
    std::string text = "{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n" + more + "\"Files\": [\n" + files +
                       "],\n\"WAL-Ranges\": [\n{ \"Timeline\": 1, \"Start-LSN\": \"0/2000028\", \"End-LSN\": "
                       "\"0/2000100\" }\n],\n";
    Sha256 digest;
    digest.update(as_bytes(text));
    return text + "\"Manifest-Checksum\": \"" + hex(digest.finish()) + "\"}\n";
}

inline std::string manifest_line(const std::string& path, const std::string& content) {
    return "{ \"Path\": \"" + path + "\", \"Size\": " + std::to_string(content.size()) +
           ", \"Last-Modified\": \"2026-11-24 12:00:00 GMT\", \"Checksum-Algorithm\": \"CRC32C\", "
           "\"Checksum\": \"" +
           crc32c_of(content) + "\" }";
}

inline std::string manifest_of(const std::map<std::string, std::string>& files) {
    std::string lines;
    for (const auto& [path, content] : files)
        lines += (lines.empty() ? "" : ",\n") + manifest_line(path, content);
    return manifest_of(lines);
}

}  // namespace walferry::test
