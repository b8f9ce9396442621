#!/bin/sh
# The browser tests need Debian's Chromium and Korean fonts, the wire tests mosquitto_pub: installed when root, else said.
set -eu
missing=""
command -v chromium >/dev/null || missing="$missing chromium"
fc-list 2>/dev/null | grep -qi 'noto.*cjk' || missing="$missing fonts-noto-cjk fontconfig"
command -v mosquitto_pub >/dev/null || missing="$missing mosquitto-clients"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian's$missing ..."
  apt-get update -qq
  # shellcheck disable=SC2086  # package names are words
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "Missing for the whole test run:$missing. Install with: sudo apt-get install$missing" >&2
  exit 1
fi
