#pragma once
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.hpp"

namespace walferry {

/// Text that must not linger: a buffer of fixed capacity, so that no copy is left behind by growing, wiped
/// when it goes. Can be moved, not copied.
class SecretText {
  public:
    SecretText() noexcept = default;
    explicit SecretText(std::size_t capacity);
    SecretText(SecretText&& other) noexcept;
    SecretText& operator=(SecretText&& other) noexcept;
    ~SecretText();

    /// Throws internal beyond the capacity.
    void append(std::string_view text);
    /// The whole buffer, for whoever fills it and then says how far. Throws internal beyond the capacity.
    MutableBytes buffer() noexcept { return std::as_writable_bytes(std::span(data_.get(), capacity_)); }
    void resize(std::size_t size);
    std::string_view view() const noexcept { return {data_.get(), size_}; }

  private:
    void wipe() noexcept;

    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// Reads a file that holds a secret (identities, the writer key, store credentials), at most 64 KiB of it.
/// `what` names it in messages: "identity file". Throws config unless it is a regular file, has no permission
/// bit for "other", and belongs to root or the caller. Symbolic links are followed (systemd's credentials may
/// be some); what is judged is the file that was opened, not its name. `lender`: a user whose files will do
/// too, because the caller acts for that user.
SecretText read_secret_file(const std::string& path, std::string_view what,
                            std::optional<uid_t> lender = std::nullopt);

/// Makes such a file, mode 0600, whole and durable or not at all. Throws config when the name is taken:
/// nothing is ever replaced.
void create_secret_file(const std::string& path, std::string_view what, const SecretText& text);

}  // namespace walferry
