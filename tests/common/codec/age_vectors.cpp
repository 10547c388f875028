#include "tests/common/codec/age_vectors.hpp"

#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "common/bytes.hpp"
#include "common/codec/age/base64.hpp"
#include "tests/places.hpp"
#include "tests/temp_dir.hpp"

namespace walferry::test {
namespace {

namespace fs = std::filesystem;

std::string inflated(const std::string& packed) {
    z_stream zlib{};
    if (inflateInit(&zlib) != Z_OK) throw std::runtime_error("inflateInit");
    std::string out;
    std::vector<char> piece(1 << 20);
    std::string in = packed;
    zlib.next_in = reinterpret_cast<Bytef*>(in.data());
    zlib.avail_in = static_cast<uInt>(in.size());
    int result = Z_OK;
    while (result == Z_OK) {
        zlib.next_out = reinterpret_cast<Bytef*>(piece.data());
        zlib.avail_out = static_cast<uInt>(piece.size());
        result = inflate(&zlib, Z_NO_FLUSH);
        out.append(piece.data(), piece.size() - zlib.avail_out);
    }
    inflateEnd(&zlib);
    if (result != Z_STREAM_END) throw std::runtime_error("a vector does not inflate");
    return out;
}

AgeVector parse_vector(const std::string& name, const std::string& text) {
    AgeVector vector;
    vector.name = name;
    const std::size_t end = text.find("\n\n");
    vector.file = text.substr(end + 2);
    std::istringstream lines(text.substr(0, end));
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.find(": ");
        const std::string key = line.substr(0, colon);
        const std::string value = line.substr(colon + 2);
        if (key == "expect") vector.expect = value;
        if (key == "payload") vector.payload_sha256 = value;
        if (key == "identity") vector.identities.push_back(value);
        if (key == "identity" && value.rfind("AGE-SECRET-KEY-1", 0) != 0) vector.supported = false;
        if (key == "passphrase" || key == "armored") vector.supported = false;
        if (key == "compressed") vector.file = inflated(vector.file);
    }
    return vector;
}

std::vector<AgeVector> from_directory(const fs::path& directory) {
    std::vector<AgeVector> vectors;
    for (const auto& entry : fs::directory_iterator(directory)) {
        vectors.push_back(parse_vector(entry.path().filename(), read_file(entry.path())));
    }
    return vectors;
}

/// The package is one script: a comment with each vector's path, then its bytes in base64.
std::vector<AgeVector> from_npm(const fs::path& script) {
    const std::string text = read_file(script);
    const std::string path = "\n// ../testdata/";
    const std::string open = "__toBinary(\"";
    std::vector<AgeVector> vectors;
    for (std::size_t at = text.find(path); at != std::string::npos; at = text.find(path, at + 1)) {
        const std::size_t name = at + path.size();
        const std::size_t data = text.find(open, at) + open.size();
        std::string base64 = text.substr(data, text.find('"', data) - data);
        while (!base64.empty() && base64.back() == '=') base64.pop_back();
        const auto bytes = base64_decode(base64);
        if (!bytes) throw std::runtime_error("cannot read " + script.string());
        vectors.push_back(
            parse_vector(text.substr(name, text.find('\n', name) - name), std::string(as_text(*bytes))));
    }
    return vectors;
}

}  // namespace

std::vector<AgeVector> load_age_vectors(std::string& where) {
    const fs::path root = source_file(".");
    const char* named = std::getenv("WALFERRY_VECTORS");
    const fs::path directory = named != nullptr ? fs::path(named) / "age" : root / "../shared/vectors/age";
    if (fs::is_directory(directory)) {
        where = directory.lexically_normal();
        return from_directory(directory);
    }
    for (const fs::path& modules : {root / "node_modules", fs::path("/usr/lib/node_modules"),
                                    fs::path("/usr/local/lib/node_modules")}) {
        const fs::path script = modules / "cctv-age/index.js";
        if (!fs::exists(script)) continue;
        where = script.lexically_normal();
        return from_npm(script);
    }
    where = "$WALFERRY_VECTORS/age, ../shared/vectors/age and the npm package cctv-age";
    return {};
}

}  // namespace walferry::test
