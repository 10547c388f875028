#include "common/store/directory_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "common/error.hpp"
#include "common/store/directory_error.hpp"
#include "common/store/directory_listing.hpp"
#include "tests/catch.hpp"
#include "tests/contract/store_under_test.hpp"

using namespace walferry;
using namespace walferry::contract;
namespace fs = std::filesystem;

namespace {

struct Nas {
    TemporaryDirectory directory;
    StoreSettings settings;
    DirectoryStore store;

    Nas() : settings(make(directory.path())), store(settings, {}) {}

    static StoreSettings make(const std::string& path) {
        StoreSettings settings;
        settings.name = "nas";
        settings.type = StoreType::directory;
        settings.path = path;
        return settings;
    }
    std::string file(const std::string& key) const { return directory.path() + "/" + key; }
    PutResult put(const std::string& key, const Sample& sample) {
        return store.put(key, sample, sample.digest());
    }
};

Error failure(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    FAIL("it should have failed");
    throw Error(ErrorKind::internal, "");
}

/// Everything below a directory that is a file, whatever its name.
std::vector<std::string> files_below(const std::string& path) {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
        if (!entry.is_directory()) files.push_back(entry.path().filename().string());
    }
    return files;
}

/// Ends early, or fails to be read.
class BrokenBody : public Body {
  public:
    std::uint64_t size() const noexcept override { return 1 << 20; }
    std::size_t read_at(std::uint64_t offset, MutableBytes out) const override {
        if (offset > 0) throw_errno(EIO, "read the spool file");
        return std::min<std::size_t>(out.size(), 1000);
    }
};

}  // namespace

