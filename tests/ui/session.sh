# shellcheck shell=sh
# What the tests of the window have in common: a virtual X server, a guest that tells what it gets,
# and ringer in the background.  To be sourced with HERE, the folder of the tests, and the command as
# $1; exits with status 77 where Xvfb, xdotool or Xlib's headers are missing.

ringer=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/ringer-ui.XXXXXX")
server=
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; [ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
failed=0

skip() {
    echo "ui: skipped: $*"
    exit 77
}

for tool in Xvfb xdotool; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
${CC:-cc} -O1 -o "$dir/xwindow" "$here/xwindow.c" -lX11 2>"$dir/log" ||
    skip "Xlib's headers are not installed"
cd "$dir" || exit 1
# A sanitizer build is not to answer for what SDL and its libraries leave behind.
printf 'leak:%s\n' libSDL2 libdbus libX11 libxcb libpulse >leaks
export LSAN_OPTIONS="suppressions=$dir/leaks:print_suppressions=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}"
${CC:-cc} -E -x assembler-with-cpp -P "$here/pointer.S" -o pointer.s && as --32 -o pointer.o pointer.s &&
    ld -m elf_i386 -Ttext=0x7c00 --oformat binary -o pointer.img pointer.o || exit 1
truncate -s 1474560 pointer.img

# With the depth of a usual screen; the server picks a free number.
Xvfb -displayfd 3 -screen 0 1280x1024x24 -noreset -nolisten tcp >log 2>&1 3>number &
server=$!
for i in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -s number ] || break
    sleep 0.5
done
[ -s number ] || skip "Xvfb does not start: $(tail -n 1 log)"
DISPLAY=:$(cat number)
export DISPLAY
unset WAYLAND_DISPLAY SDL_VIDEODRIVER SDL_RENDER_DRIVER

fail() {
    echo "FAIL $*"
    failed=$((failed + 1))
}

# Commands for ringer's monitor come from a pipe that stays open.
mkfifo commands || exit 1
exec 4<>commands

# What the guest has written; waits up to half a minute for TEXT.
expect() { # TEXT WHAT
    for i in $(seq 150); do
        grep -qF "$1" serial 2>/dev/null && return
        sleep 0.2
    done
    fail "$2: '$1' is not in what the guest wrote: $(tail -c 200 serial)"
}

# The title has, or gets, TEXT.
title() {
    for i in $(seq 150); do
        xdotool getwindowname "$window" 2>/dev/null | grep -qF -- "$1" && return
        sleep 0.2
    done
    fail "the title has no '$1': $(xdotool getwindowname "$window")"
}

gone() { # WHAT
    for i in $(seq 150); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    if kill -0 "$pid" 2>/dev/null; then
        fail "$1: ringer is still there"
        kill -9 "$pid"
    fi
    wait "$pid"
    status=$?
    [ "$status" -eq 0 ] || fail "$1: exit status $status: $(cat stderr)"
    pid=
}

start() { # OPTION...
    rm -f serial
    "$ringer" -fda pointer.img -snapshot -serial file:serial -monitor stdio "$@" \
        <commands >answers 2>stderr &
    pid=$!
    expect ready "start"
    window=$(xdotool search --sync --onlyvisible --name ringer | head -n 1)
    xdotool windowfocus "$window"
}

