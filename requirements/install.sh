# Sourced by ./up and ./test: what both need to install, with one line of words per step.

root=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
python=$root/.venv/bin/python
# uv brings certificates of its own; where a proxy signs with another authority, the system's are right.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"

say() { printf '%s\n' "› $*"; }
warn() { printf '%s\n' "! $*" >&2; }
die() {
    warn "$*"
    exit 1
}

# fingerprint FILE…: one word that changes when any of them does
fingerprint() { cat "$@" | cksum | tr ' ' '-'; }

# done_before STAMP WORD: whether this step was finished with the same inputs
done_before() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

can_install_packages() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# debian PACKAGE…: installs them, or says which line a person must run
debian() {
    if ! can_install_packages; then
        warn "missing: $*. To install: sudo apt-get install --yes $*"
        return 1
    fi
    say "Installing from Debian: $*"
    install="env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends"
    as_root $install "$@" >/dev/null 2>&1 && return 0
    as_root apt-get update --quiet=2 >/dev/null || true
    as_root $install "$@" >/dev/null || {
        warn "could not install: $*"
        return 1
    }
}

suitable() { "$1" -c 'import sys, venv, ssl; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.14 /usr/bin/python3; do
        command -v "$candidate" >/dev/null && suitable "$candidate" && command -v "$candidate" && return 0
    done
    return 1
}

make_environment() {
    if [ -x "$python" ] && suitable "$python" && "$python" -m pip --version >/dev/null 2>&1; then
        return 0
    fi
    found=$(find_python) || die "Python 3.11 or newer was not found: install it, or name it: PYTHON=/path/to/python3 $0"
    say "Creating .venv with $("$found" --version)"
    "$found" -m venv --clear "$root/.venv" >/dev/null 2>&1 && return 0
    debian python3-venv || die "this Python cannot create environments"
    "$found" -m venv --clear "$root/.venv"
}

# locked PYTHON FILE…: installs hash-locked requirement files into the environment of PYTHON
locked() {
    target=$1
    shift
    set -- $(printf ' --requirement %s' "$@")
    "$root/.venv/bin/uv" pip install --quiet --python "$target" --require-hashes "$@" && return 0
    say "Trying again with pip"
    "$python" -m pip --python "$target" install -qq --require-hashes "$@"
}

# install_alongside FILE: the locked requirements in FILE, and this checkout itself
install_alongside() {
    make_environment
    wanted=$(fingerprint "$root/pyproject.toml" "$root/requirements/bootstrap.txt" "$root/requirements/$1")
    done_before "$root/.venv/.installed-$1" "$wanted" && return 0
    say "Installing what Alongside needs (requirements/$1, by hash)"
    "$python" -m pip install -qq --require-hashes --requirement "$root/requirements/bootstrap.txt"
    locked "$python" "$root/requirements/$1"
    "$root/.venv/bin/uv" pip install --quiet --python "$python" --no-deps --no-build-isolation --editable "$root"
    echo "$wanted" >"$root/.venv/.installed-$1"
}
