#!/bin/sh
# Makes a folder for the files of tests and prints it: in memory where there is room, for they are very many and small.
set -eu
room_kb=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
free_kb=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo 2>/dev/null || true)
place=${TMPDIR:-/tmp}
if [ "${room_kb:-0}" -gt 4000000 ] && [ "${free_kb:-0}" -gt 8000000 ] && [ -w /dev/shm ]; then place=/dev/shm; fi
folder=$(mktemp -d "$place/dure-tests.XXXXXX")
chmod 711 "$folder" # PostgreSQL refuses root: it runs as another user, who must get through
echo "$folder"
