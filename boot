#!/bin/sh
# Build ringer and boot something with it.
#   ./boot                   Debian's i386 Linux with a BusyBox shell, in a window, or in this
#                            terminal where there is no display
#   ./boot IMAGE             a floppy, disk or kernel image, recognised by its content
#   ./boot OPTION...         any options of the command ringer (build/ringer -help); where they name
#                            nothing to boot it is the Linux above, with these options
# Missing Debian packages are installed first, with sudo where the user is not root.
set -eu

top=$(cd "$(dirname "$0")" && pwd)
build=$top/build

"$top/tests/tools/packages" build guest
"$top/tests/tools/build" "$build" -DBUILD_TESTING=OFF

# What the options say: do they name something to boot, or are none that boot (help)?  Do they choose a
# display, or want none?
own=
display=
headless=
look() { # ARGUMENT...
    # Those without a value, of which "-help" does not show all.
    flags=" $("$build/ringer" -help | sed -n 's/^  -\([^ =[]*\)\(  .*\|\[.*\)/\1/p' | tr '\n' ' ')
        no-user-config nodefconfig no-fd-bootchk "
    while [ $# -gt 0 ]; do
        name=${1#-}
        name=${name#-}
        value=
        case $1 in
        -*=*)
            value=${name#*=}
            name=${name%%=*}
            ;;
        -?*)
            case $flags in
            *[[:space:]]"$name"[[:space:]]*) ;;
            *)
                value=${2-}
                [ $# -lt 2 ] || shift
                ;;
            esac
            ;;
        *) name=kernel ;; # an image, or a tool of ringer's
        esac
        case $name in
        kernel | fd[ab] | hd[abcd] | cdrom | drive | blockdev | readconfig | bios | option-rom | \
            h | help | version | audio-help) own=1 ;;
        display | vnc | full-screen) display=1 ;;
        nographic) display=1 headless=1 ;;
        esac
        case $name:$value in
        *:help | *:\? | *,help | *,\?) own=1 ;;
        machine:*kernel=* | machine:*firmware=* | M:*kernel=* | M:*firmware=*) own=1 ;;
        machine:*graphics=off* | M:*graphics=off* | display:none) headless=1 display=1 ;;
        esac
        shift
    done
}
look "$@"
if [ -n "$own" ]; then
    exec "$build/ringer" "$@"
fi

echo "Fetching Debian's kernel and BusyBox, unless they are here already..."
guest=$("$top/tests/tools/linux-guest" 686)
if [ -z "$display" ] && [ -z "${DISPLAY-}${WAYLAND_DISPLAY-}" ]; then
    headless=1
    set -- -nographic "$@"
fi
if [ -n "$headless" ]; then
    echo "Booting $(cat "$guest/linux-686/package"); Ctrl-A x ends ringer, 'poweroff' the guest."
    set -- -append console=ttyS0 "$@"
else
    echo "Booting $(cat "$guest/linux-686/package"); Ctrl-Alt-H lists the window's keys."
fi
exec "$build/ringer" -m 256 -kernel "$guest/linux-686/vmlinuz" -initrd "$guest/initrd.gz" "$@"
