#!/bin/sh
# Installs Debian's Chromium and Japanese fonts for the browser tests, where this is root on a machine with apt-get.
# Elsewhere it says so and leaves it: the tests are then skipped with a reason, and CI fails on that skip.
set -eu
if [ -x /usr/bin/chromium ] && fc-list :lang=ja 2>/dev/null | grep -q .; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Chromium at /usr/bin/chromium is missing, and this is no machine to install it on: browser tests will be skipped."
  exit 0
fi
echo "Installing Chromium and Japanese fonts for the browser tests …"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk fontconfig; } >/dev/null 2>&1; then
  echo "Chromium could not be installed: browser tests will be skipped."
fi
