#!/bin/sh
# Makes the base image of every Alongside image without an image registry: a minimal Debian with
# Python, from the Debian mirror that this machine's apt is configured with.
#
#   deploy/images/make-base.sh [TAG]          default alongside/base:12
#
# The root file system is kept under .cache/ (or ALONGSIDE_CACHE) and built once; importing it into
# another engine (DOCKER_HOST) takes seconds. Needs root, mmdebstrap and the docker command.
set -eu

tag=${1:-alongside/base:12}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${ALONGSIDE_CACHE:-$here/../../.cache}/images
tarball=$cache/base-12.tar
packages=python3,python3-pip,python3-venv,ca-certificates

for needed in mmdebstrap docker; do
    command -v "$needed" >/dev/null || {
        echo "make-base.sh: $needed is missing (Debian packages: mmdebstrap, docker.io)" >&2
        exit 1
    }
done

if docker image inspect "$tag" >/dev/null 2>&1; then
    echo "$tag is there"
    exit 0
fi

if [ ! -s "$tarball" ]; then
    mkdir -p "$cache"
    echo "Making a minimal Debian with Python (about a minute, once)"
    # A second builder waits here for the first, then finds the file.
    exec 9>"$cache/base.lock"
    flock 9
fi
if [ ! -s "$tarball" ]; then
    # No mirror is named here: mmdebstrap reads the machine's own apt sources.
    sources=$(mktemp)
    trap 'rm -f "$sources"' EXIT
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
        [ -s "$file" ] && cat "$file" >>"$sources"
    done
    [ -s "$sources" ] || { echo "make-base.sh: apt has no Debian source on this machine" >&2; exit 1; }
    # A frozen mirror is older than its signatures allow; follow what this machine decided about that.
    freshness=$(apt-config dump Acquire::Check-Valid-Until)
    mmdebstrap --quiet --format=tar --variant=minbase --include="$packages" \
        --aptopt="${freshness:-Acquire::Check-Valid-Until \"true\";}" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/resolv.conf' \
        bookworm "$tarball.part" "$sources"
    mv "$tarball.part" "$tarball"
fi

docker import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1' \
    --change 'CMD ["/bin/sh"]' \
    "$tarball" "$tag" >/dev/null
echo "$tag imported ($(du -h "$tarball" | cut -f1))"
