#!/usr/bin/env bash
# Try a package in a fresh Debian 12: install, doctor, an analysis beside the source install, a window, no network,
# an upgrade, purge.
#
#     sudo packaging/try_deb.sh build/medassist_VERSION_amd64.deb [FOLDER]
#
# FOLDER (default: a new one under /tmp, which is removed) takes the root and what was written. Needs debootstrap and xz,
# and a source install (`make run` or `make test` made it) to compare with. The mirror is the one apt already uses.
set -euo pipefail
package=$(realpath "$1")
here=$(cd "$(dirname "$0")/.." && pwd)
folder=${2:-$(mktemp -d)}
[ -n "${2:-}" ] || trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"
root=$folder/root
sample=$here/resources/samples/RG1_J2KR.dcm
model=chest_xray_findings
source=${MEDASSIST_SOURCE:-$here/.venv/bin/medassist}
name=$(dpkg-deb --field "$package" Package)

step() { printf '\n== %s\n' "$*"; }
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
# No interface at all but a loopback that is down: what needs a network fails here, at once.
offline() { unshare --net chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"; }
# Every file outside homes, and what apt and the system note for themselves.
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./root -o -path ./home \
  -o -path ./var/log -o -path ./var/cache -o -path ./var/lib/apt -o -path ./var/lib/dpkg \) -prune -o -print) | sort; }

step "a fresh Debian 12"
if [ ! -e "$root/made" ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -1)
  rm -rf "$root"
  debootstrap --variant=minbase bookworm "$root" "$mirror" >"$folder/debootstrap.log"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  cp /etc/apt/sources.list.d/* "$root/etc/apt/sources.list.d/" 2>/dev/null || true
  [ ! -s /etc/apt/sources.list ] || cp /etc/apt/sources.list "$root/etc/apt/"
  [ ! -e "$root/etc/apt/sources.list.d/debian.sources" ] || rm -f "$root/etc/apt/sources.list"
  inside apt-get update -qq
  touch "$root/made"
fi
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/dev/pts" || mount -t devpts devpts "$root/dev/pts"
mountpoint -q "$root/sys" || mount -t sysfs -o ro sysfs "$root/sys"
undo() { umount "$root/dev/pts" "$root/proc" "$root/sys" 2>/dev/null || true; [ -n "${kept:-}" ] || rm -rf "$folder"; }
kept=${2:-}
trap undo EXIT
cp "$package" "$root/tmp/package.deb"

step "install what it depends on, so that only the package itself is looked at below"
depends=$(dpkg-deb --field "$package" Depends | tr -d ' ' | tr ',' ' ')
# shellcheck disable=SC2086 - a list of names
inside apt-get install -qq --yes --no-install-recommends $depends fonts-noto-cjk xvfb xauth >"$folder/depends.log"
files >"$folder/before.txt"

step "install the package from its file"
inside apt-get install -qq --yes --no-install-recommends /tmp/package.deb >"$folder/install.log"
inside medassist --version

step "doctor, without a network"
offline medassist doctor --json >"$folder/doctor.json" || { cat "$folder/doctor.json"; exit 1; }
offline medassist doctor

step "an analysis, without a network, beside the source install"
cp "$sample" "$root/tmp/film.dcm"
offline medassist analyze /tmp/film.dcm -m "$model" -o /tmp/report --explain none
MEDASSIST_CACHE=$folder/cache "$source" analyze "$sample" -m "$model" -o "$folder/source" --explain none
python3 - "$root/tmp/report/result.json" "$folder/source/result.json" <<'PYTHON'
import json, sys
packaged, source = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
for told in (packaged, source):  # every run gives a finding a number of its own
    told["classes"] = [{key: one[key] for key in one if key != "tracking_uid"} for one in told["classes"]]
for key in ("model", "classes", "suitability"):
    assert packaged[key] and packaged[key] == source[key], f"{key} differs:\n{packaged[key]}\n{source[key]}"
print("the same scores:", ", ".join(f"{one['label']} {one['probability']}" for one in packaged["classes"]))
PYTHON

step "a window under Xvfb, without a network"
offline xvfb-run -a -s "-screen 0 1600x1000x24" medassist open /tmp/film.dcm --model "$model" --screenshot /tmp/window.png
cp "$root/tmp/window.png" "$folder/window.png"

step "sockets: what the namespace offered"
unshare --net cat /proc/net/dev

step "the same version over it, as an upgrade: what users have stays"
kept_data=$root$(inside sh -c 'echo "$HOME"')/.local/share/medassist
[ -d "$kept_data" ] || { echo "the program noted nothing in the home of its user"; exit 1; }
before=$(cd "$kept_data" && find . -type f -exec sha256sum {} + | sort)
inside apt-get install -qq --yes --reinstall --no-install-recommends /tmp/package.deb >"$folder/upgrade.log"
[ "$before" = "$(cd "$kept_data" && find . -type f -exec sha256sum {} + | sort)" ] || { echo "an upgrade changed them"; exit 1; }
offline medassist --version

step "purge"
inside apt-get purge -qq --yes "$name" >"$folder/purge.log"
files >"$folder/after.txt"
# An empty /opt goes with the package that was the only one in it; what came and stayed is what matters.
if comm -13 "$folder/before.txt" "$folder/after.txt" | grep .; then
  echo "the package left these behind"; exit 1
fi
[ "$before" = "$(cd "$kept_data" && find . -type f -exec sha256sum {} + | sort)" ] || { echo "purge took what was a user's"; exit 1; }
echo "nothing is left but what is a user's own"
