#include "transfer/encode_options.hpp"

#include "common/codec/signing.hpp"

namespace walferry::transfer {

EncodeOptions encode_options(const Settings& settings) {
    EncodeOptions options;
    options.level = settings.compression_level;
    for (const std::string& recipient : settings.recipients)
        options.recipients.push_back(AgeRecipient::parse(recipient));
    if (!settings.signing_key_file.empty()) {
        options.writer = std::make_shared<const WriterKey>(WriterKey::load(settings.signing_key_file));
    }
    return options;
}

}  // namespace walferry::transfer
