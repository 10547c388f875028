#pragma once

namespace walferry::sqlite {

/// The name of SQLite's layer of file access as the ledger uses it: the system's own, but without rollback
/// journals. A ledger lives in WAL mode and never has one, so what lies there under such a name was planted:
/// SQLite would wait for the writer of a FIFO, and a journal that names a "super-journal" makes it delete any
/// file that the caller may delete.
const char* files_without_journal();

}  // namespace walferry::sqlite