TEST_CASE("a directory store puts an object where its key says, readable by its group") {
    Nas nas;
    CHECK(nas.put("prod/main/1/wal/00000001/x.zst", Sample("bytes")) == PutResult::stored);
    CHECK(read_file(nas.file("prod/main/1/wal/00000001/x.zst")) == "bytes");
    struct stat status {};
    REQUIRE(::stat(nas.file("prod/main/1/wal/00000001/x.zst").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
    REQUIRE(::stat(nas.file("prod/main").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0750);
}

TEST_CASE("the same object again is already there") {
    Nas nas;
    const Sample sample = Sample::random(2'000'000, 1);
    CHECK(nas.put("a/b", sample) == PutResult::stored);
    CHECK(nas.put("a/b", sample) == PutResult::already_there);
}

TEST_CASE("an object with other bytes is never replaced and raises a conflict") {
    Nas nas;
    const Sample sample = Sample::random(600'000, 1);
    std::string last_byte_differs = sample.text();
    last_byte_differs.back() = static_cast<char>(last_byte_differs.back() + 1);
    for (const std::string& existing :
         {std::string(), std::string("x"), last_byte_differs, sample.text() + "x"}) {
        fs::create_directories(nas.file("a"));
        write_file(nas.file("a/b"), existing, 0640);
        const Error error = failure([&] { nas.put("a/b", sample); });
        INFO(error.what());
        CHECK(error.kind() == ErrorKind::conflict);
        CHECK(error.message().starts_with("store nas: put a/b: "));
        CHECK((read_file(nas.file("a/b")) == existing));
    }
}

TEST_CASE("many writers of one object all succeed and leave one file") {
    Nas nas;
    const Sample sample = Sample::random(300'000, 3);
    std::array<std::string, 8> failures;
    {
        std::vector<std::jthread> threads;
        for (std::string& failed : failures) {
            threads.emplace_back([&] {
                try {
                    DirectoryStore(nas.settings, {}).put("x/y/z", sample, sample.digest());
                } catch (const std::exception& error) {
                    failed = error.what();
                }
            });
        }
    }
    for (const std::string& failed : failures) CHECK(failed.empty());
    CHECK((read_file(nas.file("x/y/z")) == sample.text()));
    CHECK(files_below(nas.directory.path()) == std::vector<std::string>{"z"});
}

TEST_CASE("a body that cannot be read leaves nothing, and is not blamed on the store") {
    Nas nas;
    const Error error = failure([&] { nas.store.put("a/b", BrokenBody(), {}); });
    CHECK(error.kind() == ErrorKind::io);
    CHECK(error.message() == "cannot read the spool file: Input/output error");
    CHECK(files_below(nas.directory.path()).empty());
}

TEST_CASE("what a receiver throws comes out as it was thrown") {
    class Picky : public Receiver {
      public:
        void begin() override {}
        void write(Bytes) override { throw_errno(ENOSPC, "write the work file"); }
    };
    Nas nas;
    nas.put("a", Sample("x"));
    Picky picky;
    CHECK(failure([&] { nas.store.get("a", picky); }).message() ==
          "cannot write the work file: No space left on device");
}

TEST_CASE("a missing directory is taken for a missing mount and never made") {
    Nas nas;
    const std::string missing = nas.file("not-mounted");
    DirectoryStore store(Nas::make(missing), {});
    const Sample sample("x");
    const Error error = failure([&] { store.put("a", sample, sample.digest()); });
    CHECK(error.kind() == ErrorKind::no_bucket);
    CHECK(error.hint().find("is it mounted?") != std::string::npos);
    CHECK_FALSE(fs::exists(missing));
}

TEST_CASE("links, FIFOs and directories are never taken for objects") {
    Nas nas;
    write_file(nas.file("secret"), "secret", 0600);
    fs::create_symlink(nas.file("secret"), nas.file("link"));
    REQUIRE(::mkfifo(nas.file("fifo").c_str(), 0600) == 0);
    fs::create_directory(nas.file("directory"));
    fs::create_directory_symlink(nas.directory.path(), nas.file("loop"));

    for (const char* key : {"link", "fifo", "directory", "loop/secret"}) {
        INFO(key);
        Collector collector;
        CHECK(failure([&] { nas.store.get(key, collector); }).kind() == ErrorKind::rejected);
        CHECK(failure([&] { nas.store.head(key); }).kind() == ErrorKind::rejected);
        CHECK(failure([&] { nas.put(key, Sample("x")); }).kind() == ErrorKind::rejected);
        CHECK(collector.text.empty());
    }
    const ObjectPage page = nas.store.list("", "");
    REQUIRE(page.objects.size() == 1);
    CHECK(page.objects.front().key == "secret");
    CHECK(read_file(nas.file("secret")) == "secret");
}

TEST_CASE("a key cannot lead out of the directory or to a hidden name") {
    Nas nas;
    for (const std::string& key :
         {std::string("../x"), std::string("a/../../x"), std::string("/etc/passwd"), std::string(""),
          std::string("a//b"), std::string("a/"), std::string("."), std::string(".hidden"),
          std::string("a/.hidden"), std::string("a\nb"), std::string("a\0b", 3)}) {
        INFO(key);
        Collector collector;
        CHECK(failure([&] { nas.put(key, Sample("x")); }).kind() == ErrorKind::rejected);
        CHECK(failure([&] { nas.store.get(key, collector); }).kind() == ErrorKind::rejected);
        CHECK(failure([&] { nas.store.remove(key); }).kind() == ErrorKind::rejected);
    }
}

TEST_CASE("a folder goes with its last object, the store's own folders stay") {
    Nas nas;
    nas.settings.prefix = "prod/deep";
    DirectoryStore store(nas.settings, {});
    const Sample sample("x");
    const auto put = [&](const std::string& key) { store.put(key, sample, sample.digest()); };
    put("prod/deep/backup/one/a");
    put("prod/deep/backup/one/b");
    store.remove("prod/deep/backup/one/a");
    CHECK(fs::exists(nas.file("prod/deep/backup/one")));
    store.remove("prod/deep/backup/one/b");
    CHECK_FALSE(fs::exists(nas.file("prod/deep/backup/one")));
    CHECK(fs::exists(nas.file("prod/deep/backup")));
    put("prod/deep/trial");
    store.remove("prod/deep/trial");
    CHECK(fs::exists(nas.file("prod/deep")));
    put("prod/deep/backup/one/a");
    CHECK(fs::exists(nas.file("prod/deep/backup/one/a")));
}

TEST_CASE("a folder that goes while an object is on its way into it is a passing trouble") {
    Nas nas;
    const Sample sample("x");
    std::atomic<bool> done = false;
    std::jthread remover([&] {
        while (!done) DirectoryStore(nas.settings, {}).remove("backup/one/never");
    });
    for (int i = 0; i < 200; ++i) {
        const std::string key = "backup/one/" + std::to_string(i);
        try {
            nas.put(key, sample);
            nas.store.remove(key);
        } catch (const Error& error) {
            CHECK(traits(error.kind()).retryable());
        }
    }
    done = true;
}

TEST_CASE("hidden and unprintable names are not listed") {
    Nas nas;
    nas.put("a/seen", Sample("x"));
    for (const char* name : {"a/.tmp-file", ".hidden", "a/tab\there", "a/\xff"})
        write_file(nas.file(name), "x", 0600);
    const ObjectPage page = nas.store.list("", "");
    REQUIRE(page.objects.size() == 1);
    CHECK(page.objects.front().key == "a/seen");
}

TEST_CASE("a listing finds what follows a thousand empty directories") {
    Nas nas;
    for (int i = 0; i < 1100; ++i) fs::create_directories(nas.file("p/" + std::to_string(10'000 + i)));
    write_file(nas.file("p/99999"), "x", 0600);
    const ObjectPage page = nas.store.list("p/", "");
    CHECK_FALSE(page.more);
    REQUIRE(page.objects.size() == 1);
    CHECK(page.objects.front().key == "p/99999");
}

TEST_CASE("Page after page of a large directory reads it once, and again when it was changed") {
    const Nas nas;
    const auto name = [](std::size_t i) { return std::to_string(100'000 + i); };
    fs::create_directories(nas.file("p"));
    constexpr std::size_t count = 3 * directory_page + 5;
    for (std::size_t i = 0; i < count; ++i) write_file(nas.file("p/" + name(i)), "", 0600);
    // Changed long enough ago for its time to tell of every change since.
    const Directory root = os::open_directory(nas.directory.path());
    const auto age = [&] {
        const struct timespec times[2] = {{1'000'000, 0}, {1'000'000, 0}};
        REQUIRE(::utimensat(AT_FDCWD, nas.file("p").c_str(), times, 0) == 0);
        std::this_thread::sleep_for(std::chrono::milliseconds(2'100));
    };
    age();
    LargeDirectory large;
    int reads = 0;  // each looks whether it shall stop once
    const auto pages = [&](const std::string& prefix) {
        std::vector<std::string> keys;
        reads = 0;
        std::string after;
        for (bool more = true; more;) {
            const ObjectPage page = list_directory(root, prefix, after, large, [&] { ++reads; });
            for (const ObjectInfo& info : page.objects) keys.push_back(info.key);
            more = page.more;
            if (more) after = keys.back();
        }
        return keys;
    };
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < count; ++i) expected.push_back("p/" + name(i));
    CHECK(pages("p/") == expected);
    CHECK(reads == 5);  // the root each time, and the directory once
    // A question about another prefix is another question.
    CHECK(pages("p/1000").size() == 100);

    // What comes between two pages is seen where it sorts behind the first.
    const ObjectPage first = list_directory(root, "p/", "", large, [] {});
    REQUIRE(first.more);
    write_file(nas.file("p/" + name(directory_page) + "-new"), "", 0600);
    fs::remove(nas.file("p/" + name(directory_page + 1)));
    const ObjectPage second = list_directory(root, "p/", first.objects.back().key, large, [] {});
    REQUIRE(second.objects.size() == directory_page);
    CHECK(second.objects[0].key == "p/" + name(directory_page));
    CHECK(second.objects[1].key == "p/" + name(directory_page) + "-new");
    CHECK(second.objects[2].key == "p/" + name(directory_page + 2));
}

TEST_CASE("exactly a page of objects is not followed by another") {
    Nas nas;
    for (std::size_t i = 0; i < directory_page; ++i)
        write_file(nas.file(std::to_string(10'000 + i)), "", 0600);
    ObjectPage page = nas.store.list("", "");
    CHECK(page.objects.size() == directory_page);
    CHECK_FALSE(page.more);
    write_file(nas.file("99999"), "", 0600);
    page = nas.store.list("", "");
    CHECK(page.objects.size() == directory_page);
    CHECK(page.more);
    page = nas.store.list("", page.objects.back().key);
    CHECK(page.objects.size() == 1);
    CHECK_FALSE(page.more);
}

TEST_CASE("a directory that may not be written to denies") {
    if (::geteuid() == 0) {
        WARN("SKIPPED: root may write everywhere");
        return;
    }
    Nas nas;
    REQUIRE(::chmod(nas.directory.path().c_str(), 0500) == 0);
    const Error error = failure([&] { nas.put("a/b", Sample("x")); });
    CHECK(error.kind() == ErrorKind::denied);
    CHECK(error.hint().find(nas.directory.path()) != std::string::npos);
}

TEST_CASE("what the system says of a directory is put in a store's terms") {
    struct Row {
        int os_error;
        ErrorKind kind;
    };
    for (const Row& row :
         {Row{ESTALE, ErrorKind::unreachable}, Row{EIO, ErrorKind::unreachable},
          Row{ETIMEDOUT, ErrorKind::unreachable}, Row{EHOSTDOWN, ErrorKind::unreachable},
          Row{ENOSPC, ErrorKind::no_space}, Row{EDQUOT, ErrorKind::no_space}, Row{EACCES, ErrorKind::denied},
          Row{EPERM, ErrorKind::denied}, Row{EROFS, ErrorKind::denied},
          Row{ENAMETOOLONG, ErrorKind::rejected}, Row{EFBIG, ErrorKind::rejected}, Row{ENOMEM, ErrorKind::io},
          Row{EMFILE, ErrorKind::io}}) {
        const Error low = failure([&] { throw_errno(row.os_error, "write /mnt/nas/a"); });
        const Error error = directory_error(low, "store nas: put a", "/mnt/nas");
        INFO(error.what());
        CHECK(traits(error.kind()).name == traits(row.kind).name);
        CHECK(error.message() == "store nas: put a: " + low.message());
        CHECK(error.hint().empty() == (row.kind == ErrorKind::io));
    }
}
