#!/bin/sh
# Makes .venv and installs the locked set named by $1 (run, dev or bench). Quick when nothing changed.
set -eu
cd "$(dirname "$0")/.."
set_name=${1:-run}
HOME=${HOME:-$PWD/.venv}
export HOME

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Dure needs python3 >= 3.11; set PYTHON=/path/to/python3 to choose one." >&2
  exit 1
fi
if [ ! -x .venv/bin/pip ]; then
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      echo "Installing Debian's python3-venv ..."
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    else
      echo "This python3 cannot make environments. Install Debian's package python3-venv and try again." >&2
      exit 1
    fi
  fi
  "$python" -m venv .venv
fi

stamp=$(cat "requirements/$set_name.txt" requirements/bootstrap.txt pyproject.toml | sha256sum | cut -d' ' -f1)
# A larger set serves a smaller one.
case $set_name in run) enough="run dev bench" ;; dev) enough="dev bench" ;; *) enough=bench ;; esac
for have in $enough; do
  [ "$(cat ".venv/.installed-$have" 2>/dev/null)" = "$(cat "requirements/$have.txt" requirements/bootstrap.txt pyproject.toml | sha256sum | cut -d' ' -f1)" ] && exit 0
done

echo "Installing Dure's locked dependencies ($set_name) ..."
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements/bootstrap.txt
UV_COMPILE_BYTECODE_TIMEOUT=600 .venv/bin/uv --system-certs pip install --quiet --compile-bytecode --require-hashes -r "requirements/$set_name.txt"
.venv/bin/uv --system-certs pip install --quiet --no-deps --no-build-isolation --no-config -e .
# Bytecode is made here once: a first start would spend half of its time on it, and every start where none may be written.
.venv/bin/python -m compileall -q -j 0 src/dure
# The loop of quality control is compiled once here, so that nobody waits for it later.
.venv/bin/python -m dure.services.environment.checks.quality_kernel
# So are those of the buildings' models; without them a first fit only takes longer.
.venv/bin/python -m dure.services.buildings.modelling.compiling || echo "The models' loops will be compiled when they are first needed." >&2
echo "$stamp" > ".venv/.installed-$set_name"
