# cmake -DOUT=header -DDIR=folder -DFILES=a.sql;b/c.sql -P embed.cmake
#
# A file becomes one constant: push/known.sql -> sql::push_known. A file of named statements, each introduced by
# a line "-- :NAME" and ended by the only semicolon in it, becomes one constant a statement: ledger.sql with
# "-- :adopt" -> sql::ledger_adopt. All of them together are sql::statements, for tests that look at each.
set(all)
set(text "#pragma once\n// Made from the files in sql/ when the project is built.\nnamespace walferry::sql {\n")
foreach(file IN LISTS FILES)
  file(READ ${DIR}/${file} body)
  string(REGEX REPLACE "\\.sql$" "" name ${file})
  string(MAKE_C_IDENTIFIER ${name} name)
  string(REGEX MATCHALL "-- :[a-z_]+\n[^;]*;" statements "${body}")
  if(statements)
    foreach(statement IN LISTS statements)
      if(statement MATCHES "^-- :([a-z_]+)\n(.*)$")
        string(APPEND text "inline constexpr const char ${name}_${CMAKE_MATCH_1}[] = R\"sql(${CMAKE_MATCH_2})sql\";\n")
        string(APPEND all "    {\"${name}_${CMAKE_MATCH_1}\", ${name}_${CMAKE_MATCH_1}},\n")
      endif()
    endforeach()
  else()
    string(APPEND text "inline constexpr const char ${name}[] = R\"sql(${body})sql\";\n")
  endif()
endforeach()
string(APPEND text "struct NamedStatement {\n    const char* name;\n    const char* text;\n};\n")
string(APPEND text "inline constexpr NamedStatement statements[] = {\n${all}};\n")
string(APPEND text "}  // namespace walferry::sql\n")
file(WRITE ${OUT} "${text}")
