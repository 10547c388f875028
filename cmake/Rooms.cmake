# The rooms of the house, from the ground up: a folder, a static library and a namespace each. A room includes and links
# what its USES names and nothing else; each of those stands above it in this file, so no arrow points upward and none in
# a circle. tests/layering.sh holds the includes against these lines, and prints them.
#
# walferry_room(FOLDER USES FOLDER... LIBRARIES TARGET...)
function(walferry_room folder)
  cmake_parse_arguments(room "" "" "USES;LIBRARIES" ${ARGN})
  string(REPLACE / _ name walferry_${folder})
  string(REPLACE - _ name ${name})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/(main|no_dlopen)\\.cpp$")
  list(FILTER room_USES EXCLUDE REGEX "^$")
  list(TRANSFORM room_USES REPLACE "[/-]" _)
  list(TRANSFORM room_USES PREPEND walferry_)
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC walferry_flags ${room_USES} PRIVATE ${room_LIBRARIES})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE walferry_flags ${room_USES})
  endif()
endfunction()

# common: knows no program and no product decision above it.
# ground: errors, bytes, clocks, sinks, sizes as text, the paths of a spool
walferry_room(common)
# the one door to the operating system: files made durable, directories, descriptors
walferry_room(common/os USES common)
# PostgreSQL's names and headers: segments, LSNs, timelines, pg_control
walferry_room(common/wal USES common common/os)
# the record in SQLite
walferry_room(common/ledger USES common common/os common/wal)
# what waits: taking files in, listing them, the lock
walferry_room(common/spool USES common common/os common/wal common/ledger)
# what the three programs share: option tables, messages, the channel to the prefetcher
walferry_room(common/program USES common common/os common/wal)
# the configuration
walferry_room(common/settings USES common common/os common/program
  LIBRARIES tomlplusplus::tomlplusplus)
# age files and keys
walferry_room(common/codec/age USES common common/os
  LIBRARIES PkgConfig::SODIUM OpenSSL::Crypto)
# a segment or a piece into an object and back: zstd, age, the signed envelope
walferry_room(common/codec USES common common/os common/wal common/codec/age
  LIBRARIES PkgConfig::ZSTD PkgConfig::SODIUM OpenSSL::Crypto nlohmann_json::nlohmann_json)
# objects in S3 and in directories behind one interface; retries, the circuit breaker
walferry_room(common/store USES common common/os common/wal common/ledger common/settings common/codec
  LIBRARIES CURL::libcurl OpenSSL::Crypto pugixml::pugixml)
# The two small programs, which PostgreSQL starts thousands of times: common only, and no TOML reader.
# the archive_command
walferry_room(archive-push USES common common/os common/wal common/spool common/program)
# the restore_command
walferry_room(archive-get USES common common/os common/wal common/program)
# What the large rooms share.
# what every command shares: exit codes, outcome, signals, JSON
walferry_room(console USES common common/os
  LIBRARIES nlohmann_json::nlohmann_json)
# the stores read as one archive: listings, backups, histories, coverage, verdict
walferry_room(archive USES common common/wal common/ledger common/spool common/settings common/codec common/store
  console
  LIBRARIES nlohmann_json::nlohmann_json)
# on the way into a store: encoding options, memory and the window
walferry_room(transfer USES common common/wal common/settings common/codec common/store)
# the running PostgreSQL: connections, roles, archive_command, acting as its user
walferry_room(server USES common common/os
  LIBRARIES PkgConfig::LIBPQ)
# what is known, told: status, backups
walferry_room(report USES common common/os common/wal common/ledger common/spool common/settings common/codec
  common/store console archive server
  LIBRARIES nlohmann_json::nlohmann_json)
# The work. What needs two of these is joined in walferry/commands.
# creating the spool
walferry_room(host USES common common/os common/wal common/ledger)
# a first configuration and what belongs to it
walferry_room(host/setup USES common common/os common/settings common/codec/age common/codec common/store server host)
# everything that archiving needs, inspected part by part
walferry_room(host/check USES common common/os common/wal common/ledger common/spool common/program common/settings
  common/codec/age common/codec common/store console archive transfer server report host host/setup
  LIBRARIES nlohmann_json::nlohmann_json)
# archive-get's other half: one file for a recovering server, and the prefetcher
walferry_room(restore/fetch USES common common/os common/wal common/ledger common/spool common/program
  common/settings common/codec common/store archive
  LIBRARIES nlohmann_json::nlohmann_json OpenSSL::Crypto)
# a backup into a data directory, and what its recovery needs
walferry_room(restore USES common common/os common/wal common/ledger common/settings common/codec common/store
  archive server report restore/fetch
  LIBRARIES OpenSSL::Crypto PkgConfig::ARCHIVE PkgConfig::ISAL nlohmann_json::nlohmann_json)
# the spool into the stores
walferry_room(uploader/drain USES common common/os common/wal common/ledger common/spool common/settings common/codec
  common/store console archive transfer server
  LIBRARIES OpenSSL::Crypto)
# base backups into the stores
walferry_room(uploader/backup USES common common/os common/wal common/ledger common/spool common/settings
  common/codec common/store console archive transfer server uploader/drain
  LIBRARIES PkgConfig::ARCHIVE nlohmann_json::nlohmann_json OpenSSL::Crypto)
# segments of an earlier archive into the spool
walferry_room(uploader/import USES common common/os common/wal common/ledger common/spool common/settings
  common/store console uploader/drain)
# a new ledger from spool and listings
walferry_room(uploader/rebuild USES common common/wal common/ledger common/spool common/settings common/codec
  common/store console archive server)
# what leaves the stores, and when
walferry_room(maintenance/expire USES common common/wal common/ledger common/settings common/codec common/store
  console archive transfer
  LIBRARIES nlohmann_json::nlohmann_json)
# objects of the stores read again, compared with their names, and healed
walferry_room(maintenance/verify USES common common/os common/wal common/ledger common/spool common/settings common/codec
  common/store console archive
  LIBRARIES nlohmann_json::nlohmann_json)
# one store brought what the others have
walferry_room(maintenance/sync USES common common/settings common/store transfer)
# what is missing in the WAL of each store, and where it still is
walferry_room(maintenance/gaps USES common common/ledger common/spool common/settings
  common/store console archive
  LIBRARIES nlohmann_json::nlohmann_json)
# The operator's program.
# one file a command
walferry_room(walferry/commands USES common common/os common/wal common/ledger common/spool common/program
  common/settings common/codec/age common/codec common/store console archive transfer server report host host/setup
  host/check restore/fetch restore uploader/drain uploader/backup uploader/import uploader/rebuild maintenance/expire
  maintenance/verify maintenance/sync maintenance/gaps
  LIBRARIES CLI11::CLI11 nlohmann_json::nlohmann_json)
# the command line
walferry_room(walferry USES common common/os console walferry/commands
  LIBRARIES CLI11::CLI11)

# The ledger is SQLite: static in a program that has to run in any image, which asks for it by its property.
set(static_sqlite $<BOOL:$<TARGET_PROPERTY:WALFERRY_STATIC_SQLITE>>)
target_link_libraries(walferry_common_ledger PUBLIC walferry_sql
  $<${static_sqlite}:${SQLITE3_STATIC}> $<${static_sqlite}:m> $<$<NOT:${static_sqlite}>:SQLite::SQLite3>)
target_link_libraries(walferry_console PUBLIC Threads::Threads)
target_link_libraries(walferry_common_settings PUBLIC Threads::Threads)
