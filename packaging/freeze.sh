#!/usr/bin/env bash
# Freeze the program of this checkout into build/dist, in an environment made from packaging/lock alone.
#
#     packaging/freeze.sh [cpu|cuda]
#
# PYTHON names the interpreter (default python3.11); PIP_FIND_LINKS a folder with the CPU build of torch, where PyTorch's
# own index is out of reach.
set -euo pipefail
cd "$(dirname "$0")/.."
flavour=${1:-cpu}
python=${PYTHON:-python3.11}
environment=build/environment-$flavour
lock=packaging/lock/linux-cpu.txt
index=(--extra-index-url https://download.pytorch.org/whl/cpu)
[ -z "${PIP_FIND_LINKS:-}" ] || index=()
[ "$flavour" = cpu ] || { lock=packaging/lock/universal.txt; index=(); }
case "$(uname -s)" in Linux) ;; *) lock=packaging/lock/universal.txt; index=() ;; esac

stamp=$(cat "$lock" packaging/lock/build.txt | cksum)
if [ "$(cat "$environment/stamp" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$environment"
  "$python" -m venv "$environment"
  pip=("$environment/bin/python" -m pip install --quiet --disable-pip-version-check)
  "${pip[@]}" --require-hashes "${index[@]}" -r "$lock"
  "${pip[@]}" --require-hashes -r packaging/lock/build.txt
  echo "$stamp" >"$environment/stamp"
fi
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
  --force-reinstall .

# Equal trees shall give equal packages: sets are walked in one order, and files carry the time of the last commit.
export PYTHONHASHSEED=0 SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
QT_QPA_PLATFORM=offscreen "$environment/bin/python" packaging/make_icons.py build/icons
rm -rf build/dist build/work
"$environment/bin/pyinstaller" --noconfirm --log-level WARN --distpath build/dist --workpath build/work packaging/medassist.spec
