#!/usr/bin/env bash
# When a failed unit is told, by the script that systemd runs for it: packaging/systemd/tell-failure.
. "$(dirname "$0")/../lib/integration.sh" "$1"

# told UNIT STATUS: whether it tells.
told() { STATE_DIRECTORY=$work MONITOR_EXIT_STATUS=$2 sh "$tests/../packaging/systemd/tell-failure" "$1" | grep -q '^<1>'; }
# was UNIT SINCE SEEN: as if that unit had failed so many hours ago for the first and for the last time.
was() { echo "$(($(date +%s) - $2 * 3600)) $(($(date +%s) - $3 * 3600)) 0" >"$work/$1"; }

backup_under_way() {
    local unit=walferry-backup.service
    no told $unit 5
    was $unit 1 1
    no told $unit 5
    was $unit 24 24
    told $unit 5
    no told $unit 5
    # Months ago it was another matter.
    was $unit 2000 1500
    no told $unit 5
}
check "a backup that finds another one under way is told when the next night's does as well" backup_under_way

others() {
    told walferry-backup@second.service 1
    told walferry-backup.service 3
    no told walferry-drain.service 4
    told walferry-drain@second.service 3
}
check "any other failed backup is told at once, a drain's passing trouble is not" others

# A systemctl that says one of the words in $work/states after the other, and keeps to the last.
cat >"$work/bin/systemctl" <<SH
#!/bin/sh
read -r state <"$work/states"
[ "\$(wc -l <"$work/states")" = 1 ] || sed -i 1d "$work/states"
echo "\$state"
SH
chmod 755 "$work/bin/systemctl"
states() { printf '%s\n' "$@" >"$work/states"; }
follower() {
    local unit=walferry-follow@walferry.service
    states activating activating active
    no told $unit KILL
    no test -e "$work/$unit"
    states inactive
    no told $unit KILL
    states activating active activating failed
    told $unit KILL
    no told $unit KILL
}
check "a follower is told when it stays down, not for each death after which systemd starts it again" follower
