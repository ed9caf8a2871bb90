#!/bin/sh
# Builds Alongside's own images: deploy/images/build.sh [task] [web] [demo-tools]; all without arguments.
#
# BASE names another base image with Python and its venv module (default: that of make-base.sh). Wheels
# are fetched outside the image, by the pip this machine is configured with; the build itself has no network.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
cache=${ALONGSIDE_CACHE:-$root/.cache}/images
python=${PYTHON:-$root/.venv/bin/python}
base=${BASE:-alongside/base:12}

# For the Python of the image, whatever Python this machine has: the lock file's conditions are decided
# for it first, because pip decides them for the Python that runs it.
wheels() {
    version=$(docker run --rm --network none "$base" python3 -c 'import platform; print(platform.python_version())')
    abi=$(echo "$version" | sed 's/\([0-9]*\)\.\([0-9]*\).*/cp\1\2/')
    arch=$(uname -m)
    "$(dirname "$python")/uv" pip compile --quiet --no-header --no-deps --generate-hashes \
        --no-emit-index-url --no-emit-find-links \
        --python-version "$version" --python-platform "$arch-manylinux_2_28" \
        --output-file "$2" "$root/requirements/demo.txt" >/dev/null
    "$python" -m pip download --quiet --dest "$1" --only-binary=:all: --require-hashes --no-deps \
        --implementation cp --python-version "$version" --abi "$abi" --abi abi3 --abi none \
        --platform "manylinux_2_28_$arch" --platform "manylinux_2_27_$arch" \
        --platform "manylinux_2_24_$arch" --platform "manylinux_2_17_$arch" \
        --platform "manylinux2014_$arch" --platform "manylinux_2_12_$arch" \
        --platform "manylinux2010_$arch" --platform "manylinux_2_5_$arch" --platform "manylinux1_$arch" \
        --requirement "$2"
}

demo_context() {
    context=$cache/demo-tools
    rm -rf "$context"
    mkdir -p "$context/context/tools" "$cache/wheels"
    cp "$here/demo-tools/Dockerfile" "$context"
    wheels "$cache/wheels" "$context/context/requirements.txt"
    cp -r "$cache/wheels" "$context/context/wheels"
    cp -r "$root/deploy/tools" "$context/source"
    "$python" -m pip wheel --quiet --no-deps --no-build-isolation \
        --wheel-dir "$context/context/tools" "$context/source"
    rm -rf "$context/source"
}

# An image is built again only if what it is made of has changed.
build() {
    name=alongside/$1:0.1.0
    # shellcheck disable=SC2046
    made_of=$( (echo "$base"; cat $(find "$here/$1" ${2:-} -type f ! -name '*.pyc' | sort)) | sha256sum | cut -d' ' -f1)
    there=$(docker image inspect --format '{{index .Config.Labels "alongside.made-of"}}' "$name" 2>/dev/null || true)
    if [ "$there" = "$made_of" ]; then
        echo "$name is there"
        return
    fi
    echo "Building $name"
    folder=$here/$1
    if [ "$1" = demo-tools ]; then
        demo_context
        folder=$cache/demo-tools
    fi
    # Without the buildx plugin the docker command only has the engine's own builder.
    docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
    # Its warnings, such as that of the old builder about itself, are shown only when it fails.
    said=$(docker build --quiet --network none --build-arg "BASE=$base" --label "alongside.made-of=$made_of" \
        --tag "$name" "$folder" 2>&1) || fail "$said"
    echo "$name built"
}

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

docker version >/dev/null 2>&1 ||
    fail "no Docker Engine answers: apt-get install docker.io (or start dockerd), and be in the group docker"
[ -x "$python" ] || fail "$python is missing: run ./up once, or name a Python with uv and pip: PYTHON=…"

[ -n "${BASE:-}" ] || "$here/make-base.sh" "$base"
for image in ${*:-task web demo-tools}; do
    case $image in
    task | web) build "$image" ;;
    demo-tools) build demo-tools "$root/deploy/tools $root/requirements/demo.txt" ;;
    *) fail "there is no image $image here (task, web, demo-tools)" ;;
    esac
done
