# To be sourced, with $here naming this folder: Debian's packages for i386, fetched by i386-apt, which
# leaves the system's own architectures and lists as they are; nothing is installed.
# Sets $cache (what is made is kept there) and $work (after prepare; removed at the end).

tool=$(basename "$0")
cache=${RINGER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringer}
work=
lists_ready=

fail() {
    echo "$tool: $*" >&2
    exit 1
}

cleanup() {
    [ -z "$work" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

prepare() {
    [ -n "$work" ] || work=$(mktemp -d "${TMPDIR:-/tmp}/ringer-guest.XXXXXX")
}

apt_prepare() {
    prepare
    [ -z "$lists_ready" ] || return 0
    "$here/i386-apt" "$work"
    lists_ready=1
}

# fetch PACKAGE: download it, and print the name of its file.
fetch() {
    rm -f "$work"/*.deb
    if ! (cd "$work" && APT_CONFIG=$work/apt.conf apt-get download "$1" >get.log 2>&1); then
        cat "$work/update.log" "$work/get.log" >&2
        fail "cannot fetch Debian's i386 package '$1'; is the network there, and a Debian 12 source?"
    fi
    ls "$work"/*.deb
}

# unpack PACKAGE FOLDER [NAME...]: download it and leave its files (only these) in FOLDER.
unpack() {
    apt_prepare
    deb=$(fetch "$1")
    folder=$2
    shift 2
    mkdir -p "$folder"
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$folder" "$@"
    rm -f "$deb"
}

# pack FOLDER: the files of it that standard input lists, one a line, and their folders, as a compressed
# archive that the kernel unpacks into its root.
pack() {
    sort -u >"$work/list"
    {
        sed 's,/[^/]*$,,' "$work/list" | while read -r name; do
            while [ "$name" != . ]; do
                echo "$name"
                name=$(dirname "$name")
            done
        done
        cat "$work/list"
    } | LC_ALL=C sort -u | (cd "$1" && cpio --quiet -o -H newc -R +0:+0 --reproducible) | gzip -9n
}
