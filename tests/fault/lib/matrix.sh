#!/usr/bin/env bash
# matrix.sh: the table of docs/store-faults.md, from stores.table. stores.sh checks each row against real runs, and that
# the page holds this table.
echo '| a store that | kind | walferry says "store NAME: …; hint: …" |'
echo '| --- | --- | --- |'
grep -v '^#' "$(dirname "$0")/../stores.table" | sed 's/ *| */|/g' | awk -F'|' '{
    gsub(/\*\.age/, "KEY", $4); gsub(/put \*:/, "put KEY:", $4); gsub(/get \*:/, "get KEY:", $4)
    says = $4 == "" ? "nothing" : $4 ($5 == "" || $5 == "*" ? "; …" : "; " $5)
    gsub(/\*/, "…", says)
    print "| " $1 " | " $2 " | " says " |"
}'
