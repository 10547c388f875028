#!/usr/bin/env bash
# tests/fuzz/run.sh BUILD SECONDS [TARGET]: runs the fuzz targets of a build folder, two at a time, each for its share of
# SECONDS, and prints a table. It begins with the targets' own seeds, the findings kept beside this script, and what
# earlier runs have left in BUILD/corpus. Exit 1 when an input broke something; the table says where it lies.
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../lib/report.sh"
build=$(cd "$1" && pwd) seconds=$2 wanted=${3:-}
at_a_time=2

targets=()
for program in "$build"/bin/*_fuzz; do
    name=$(basename "$program" _fuzz)
    if [ -e "$program" ] && { [ -z "$wanted" ] || [ "$wanted" = "$name" ]; }; then targets+=("$name"); fi
done
if [ ${#targets[@]} = 0 ]; then
    echo "no fuzz target \"$wanted\"; there are: $(cd "$build/bin" && echo *_fuzz | sed 's/_fuzz//g')" >&2
    exit 2
fi
share=$((seconds * at_a_time / ${#targets[@]}))
[ ${#targets[@]} -gt 1 ] || share=$seconds
[ $share -gt 0 ] || share=1

# Answers of a server have to exceed the limits that hold for them; the rest is small by nature.
max_length() {
    case $1 in
    http_response) echo 80000 ;;
    segment | zstd | age_file) echo 16384 ;;
    *) echo 4096 ;;
    esac
}

fuzz() { # NAME
    local name=$1 status=0 findings=()
    mkdir -p "$build/corpus/$name" "$build/crashes" "$build/logs"
    rm -rf "${build:?}/seeds/$name"
    mkdir -p "$build/seeds/$name"
    "$build/bin/${name}_fuzz" --seeds "$build/seeds/$name"
    [ ! -d "$here/findings/$name" ] || findings=("$here/findings/$name")
    UBSAN_OPTIONS=print_stacktrace=1 "$build/bin/${name}_fuzz" -max_total_time=$share -max_len="$(max_length "$name")" \
        -timeout=30 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" \
        "$build/corpus/$name" "$build/seeds/$name" "${findings[@]}" >"$build/logs/$name" 2>&1 || status=$?
    echo $status >"$build/logs/$name.status"
}

figure() { sed -n "s/.*$2 *\([0-9][0-9]*\).*/\1/p" "$build/logs/$1" | tail -n 1; } # NAME PATTERN

row() { # NAME
    local name=$1 result=ok
    [ "$(cat "$build/logs/$name.status")" = 0 ] || result=BROKEN
    printf '%-16s %10s %8s %9s %6s  %s\n' "$name" "$(figure "$name" stat::number_of_executed_units:)" \
        "$(figure "$name" cov:)" "$(figure "$name" ft:)" "$(figure "$name" stat::new_units_added:)" $result
}

# What broke, in which input, and how to see it again.
explain() { # NAME
    local name=$1 input
    grep -E 'does not hold|ERROR: |runtime error' "$build/logs/$name" | head -n 3 | sed 's/^/     | /'
    input=$(sed -n 's/.*Test unit written to //p' "$build/logs/$name" | tail -n 1)
    echo "     | input:  ${input:-none was written; see $build/logs/$name}"
    [ -z "$input" ] || echo "     | replay: $build/bin/${name}_fuzz $input"
}

printf '%-16s %10s %8s %9s %6s  %s\n' target runs edges features new result
running=0
for name in "${targets[@]}"; do
    if [ $running -ge $at_a_time ]; then
        wait -n
        running=$((running - 1))
    fi
    fuzz "$name" &
    running=$((running + 1))
done
wait

broken=0
for name in "${targets[@]}"; do
    row "$name"
    if [ "$(cat "$build/logs/$name.status")" = 0 ]; then
        echo "ok nothing breaks $name" >>"$WALFERRY_RESULTS"
    else
        broken=$((broken + 1))
        explain "$name"
        echo "FAIL an input breaks $name" >>"$WALFERRY_RESULTS"
    fi
done
[ $broken = 0 ]
