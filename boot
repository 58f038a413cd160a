#!/bin/sh
# Build ringer and boot something with it.
#   ./boot                   Debian's i386 Linux with a BusyBox shell, in a window, or in this
#                            terminal where there is no display
#   ./boot IMAGE             a floppy, disk or kernel image, recognised by its content
#   ./boot OPTION...         any options of the command ringer (build/ringer -help)
# Missing Debian packages are installed first, with sudo where the user is not root.
set -eu

top=$(cd "$(dirname "$0")" && pwd)
build=$top/build

"$top/tests/tools/packages" build guest
"$top/tests/tools/build" "$build" -DBUILD_TESTING=OFF

if [ $# -gt 0 ]; then
    exec "$build/ringer" "$@"
fi

echo "Fetching Debian's kernel and BusyBox, unless they are here already..."
guest=$("$top/tests/tools/linux-guest" 686)
if [ -n "${DISPLAY-}${WAYLAND_DISPLAY-}" ]; then
    echo "Booting $(cat "$guest/linux-686/package"); Ctrl-Alt-H lists the window's keys."
    exec "$build/ringer" -m 256 -kernel "$guest/linux-686/vmlinuz" -initrd "$guest/initrd.gz"
fi
echo "Booting $(cat "$guest/linux-686/package"); Ctrl-A x ends ringer, 'poweroff' the guest."
exec "$build/ringer" -m 256 -kernel "$guest/linux-686/vmlinuz" -initrd "$guest/initrd.gz" \
    -append "console=ttyS0" -nographic
