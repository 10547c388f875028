#include "common/store/credentials.hpp"

#include <algorithm>
#include <utility>

#include "common/error.hpp"

namespace walferry {
namespace {

constexpr const char* form =
    "the file must look like this: [default], then aws_access_key_id = … and aws_secret_access_key = … on "
    "lines of "
    "their own";

std::string_view trim(std::string_view text) {
    const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && space(text.front())) text.remove_prefix(1);
    while (!text.empty() && space(text.back())) text.remove_suffix(1);
    return text;
}

/// A value becomes part of a request header, so nothing but visible ASCII may be in it.
bool is_visible(std::string_view value) {
    return !value.empty() &&
           std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

[[noreturn]] void refuse(const std::string& file, int line, const std::string& reason) {
    throw Error(ErrorKind::config, "credentials file " + file + ":" + std::to_string(line) + ": " + reason,
                form);
}

}  // namespace

Credentials::Credentials(SecretText text, const std::string& file) : text_(std::move(text)) {
    std::string_view rest = text_.view();
    bool in_default = false;
    for (int number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = trim(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[') {
            if (line.back() != ']') refuse(file, number, "a section has no closing bracket");
            in_default = trim(line.substr(1, line.size() - 2)) == "default";
            continue;
        }
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos)
            refuse(file, number, "neither a section nor a key with a value");
        if (!in_default) continue;

        const std::string_view key = trim(line.substr(0, equals));
        const std::string_view value = trim(line.substr(equals + 1));
        std::string_view* field = key == "aws_access_key_id"       ? &access_key_
                                  : key == "aws_secret_access_key" ? &secret_key_
                                  : key == "aws_session_token"     ? &session_token_
                                                                   : nullptr;
        if (field == nullptr) continue;  // such as `region`, for other programs
        if (!field->empty()) refuse(file, number, std::string(key) + " stands here a second time");
        if (!is_visible(value))
            refuse(file, number, "the value of " + std::string(key) + " is empty or has blanks in it");
        *field = value;
    }
    for (const auto& [value, key] :
         {std::pair(access_key_, "aws_access_key_id"), std::pair(secret_key_, "aws_secret_access_key")}) {
        if (value.empty()) {
            throw Error(ErrorKind::config,
                        "credentials file " + file + ": no " + key + " in section [default]", form);
        }
    }
}

bool Credentials::operator==(const Credentials& other) const noexcept {
    return access_key_ == other.access_key_ && secret_key_ == other.secret_key_ &&
           session_token_ == other.session_token_;
}

}  // namespace walferry
