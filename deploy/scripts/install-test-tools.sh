#!/bin/sh
# Installs what the browser tests need and pip does not bring: Chromium, from Debian. Run it as root.
set -eu

if command -v chromium >/dev/null 2>&1; then
  echo "chromium is here: $(command -v chromium)"
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-test-tools: this script knows Debian only: install Chromium and put \`chromium\` on the PATH" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "install-test-tools: run it as root: sudo $0" >&2
  exit 1
fi
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium fonts-liberation
echo "chromium is here: $(command -v chromium)"
