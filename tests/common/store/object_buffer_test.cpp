#include "common/store/object_buffer.hpp"

#include <algorithm>
#include <filesystem>

#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;

TEST_CASE("An object is read back from memory and from work_dir as it was written") {
    TempDir dir;
    BlockPool pool;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, BlockPool::block_size - 1, BlockPool::block_size,
          BlockPool::block_size + 1, ObjectBuffer::memory_limit, ObjectBuffer::memory_limit + 7}) {
        CAPTURE(size);
        std::string bytes(size, '\0');
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
        ObjectBuffer buffer(pool, dir.path());
        for (std::size_t at = 0; at < size; at += 300'001)
            buffer.write(as_bytes(bytes).subspan(at, std::min<std::size_t>(300'001, size - at)));
        buffer.finish();
        REQUIRE(buffer.size() == size);
        std::string back(size + 10, '!');
        CHECK(buffer.read_at(0, std::as_writable_bytes(std::span(back))) == size);
        back.resize(size);
        CHECK(back == bytes);
        std::string part(1000, '!');
        const std::size_t n = buffer.read_at(size / 2, std::as_writable_bytes(std::span(part)));
        CHECK(part.substr(0, n) == bytes.substr(size / 2, n));
        CHECK(buffer.read_at(size, std::as_writable_bytes(std::span(part))) == 0);
    }
    CHECK(std::filesystem::is_empty(dir.path()));
}
