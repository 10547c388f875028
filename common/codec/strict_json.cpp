#include "common/codec/strict_json.hpp"

#include <charconv>
#include <set>
#include <vector>

#include "common/error.hpp"

namespace walferry {

using Json = nlohmann::json;

bool is_utf8(const std::string& text) {
    try {
        return !Json(text).dump().empty();
    } catch (const Json::exception&) {
        return false;
    }
}

void StrictJson::refuse(const std::string& why) const {
    throw Error(ErrorKind::integrity, what + " is not valid: " + why, hint);
}

void StrictJson::require(bool condition, const char* field) const {
    if (!condition) refuse(std::string("its ") + field + " is malformed");
}

Json StrictJson::parse(std::string_view text) const {
    std::vector<std::set<std::string>> open;  // the fields of each object that is being read
    const auto watch = [&](int /*depth*/, Json::parse_event_t event, Json& parsed) {
        if (event == Json::parse_event_t::object_start) open.emplace_back();
        if (event == Json::parse_event_t::object_end) open.pop_back();
        if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second)
            refuse("a field stands in it twice");
        return true;
    };
    try {
        Json json = Json::parse(text, watch);
        if (!json.is_object()) refuse("it is not a JSON object");
        return json;
    } catch (const Json::exception&) {
        refuse("it is not JSON");
    }
}

const Json& StrictJson::field(const Json& object, const char* name) const {
    if (!object.is_object()) refuse(std::string("what should hold ") + name + " is no object");
    const auto found = object.find(name);
    if (found == object.end()) refuse(std::string(name) + " is missing");
    return *found;
}

const Json& StrictJson::array(const Json& object, const char* name) const {
    const Json& value = field(object, name);
    require(value.is_array(), name);
    return value;
}

std::uint64_t StrictJson::number(const Json& object, const char* name, std::uint64_t most) const {
    const Json& value = field(object, name);
    require(value.is_number_unsigned() && value.get<std::uint64_t>() <= most, name);
    return value.get<std::uint64_t>();
}

std::string StrictJson::text(const Json& object, const char* name) const {
    const Json& value = field(object, name);
    require(value.is_string(), name);
    return value.get<std::string>();
}

std::uint64_t StrictJson::decimal(const Json& object, const char* name) const {
    const std::string digits = text(object, name);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    require(error == std::errc() && std::to_string(value) == digits, name);
    return value;
}

}  // namespace walferry
