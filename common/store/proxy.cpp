#include "common/store/proxy.hpp"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

namespace walferry {
namespace {

std::string_view host_of(std::string_view url) {
    url.remove_prefix(std::min(url.size(), url.find("://") + 3));
    url = url.substr(0, url.find_first_of("/?"));
    if (url.starts_with('[')) return url.substr(1, url.find(']') - 1);
    return url.substr(0, url.find(':'));
}

/// no_proxy: names and their domains, separated by commas or blanks; "*" stands for all.
bool exempted(std::string_view host, std::string_view list) {
    while (!list.empty()) {
        const std::size_t end = std::min(list.size(), list.find_first_of(", "));
        std::string_view name = list.substr(0, end);
        list.remove_prefix(std::min(list.size(), end + 1));
        if (name == "*") return true;
        if (name.starts_with('.')) name.remove_prefix(1);
        if (name.empty() || !host.ends_with(name)) continue;
        if (host.size() == name.size() || host[host.size() - name.size() - 1] == '.') return true;
    }
    return false;
}

std::string without_login(const std::string& proxy) {
    const std::size_t scheme = proxy.find("://");
    const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
    const std::size_t at = proxy.rfind('@');
    return at == std::string::npos || at < begin ? proxy : proxy.substr(0, begin) + proxy.substr(at + 1);
}

std::string first_set(std::initializer_list<const char*> names, const Environment& environment,
                      std::string& value) {
    for (const char* name : names) {
        value = environment(name);
        if (!value.empty()) return name;
    }
    return {};
}

}  // namespace

std::string process_environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

std::string proxy_for(std::string_view url, const Environment& environment) {
    std::string value;
    first_set({"no_proxy", "NO_PROXY"}, environment, value);
    if (exempted(host_of(url), value)) return {};
    // HTTP_PROXY in capitals is no setting: a web server passes the header Proxy: under that name.
    const std::string name =
        url.starts_with("https:")
            ? first_set({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}, environment, value)
            : first_set({"http_proxy", "all_proxy", "ALL_PROXY"}, environment, value);
    if (name.empty()) return {};
    return without_login(value) + ", which " + name + " in the environment names";
}

std::string by_way_of_proxy(std::string_view url) {
    const std::string proxy = proxy_for(url, process_environment);
    return proxy.empty() ? std::string() : " (by way of the proxy " + proxy + ")";
}

}  // namespace walferry
