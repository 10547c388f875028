#include "host/setup/store_choice.hpp"

#include <algorithm>
#include <tuple>

#include "common/error.hpp"

namespace walferry::setup {
namespace {

std::pair<std::string, std::string> split_name(const std::string& option, const std::string& text,
                                               const char* form) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
        throw Error(ErrorKind::usage, option + ": \"" + text + "\" is not NAME=" + form);
    return {text.substr(0, equals), text.substr(equals + 1)};
}

std::vector<std::string> labels_of(const std::string& endpoint) {
    const std::size_t begin = endpoint.find("://");
    std::string host = begin == std::string::npos ? endpoint : endpoint.substr(begin + 3);
    host.resize(std::min(host.find_first_of(":/"), host.size()));
    std::vector<std::string> labels;
    for (std::size_t at = 0; at <= host.size();) {
        const std::size_t dot = std::min(host.find('.', at), host.size());
        labels.push_back(host.substr(at, dot - at));
        at = dot + 1;
    }
    return labels;
}

}  // namespace

StoreChoice parse_s3_choice(const std::string& text) {
    static constexpr const char* form = "https://HOST/BUCKET, with /PREFIX behind it where you want one";
    const auto [name, url] = split_name("--s3", text, form);
    const std::size_t host = url.find("://");
    const std::size_t slash = host == std::string::npos ? host : url.find('/', host + 3);
    if (slash == std::string::npos || slash + 1 == url.size())
        throw Error(ErrorKind::usage, "--s3: \"" + url + "\" is not " + form);
    StoreChoice store;
    store.name = name;
    store.endpoint = url.substr(0, slash);
    const std::string rest = url.substr(slash + 1);
    store.bucket = rest.substr(0, rest.find('/'));
    if (store.bucket.size() < rest.size()) store.prefix = rest.substr(store.bucket.size() + 1);
    while (store.prefix.ends_with('/')) store.prefix.pop_back();
    store.region = region_of(store.endpoint);
    return store;
}

StoreChoice parse_directory_choice(const std::string& text) {
    StoreChoice store;
    store.type = StoreType::directory;
    std::tie(store.name, store.path) = split_name("--directory", text, "/PATH");
    return store;
}

std::string region_of(const std::string& endpoint) {
    const std::vector<std::string> labels = labels_of(endpoint);
    const std::size_t count = labels.size();
    if (endpoint.find(".r2.cloudflarestorage.com") != std::string::npos) return "auto";
    if (count >= 4 && labels[0] == "s3")
        return labels[1];  // s3.REGION.backblazeb2.com, s3.REGION.amazonaws.com
    if (count == 3 && labels[1].find("objectstorage") != std::string::npos) return labels[0];
    if (count == 3 && labels[1].find("spaces") != std::string::npos) return labels[0];
    return "us-east-1";
}

std::pair<StoreChoice*, std::string> for_store(std::vector<StoreChoice>& stores, const std::string& option,
                                               const std::string& text) {
    auto [name, value] = split_name(option, text, "VALUE");
    for (StoreChoice& store : stores) {
        if (store.name == name) return {&store, std::move(value)};
    }
    throw Error(ErrorKind::usage, option + ": no --s3 or --directory is called \"" + name + "\"");
}

ChosenStore chosen_store(const StoreChoice& store, const std::string& credentials_file) {
    ChosenStore chosen{store.type, {}};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) chosen.keys.push_back({"", name, {value}, false});
    };
    add("name", store.name);
    add("type", store.type == StoreType::s3 ? "s3" : "directory");
    if (store.type == StoreType::directory) {
        add("path", store.path);
        return chosen;
    }
    add("endpoint", store.endpoint);
    add("region", store.region);
    add("bucket", store.bucket);
    add("prefix", store.prefix);
    add("credentials_file", credentials_file);
    add("ca_file", store.ca_file);
    return chosen;
}

}  // namespace walferry::setup
