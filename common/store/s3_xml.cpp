#include "common/store/s3_xml.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <new>
#include <pugixml.hpp>
#include <utility>

#include "common/error.hpp"

namespace walferry {
namespace {

// Only what S3 uses: no document types, so no entities beyond XML's own five and character references.
constexpr unsigned parse_flags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol;

/// Servers differ in whether they name S3's namespace by default or with a prefix.
std::string_view local_name(const pugi::xml_node& node) {
    const std::string_view name = node.name();
    const std::size_t colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string child_text(const pugi::xml_node& parent, std::string_view name) {
    for (const pugi::xml_node& child : parent.children()) {
        if (local_name(child) == name) return child.text().get();
    }
    return {};
}

bool load(pugi::xml_document& document, std::string_view text) {
    return static_cast<bool>(
        document.load_buffer(text.data(), text.size(), parse_flags, pugi::encoding_utf8));
}

/// encoding-type=url: percent signs, and a plus for a space.
std::string url_decoded(std::string text) {
    std::replace(text.begin(), text.end(), '+', ' ');
    int size = 0;
    const std::unique_ptr<char, decltype(&curl_free)> decoded(
        curl_easy_unescape(nullptr, text.c_str(), static_cast<int>(text.size()), &size), &curl_free);
    if (!decoded) throw std::bad_alloc();
    return {decoded.get(), static_cast<std::size_t>(size)};
}

[[noreturn]] void refuse(const std::string& doing, const std::string& reason) {
    throw Error(ErrorKind::server_error, doing + ": the listing makes no sense: " + reason,
                "is an S3 server at `endpoint`, and no proxy or web page in its stead?");
}

std::string parse_key(const pugi::xml_node& node, const char* name, bool url_encoded) {
    std::string key = child_text(node, name);
    return url_encoded ? url_decoded(std::move(key)) : key;
}

/// "2026-01-31T09:05:07.123Z"; some servers leave out the fraction.
std::optional<WallTime> parse_modified(std::string text) {
    if (text.size() == std::string_view("2026-01-31T09:05:07Z").size() && text.ends_with('Z'))
        text.insert(text.size() - 1, ".000");
    return parse_time(text);
}

ObjectInfo parse_object(const pugi::xml_node& node, bool url_encoded, const std::string& doing) {
    ObjectInfo object;
    object.key = parse_key(node, "Key", url_encoded);
    if (object.key.empty()) refuse(doing, "an object without a key");
    const std::string size = child_text(node, "Size");
    const auto parsed = std::from_chars(size.data(), size.data() + size.size(), object.size);
    if (parsed.ec != std::errc() || parsed.ptr != size.data() + size.size())
        refuse(doing, "an object without a size");
    object.modified = parse_modified(child_text(node, "LastModified"));
    return object;
}

ObjectVersion parse_version(const pugi::xml_node& node, bool url_encoded, const std::string& doing) {
    ObjectVersion version;
    version.delete_marker = local_name(node) == "DeleteMarker";
    if (version.delete_marker) {
        version.key = parse_key(node, "Key", url_encoded);
        version.modified = parse_modified(child_text(node, "LastModified"));
    } else {
        ObjectInfo object = parse_object(node, url_encoded, doing);
        version.key = std::move(object.key);
        version.size = object.size;
        version.modified = object.modified;
    }
    version.id = child_text(node, "VersionId");
    version.latest = child_text(node, "IsLatest") == "true";
    if (version.key.empty() || version.id.empty()) refuse(doing, "a version without a key or an id");
    return version;
}

/// Whether more follows; the document's root is one of that name.
bool parse_truncated(const pugi::xml_node& root, std::string_view name, const std::string& doing) {
    if (local_name(root) != name) refuse(doing, "no " + std::string(name));
    const std::string truncated = child_text(root, "IsTruncated");
    if (truncated != "true" && truncated != "false") refuse(doing, "it does not say whether more follows");
    return truncated == "true";
}

}  // namespace

std::optional<S3ErrorBody> parse_error_body(std::string_view text) {
    pugi::xml_document document;
    if (!load(document, text)) return std::nullopt;
    const pugi::xml_node root = document.document_element();
    if (local_name(root) != "Error") return std::nullopt;
    return S3ErrorBody{child_text(root, "Code"), child_text(root, "Message"), child_text(root, "Region"),
                       child_text(root, "Endpoint"), child_text(root, "ServerTime")};
}

ObjectPage parse_listing(std::string_view text, const std::string& prefix, const std::string& start_after,
                         const std::string& doing) {
    pugi::xml_document document;
    if (!load(document, text)) refuse(doing, "no XML");
    const pugi::xml_node root = document.document_element();
    ObjectPage page;
    page.more = parse_truncated(root, "ListBucketResult", doing);
    const bool url_encoded = child_text(root, "EncodingType") == "url";
    for (const pugi::xml_node& node : root.children()) {
        if (local_name(node) != "Contents") continue;
        ObjectInfo object = parse_object(node, url_encoded, doing);
        if (!object.key.starts_with(prefix)) refuse(doing, "a key that was not asked for");
        const std::string& previous = page.objects.empty() ? start_after : page.objects.back().key;
        if (object.key <= previous && !previous.empty()) refuse(doing, "keys out of order");
        page.objects.push_back(std::move(object));
    }
    if (page.more && page.objects.empty()) refuse(doing, "it is empty and says that more follows");
    return page;
}

VersionPage parse_versions(std::string_view text, const std::string& prefix, const VersionMarker& begin,
                           const std::string& doing) {
    pugi::xml_document document;
    if (!load(document, text)) refuse(doing, "no XML");
    const pugi::xml_node root = document.document_element();
    VersionPage page;
    page.more = parse_truncated(root, "ListVersionsResult", doing);
    const bool url_encoded = child_text(root, "EncodingType") == "url";
    for (const pugi::xml_node& node : root.children()) {
        if (local_name(node) != "Version" && local_name(node) != "DeleteMarker") continue;
        ObjectVersion version = parse_version(node, url_encoded, doing);
        if (!version.key.starts_with(prefix)) refuse(doing, "a key that was not asked for");
        page.versions.push_back(std::move(version));
    }
    // Some servers give the markers of a key behind its versions, others by time.
    std::stable_sort(page.versions.begin(), page.versions.end(),
                     [](const ObjectVersion& a, const ObjectVersion& b) { return a.key < b.key; });
    if (!page.versions.empty() && page.versions.front().key < begin.key) refuse(doing, "keys out of order");
    if (!page.more) return page;
    page.next_key = parse_key(root, "NextKeyMarker", url_encoded);
    page.next_id = child_text(root, "NextVersionIdMarker");
    const bool onward = page.next_key > begin.key || (page.next_key == begin.key && page.next_id != begin.id);
    if (page.versions.empty() || !onward) refuse(doing, "it says that more follows, and not where");
    return page;
}

}  // namespace walferry
