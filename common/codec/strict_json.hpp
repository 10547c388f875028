#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace walferry {

/// Whether JSON can hold the text as it is.
bool is_utf8(const std::string& text);

/// What somebody else wrote, read without any leniency: throws integrity naming `what` ("the object's
/// envelope"), the field, and `hint`.
struct StrictJson {
    std::string what;
    std::string hint;

    [[noreturn]] void refuse(const std::string& why) const;
    void require(bool condition, const char* field) const;

    /// Refuses anything but an object, and a field that stands twice, of which JSON readers may take the one
    /// or the other.
    nlohmann::json parse(std::string_view text) const;

    // The fields of an object, each of which must be there.
    const nlohmann::json& field(const nlohmann::json& object, const char* name) const;
    const nlohmann::json& array(const nlohmann::json& object, const char* name) const;
    std::uint64_t number(const nlohmann::json& object, const char* name, std::uint64_t most) const;
    std::string text(const nlohmann::json& object, const char* name) const;
    /// A number in decimal, as text, because JSON readers lose the last digits of large ones.
    std::uint64_t decimal(const nlohmann::json& object, const char* name) const;
};

}  // namespace walferry
