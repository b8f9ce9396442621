#!/bin/sh
# Locks every dependency by hash, without naming the index it came from (docs/decisions/0002).
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
"$uv" --system-certs lock --quiet
for set in run dev bench; do
  case $set in
    run) groups="--group assets --group build" ;;
    dev) groups="--group dev --group build" ;;
    bench) groups="--group dev --group bench --group build" ;;
  esac
  # shellcheck disable=SC2086  # groups are words
  "$uv" --system-certs export --quiet --frozen --no-default-groups $groups --extra geo --no-emit-project --no-annotate \
    --no-header --format requirements-txt -o "requirements/$set.txt"
done
"$uv" --version | awk '{print "uv==" $2}' > requirements/bootstrap.txt
