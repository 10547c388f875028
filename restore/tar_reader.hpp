#pragma once
#include <cstdint>
#include <string>

#include "common/bytes.hpp"

namespace walferry::restore {

/// Bytes in order, from whoever brings them.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    /// The next bytes, valid until the next call; none at the end. May throw Error.
    virtual Bytes next() = 0;
};

struct TarEntry {
    enum class Kind { file, directory, link };

    Kind kind = Kind::file;
    std::string path;  // stays inside, without a slash at its end
    std::uint64_t size = 0;
    unsigned mode = 0;   // permission bits
    std::string target;  // of a symbolic link
};

/// What is made of a tar. A file's bytes follow its entry, `size` of them, then end_of_file().
class TarVisitor {
  public:
    virtual ~TarVisitor() = default;
    virtual void entry(const TarEntry& entry) = 0;
    virtual void data(Bytes bytes) = 0;
    virtual void end_of_file() = 0;
};

/// Reads a tar to its end, and the source too. Throws integrity for everything that a base backup never holds
/// and an attacker would like: absolute paths, "..", hard links, devices, FIFOs, sparse files, fewer or more
/// bytes than announced. `what` names the tar in messages.
void read_tar(ByteSource& source, const std::string& what, TarVisitor& visitor);

}  // namespace walferry::restore
