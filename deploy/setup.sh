#!/usr/bin/env bash
# Installs the programs that NGlive (run) or its tests (test) need and this
# machine lacks. Says nothing and touches no network when all are there.
set -euo pipefail

purpose=${1:-}
missing=()

need() { # need PACKAGE COMMAND...: any of the commands will do
  local package=$1 command
  shift
  for command in "$@"; do
    if command -v "$command" >/dev/null; then return; fi
  done
  missing+=("$package")
}

need_file() { # need_file PACKAGE FILE...: any of the files will do
  local package=$1 file
  shift
  for file in "$@"; do
    if [ -e "$file" ]; then return; fi
  done
  missing+=("$package")
}

case $purpose in
  run) ;;
  test)
    need gcc gcc
    need chromium chromium chromium-browser google-chrome
    need curl curl
    need_file libc6-dev /usr/include/stdlib.h /usr/include/*/stdlib.h /Library/Developer/CommandLineTools
    need_file fonts-noto-cjk /usr/share/fonts/opentype/noto/NotoSansCJK* /usr/share/fonts/*/*CJK* /System/Library/Fonts/PingFang.ttc
    if [ "$(uname -s)" = Linux ]; then need systemd systemd-analyze; fi # only for its checker of units
    ;;
  *)
    echo "usage: deploy/setup.sh run|test" >&2
    exit 2
    ;;
esac
need ffmpeg ffmpeg
need_file ffmpeg "$(command -v ffprobe || echo /nowhere)"
need redis-server redis-server

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi

if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  {
    echo "NGlive needs programs that this machine lacks: ${missing[*]}"
    echo "NGlive 需要安装以下程序：${missing[*]}"
    if command -v apt-get >/dev/null; then
      echo "Install them, then run this again / 请先安装，再重新运行："
      echo "  sudo apt-get install ${missing[*]}"
    else
      echo "Install them with this system's package manager, then run this again."
      echo "请用系统的包管理器安装，再重新运行。"
    fi
  } >&2
  exit 1
fi

echo "Installing with apt-get / 正在用 apt-get 安装: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1
}
# The lists may be absent (a container) or old; installing from what is known
# comes first, so that a mirror that is down for a moment stops nobody.
if ! apt install --no-install-recommends "${missing[@]}"; then
  if ! { apt update && apt install --no-install-recommends "${missing[@]}"; }; then
    tail -n 20 "$log" >&2
    echo "apt-get could not install: ${missing[*]} (its last words stand above)" >&2
    echo "apt-get 安装未成功：${missing[*]}（原因见上）" >&2
    exit 1
  fi
fi
