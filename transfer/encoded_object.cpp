#include "transfer/encoded_object.hpp"

#include <utility>
#include <vector>

#include "common/wal/fingerprint.hpp"

namespace walferry::transfer {
namespace {

std::string tag_of(const std::vector<AgeRecipient>& recipients) {
    std::vector<std::string> texts;
    for (const AgeRecipient& recipient : recipients) texts.push_back(recipient.text());
    return recipients_tag(std::move(texts));
}

}  // namespace

ObjectEncoder::ObjectEncoder(const EncodeOptions& options, MemoryBudget& budget, std::string work_dir)
    : encoder_(options),
      budget_(budget),
      work_dir_(std::move(work_dir)),
      recipients_(tag_of(options.recipients)),
      encrypted_(!options.recipients.empty()) {}

std::shared_ptr<EncodedObject> ObjectEncoder::encode(const std::function<std::size_t(MutableBytes)>& read,
                                                     const Envelope& envelope, const std::string& name,
                                                     MemoryBudget::Share share) {
    auto object = std::make_shared<EncodedObject>(budget_, std::move(share), work_dir_);
    EncodeResult result = encoder_.encode(read, envelope, object->body);
    object->name = {name, result.fingerprint, recipients_, hex(result.sha256).substr(0, 32), encrypted_};
    object->digest.sha256 = result.sha256;
    object->checksum = std::move(result.checksum);
    object->content_size = envelope.size;
    object->facts = std::move(result.facts);
    // One that went to work_dir keeps its full share, so that their number is bounded too.
    object->share.shrink(object->body.size());
    return object;
}

std::shared_ptr<EncodedObject> ObjectEncoder::encode(Bytes content, Envelope envelope,
                                                     const std::string& name) {
    Fingerprint fingerprint;
    fingerprint.update(content);
    envelope.size = content.size();
    envelope.fingerprint = fingerprint.digits();
    return encode(read_from(content), envelope, name, {});
}

}  // namespace walferry::transfer
