#include "restore/tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>

#include "common/error.hpp"
#include "restore/backup_manifest.hpp"

namespace walferry::restore {
namespace {

class Reader {
  public:
    Reader(ByteSource& source, const std::string& what) : source_(source), what_(what) {
        if (!archive_ || archive_read_support_format_tar(archive_.get()) != ARCHIVE_OK ||
            archive_read_open2(archive_.get(), this, nullptr, &Reader::read, nullptr, nullptr) != ARCHIVE_OK)
            fail();
    }

    void run(TarVisitor& visitor) {
        archive_entry* entry = nullptr;
        while (step(archive_read_next_header(archive_.get(), &entry))) {
            const TarEntry checked = check(entry);
            visitor.entry(checked);
            if (checked.kind != TarEntry::Kind::file) continue;
            copy(checked, visitor);
            visitor.end_of_file();
        }
        check_rest();
    }

  private:
    struct Free {
        void operator()(archive* a) const { archive_read_free(a); }
    };

    static la_ssize_t read(archive* a, void* self, const void** buffer) noexcept {
        auto& reader = *static_cast<Reader*>(self);
        try {
            const Bytes bytes = reader.source_.next();
            *buffer = bytes.data();
            return static_cast<la_ssize_t>(bytes.size());
        } catch (...) {
            reader.parked_ = std::current_exception();
            archive_set_error(a, EIO, "the source failed");
            return -1;
        }
    }

    [[noreturn]] void refuse(const std::string& why) const {
        throw Error(ErrorKind::integrity, what_ + " is refused: " + why,
                    "do not trust this backup; `walferry backups` lists others");
    }

    [[noreturn]] void fail() const {
        if (parked_) std::rethrow_exception(parked_);
        const char* why = archive_ ? archive_error_string(archive_.get()) : nullptr;
        refuse(why != nullptr ? why : "it cannot be read");
    }

    /// False at the end. A warning means that something was guessed.
    bool step(int answer) const {
        if (answer == ARCHIVE_EOF) return false;
        if (answer != ARCHIVE_OK) fail();
        return true;
    }

    TarEntry check(archive_entry* entry) const {
        TarEntry checked;
        const char* path = archive_entry_pathname(entry);
        checked.path = path != nullptr ? path : "";
        // PostgreSQL writes some directories of its own making so.
        if (checked.path.starts_with("./")) checked.path.erase(0, 2);
        const auto refuse_entry = [&](const char* why) { refuse("\"" + checked.path + "\" " + why); };
        if (archive_entry_hardlink(entry) != nullptr) refuse_entry("is a hard link");
        if (archive_entry_sparse_count(entry) > 0) refuse_entry("is a sparse file");
        const auto type = archive_entry_filetype(entry);
        if (type == AE_IFDIR || type == AE_IFLNK) {
            // PostgreSQL writes links to directories with it as well.
            while (checked.path.size() > 1 && checked.path.back() == '/') checked.path.pop_back();
        }
        if (type == AE_IFDIR) {
            checked.kind = TarEntry::Kind::directory;
        } else if (type == AE_IFLNK) {
            checked.kind = TarEntry::Kind::link;
            const char* target = archive_entry_symlink(entry);
            checked.target = target != nullptr ? target : "";
        } else if (type != AE_IFREG) {
            refuse_entry("is neither a file nor a directory");
        }
        if (!stays_inside(checked.path)) refuse_entry("leads out of its directory");
        if (checked.kind == TarEntry::Kind::file) {
            if (archive_entry_size_is_set(entry) == 0 || archive_entry_size(entry) < 0)
                refuse_entry("has no size");
            checked.size = static_cast<std::uint64_t>(archive_entry_size(entry));
        }
        checked.mode = archive_entry_perm(entry) & 07777U;
        return checked;
    }

    void copy(const TarEntry& entry, TarVisitor& visitor) const {
        std::uint64_t at = 0;
        const void* buffer = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        while (step(archive_read_data_block(archive_.get(), &buffer, &size, &offset))) {
            if (static_cast<std::uint64_t>(offset) != at || size > entry.size - at)
                refuse("\"" + entry.path + "\" has holes, or more bytes than it announces");
            if (size > 0) visitor.data(Bytes(static_cast<const std::byte*>(buffer), size));
            at += size;
        }
        if (at != entry.size) refuse("\"" + entry.path + "\" is cut short");
    }

    /// Behind its end mark a tar has nothing but zeros.
    void check_rest() const {
        for (Bytes bytes = source_.next(); !bytes.empty(); bytes = source_.next()) {
            if (std::any_of(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0}; }))
                refuse("something follows its end");
        }
    }

    ByteSource& source_;
    const std::string& what_;
    std::unique_ptr<archive, Free> archive_{archive_read_new()};
    std::exception_ptr parked_;
};

}  // namespace

void read_tar(ByteSource& source, const std::string& what, TarVisitor& visitor) {
    Reader(source, what).run(visitor);
}

}  // namespace walferry::restore
