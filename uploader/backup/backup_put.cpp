#include <thread>

#include "common/error.hpp"
#include "uploader/backup/backup_run.hpp"
#include "uploader/backup/described.hpp"

// What a backup puts beside its pieces: first what says that it begins, last its index and its label.
namespace walferry::backup {

/// In every store at once; one that fails, or does not answer, is given up.
void BackupRun::in_each_store(const std::function<void(StoreCopy&)>& action) {
    std::vector<std::jthread> threads;
    for (const auto& copy : copies_) {
        if (!copy->usable()) continue;
        threads.emplace_back([&action, &copy] {
            try {
                action(*copy);
            } catch (const Error& error) {
                copy->give_up(error);
            } catch (const std::exception& error) {
                copy->give_up(Error(ErrorKind::internal, error.what()));
            }
        });
    }
    threads.clear();
    check();
}

void BackupRun::put_begins() {
    const Described begin = describe_begin({origin_.id,
                                            settings_.cluster,
                                            origin_.system_identifier,
                                            facts_.redo_segment,
                                            format_time(facts_.now),
                                            {},
                                            {}},
                                           encoding_.writer.get());
    in_each_store([&](StoreCopy& copy) { copy.put_verified(begin.object->at(copy.key(begin.name))); });
}

void BackupRun::put_labels() {
    for (const auto& copy : copies_) (void)copy->complete();
    check();
    bring_histories();
    check();
    const auto label = pipeline_->encode(BackupPart::label(), as_bytes(backup_label_json(label_)));
    const BackupIndex index = make_index(label_, extent_, *label);
    const Described described = describe_index(index, encoding_.writer.get());
    in_each_store([&](StoreCopy& copy) {
        copy.put_verified(described.object->at(copy.key(described.name)));
        put_label(copy, *label, index);
    });
}

void BackupRun::put_label(StoreCopy& copy, const transfer::EncodedObject& label, const BackupIndex& index) {
    const std::string& store = copy.settings().name;
    const std::string key = copy.key(label.name);
    record_.expect_label(store, key, hex(label.digest.sha256), label_.object_size() + label.body.size());
    copy.put_verified(label.at(key));
    if (const Absent absent = absent_objects(copy.store(), copy.keys(), index); absent.count > 0)
        take_back(copy, key, absent);
    record_.verified(store);
}

/// Every piece was read back, and some are gone: another host, a lifecycle rule or a person has removed them.
/// A backup that cannot be restored must not look like one.
void BackupRun::take_back(StoreCopy& copy, const std::string& label_key, const Absent& absent) {
    std::string what = counted(absent.count, "object", "objects") + " of this backup, " + absent.first +
                       " the first of them, were verified in the store and are gone from it";
    const std::string hint =
        "does a lifecycle rule of the bucket, or a program beside walferry, delete objects? Then make the "
        "backup again";
    try {
        copy.store().remove(label_key);
    } catch (const Error& error) {
        throw Error(ErrorKind::integrity,
                    what + "; its label cannot be removed (" + error.message() +
                        "), so that store lists a backup that cannot be restored",
                    hint);
    }
    throw Error(ErrorKind::integrity, what + "; its label was removed again: there it is no backup", hint);
}

}  // namespace walferry::backup
