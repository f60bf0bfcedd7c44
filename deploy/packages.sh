#!/usr/bin/env bash
# Installs the packages of packages.txt that are missing. Costs one dpkg-query when nothing is.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

if ! command -v dpkg-query >/dev/null; then
  echo "This is not a Debian system: install the equivalents of $here/packages.txt by hand." >&2
  exit 0
fi

installed=$(dpkg-query --show --showformat '${Package} ${db:Status-Status}\n')
missing=()
while read -r package command; do
  [[ -z $package || $package == \#* ]] && continue
  [[ -n $command ]] && command -v "$command" >/dev/null && continue
  grep -qxF "$package installed" <<<"$installed" || missing+=("$package")
done <"$here/packages.txt"
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "Missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# Debian's nginx package would start a server of its own on port 80 of every interface; policy-rc.d is how an
# administrator says no to that. Ours goes away again with this script.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  "${as_root[@]}" install -m 0755 /dev/stdin "$policy" <<<$'#!/bin/sh\nexit 101'
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

echo "Installing ${#missing[@]} packages: ${missing[*]}"
apt_get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120)
"${apt_get[@]}" update </dev/null
"${apt_get[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null
if [[ " ${missing[*]} " == *" nginx "* && -d /run/systemd/system ]]; then
  "${as_root[@]}" systemctl disable nginx.service  # nor should it start at the next boot
fi
