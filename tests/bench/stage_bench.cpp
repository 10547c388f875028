// stage-bench CONFIGURATION SEGMENT...   what each stage of a drain costs alone: the processor's time of one
// thread, user and system, in milliseconds a segment. Puts and gets are the client's side only.
#include <fcntl.h>
#include <sys/resource.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "common/clock.hpp"
#include "common/codec/digest.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/codec/wal_facts_text.hpp"
#include "common/codec/zstd_writer.hpp"
#include "common/error.hpp"
#include "common/os/os.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_buffer.hpp"
#include "common/store/object_store.hpp"
#include "common/store/read_back.hpp"
#include "common/wal/facts_reader.hpp"
#include "common/wal/fingerprint.hpp"
#include "tests/wal_file.hpp"
#include "transfer/put_verified.hpp"

using namespace walferry;

namespace {

class Nothing : public Sink {
  public:
    void write(Bytes) override {}
    void finish() override {}
};

class Collected : public Sink {
  public:
    void write(Bytes more) override { bytes.insert(bytes.end(), more.begin(), more.end()); }
    void finish() override {}
    std::vector<std::byte> bytes;
};

constexpr std::size_t piece = 256 * 1024;

double thread_ms() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    const auto ms = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    };
    return ms(usage.ru_utime) + ms(usage.ru_stime);
}

template <typename Take>
void in_pieces(Bytes bytes, Take take) {
    for (; bytes.size() > piece; bytes = bytes.subspan(piece)) take(bytes.first(piece));
    take(bytes);
}

class Table {
  public:
    explicit Table(int segments) : segments_(segments) {}
    void time(const std::string& stage, const std::function<void()>& work) {
        const double begun = thread_ms();
        work();
        for (auto& [name, ms] : rows_) {
            if (name == stage) {
                ms += thread_ms() - begun;
                return;
            }
        }
        rows_.emplace_back(stage, thread_ms() - begun);
    }
    void print() const {
        for (const auto& [name, ms] : rows_) std::printf("%-44s %8.2f\n", name.c_str(), ms / segments_);
    }

  private:
    int segments_;
    std::vector<std::pair<std::string, double>> rows_;
};

EncodeOptions encode_options(const Settings& settings) {
    EncodeOptions options;
    options.level = settings.compression_level;
    for (const std::string& text : settings.recipients)
        options.recipients.push_back(AgeRecipient::parse(text));
    return options;
}

class Stages {
  public:
    explicit Stages(const Settings& settings, int segments)
        : options_(encode_options(settings)),
          encoder_(options_),
          zstd_(settings.compression_level),
          table_(segments) {
        for (const StoreSettings& store : settings.stores)
            stores_.emplace_back(store.name, open_store(store, StoreAccess::write));
    }

    void segment(const std::string& path) {
        std::vector<std::byte> bytes(static_cast<std::size_t>(
            os::status(os::open_at(AT_FDCWD, path, O_RDONLY, 0, path).get(), path).st_size));
        const Fd fd = os::open_at(AT_FDCWD, path, O_RDONLY, 0, path);
        table_.time("read from the spool", [&] {
            for (std::size_t at = 0; at < bytes.size(); at += piece) {
                os::read_at(fd.get(), MutableBytes(bytes).subspan(at, std::min(piece, bytes.size() - at)), at,
                            path);
            }
        });
        Fingerprint fingerprint;
        table_.time("XXH3-128", [&] { in_pieces(bytes, [&](Bytes part) { fingerprint.update(part); }); });
        table_.time("WAL facts", [&] {
            FactsReader reader;
            in_pieces(bytes, [&](Bytes part) { reader.write(part); });
            const auto facts = reader.finish();
            if (facts) written_ += facts_text(*facts).size();
        });
        Collected frame;
        frame.bytes.reserve(bytes.size() + piece);
        zstd_.begin(bytes.size(), nothing_);
        table_.time("zstd", [&] {
            in_pieces(bytes, [&](Bytes part) { zstd_.write(part); });
            zstd_.finish();
        });
        zstd_.begin(bytes.size(), frame);
        zstd_.write(bytes);
        zstd_.finish();
        table_.time("XXH3-128, once over the object", [&] {
            Fingerprint checksum;
            in_pieces(frame.bytes, [&](Bytes part) { checksum.update(part); });
        });
        table_.time("SHA-256, once over the object", [&] {
            in_pieces(frame.bytes, [&](Bytes part) { hash_.update(part); });
            hash_.finish();
        });
        if (!options_.recipients.empty()) {
            table_.time("age", [&] {
                AgeEncryptor age(options_.recipients, nothing_);
                in_pieces(frame.bytes, [&](Bytes part) { age.write(part); });
                age.finish();
            });
        }
        Envelope envelope;
        envelope.name = path.substr(path.rfind('/') + 1);
        envelope.size = bytes.size();
        envelope.fingerprint = fingerprint.digits();
        envelope.system_identifier = test::sysid;
        envelope.spooled_at = format_time(wall_now());
        ObjectBuffer object(pool_, "/var/tmp");
        BodyDigest digest{};
        std::string checksum;
        table_.time("all of that as the drain does it", [&] {
            std::size_t at = 0;
            const EncodeResult result = encoder_.encode(
                [&](MutableBytes out) {
                    const std::size_t n = os::read_at(fd.get(), out, at, path);
                    at += n;
                    return n;
                },
                envelope, object);
            digest.sha256 = result.sha256;
            checksum = result.checksum;
        });
        for (const auto& entry : stores_) {
            // Named, because clang 14 captures no structured binding.
            const std::string& name = entry.first;
            const auto& store = entry.second;
            const std::string key = "stage-bench/" + envelope.name;
            table_.time("put, " + name, [&] { store->put(key, object, digest); });
            table_.time("put, read back and compared, " + name, [&] {
                transfer::put_verified(*store, {key, object, digest, checksum}, {"stage-bench", ""});
            });
            table_.time("get with its SHA-256, " + name, [&] { read_back(*store, key, object.size()); });
            store->remove(key);
        }
    }
    void print() const { table_.print(); }

  private:
    EncodeOptions options_;
    SegmentEncoder encoder_;
    ZstdWriter zstd_;
    Sha256 hash_;
    Nothing nothing_;
    BlockPool pool_;
    std::vector<std::pair<std::string, std::unique_ptr<ObjectStore>>> stores_;
    std::size_t written_ = 0;  // of the facts
    Table table_;
};

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 3) return 2;
    Stages stages(load_settings(argv[1]), argc - 2);
    for (int i = 2; i < argc; ++i) stages.segment(argv[i]);
    stages.print();
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "stage-bench: %s\n", error.what());
    return 1;
}
