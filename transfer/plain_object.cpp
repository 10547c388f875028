#include "transfer/plain_object.hpp"

#include <algorithm>

#include "common/codec/digest.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry::transfer {

PlainObject::PlainObject(std::string text) : text_(std::move(text)) {
    Sha256 sha256;
    sha256.update(as_bytes(text_));
    digest_.sha256 = sha256.finish();
    Fingerprint checksum;
    checksum.update(as_bytes(text_));
    checksum_ = checksum.digits();
}

std::size_t PlainObject::read_at(std::uint64_t offset, MutableBytes out) const {
    const Bytes rest = as_bytes(text_).subspan(std::min<std::size_t>(offset, text_.size()));
    const std::size_t count = std::min(out.size(), rest.size());
    std::copy_n(rest.begin(), count, out.begin());
    return count;
}

}  // namespace walferry::transfer
