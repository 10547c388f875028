#include "common/codec/signed_text.hpp"

#include <algorithm>

#include "common/bytes.hpp"
#include "common/codec/age/base64.hpp"
#include "common/error.hpp"

namespace walferry {

SignedText& SignedText::add(std::string_view value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes_ += static_cast<char>(value.size() >> shift & 0xff);
    bytes_ += value;
    return *this;
}

SignedText& SignedText::add(std::uint64_t value) {
    return add(std::string_view(std::to_string(value)));
}

std::string SignedText::sign(const WriterKey& writer) const {
    return base64_encode(writer.sign(as_bytes(bytes_)));
}

void SignedText::check(const std::string& writer, const std::string& signature,
                       const std::vector<std::string>& trusted_writers, const Refusal& refusal) const {
    if (signature.empty()) {
        if (trusted_writers.empty()) return;
        throw Error(ErrorKind::integrity, refusal.what + " is not signed", refusal.hint_unsigned);
    }
    const auto made = base64_decode(signature);
    if (!made || !verify_signature(writer, as_bytes(bytes_), *made)) {
        throw Error(ErrorKind::integrity, refusal.what + " carries a signature that does not fit",
                    refusal.hint_changed);
    }
    const bool trusted =
        std::find(trusted_writers.begin(), trusted_writers.end(), writer) != trusted_writers.end();
    if (!trusted_writers.empty() && !trusted) {
        throw Error(ErrorKind::integrity, refusal.what + " was signed by " + writer + ", who is not trusted",
                    "if that is a host of yours, add its public key to trusted_writers");
    }
}

}  // namespace walferry
