#!/bin/sh
# Installs what tests need and pip does not bring, from Debian: Chromium for pages, Prometheus for metrics and alerts.
# Run it as root.
set -eu

wanted=""
command -v chromium >/dev/null 2>&1 || wanted="$wanted chromium fonts-liberation"
{ command -v prometheus && command -v promtool; } >/dev/null 2>&1 || wanted="$wanted prometheus"
if [ -z "$wanted" ]; then
  echo "chromium and prometheus are here: $(command -v chromium) $(command -v prometheus)"
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-test-tools: this script knows Debian only: install Chromium and Prometheus and put \`chromium\`, \`prometheus\` and \`promtool\` on the PATH" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "install-test-tools: run it as root: sudo $0" >&2
  exit 1
fi
apt-get update
# Debian's package would start a Prometheus of its own where there is a service manager; nobody asked for one.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
# shellcheck disable=SC2086 # a list of packages
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $wanted
echo "chromium and prometheus are here: $(command -v chromium) $(command -v prometheus)"
