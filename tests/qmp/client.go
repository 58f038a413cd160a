// Drives ringer by two QMP clients that know nothing of it: go-qemu (Debian's
// golang-github-digitalocean-go-qemu-dev) and govmm (golang-github-kata-containers-govmm-dev), as
// the virtual machine managers that are built on them do.  Usage: client SOCKET FOLDER
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/digitalocean/go-qemu/qemu"
	"github.com/digitalocean/go-qemu/qmp"
	govmm "github.com/kata-containers/govmm/qemu"
)

func check(what string, err error) {
	if err != nil {
		fmt.Printf("FAIL %s: %v\n", what, err)
		os.Exit(1)
	}
	fmt.Printf("ok %s\n", what)
}

func must(what string, ok bool, got interface{}) {
	if !ok {
		check(what, fmt.Errorf("got %v", got))
	}
	fmt.Printf("ok %s\n", what)
}

func status(d *qemu.Domain, wanted qemu.Status) {
	s, err := d.Status()
	check("query-status", err)
	must("status "+wanted.String(), s == wanted, s)
}

// An event of the stream, others passed over.
func event(stream chan qmp.Event, name string) {
	limit := time.After(60 * time.Second)
	for {
		select {
		case e := <-stream:
			if e.Event == name {
				fmt.Printf("ok event %s\n", name)
				return
			}
		case <-limit:
			check("event "+name, fmt.Errorf("it did not come"))
		}
	}
}

func run(d *qemu.Domain, name string, arguments interface{}) string {
	out, err := d.Run(qmp.Command{Execute: name, Args: arguments})
	check(name, err)
	return string(out)
}

type object = map[string]interface{}

func media(d *qemu.Domain, folder string, stream chan qmp.Event) {
	devices, err := d.BlockDevices()
	check("query-block", err)
	found := false
	for _, b := range devices {
		found = found || b.Device == "cd"
	}
	must("the CD drive's name", found, devices)
	_, err = d.BlockStats()
	check("query-blockstats", err)
	run(d, "blockdev-change-medium", object{"device": "cd", "filename": filepath.Join(folder, "b.iso")})
	event(stream, "DEVICE_TRAY_MOVED")
	run(d, "eject", object{"id": "cd0", "force": true})
	event(stream, "DEVICE_TRAY_MOVED")
	_, err = d.Run(qmp.Command{Execute: "eject", Args: object{"device": "nowhere"}})
	must("eject of what is not there fails", err != nil, err)
}

func input(d *qemu.Domain, folder string) {
	key := []object{{"type": "qcode", "data": "a"}}
	run(d, "send-key", object{"keys": key, "hold-time": 10})
	motion := object{"type": "rel", "data": object{"axis": "x", "value": 5}}
	run(d, "input-send-event", object{"events": []object{motion}})
	screen, err := d.ScreenDump()
	check("screendump", err)
	picture, err := io.ReadAll(screen)
	check("its file", err)
	must("a picture", strings.HasPrefix(string(picture), "P6"), len(picture))
	memory := filepath.Join(folder, "memory")
	run(d, "pmemsave", object{"val": 0, "size": 4096, "filename": memory})
	saved, err := os.Stat(memory)
	check("its file", err)
	must("its size", saved.Size() == 4096, saved.Size())
	text := run(d, "human-monitor-command", object{"command-line": "info registers"})
	must("info registers", strings.Contains(text, "EAX="), text)
}

func goQemu(socket, folder string) {
	monitor, err := qmp.NewSocketMonitor("unix", socket, 10*time.Second)
	check("a socket monitor", err)
	check("greeting and capabilities", monitor.Connect())
	d, err := qemu.NewDomain(monitor, "test")
	check("a domain", err)
	events, _, err := d.Events()
	check("events", err)
	stream := make(chan qmp.Event, 1024) // go-qemu waits for whoever does not take its events
	go func() {
		for e := range events {
			stream <- e
		}
	}()
	version, err := d.Version()
	check("query-version", err)
	fmt.Printf("ok version %s\n", version)
	commands, err := d.Commands()
	check("query-commands", err)
	must("many commands", len(commands) > 40, commands)
	status(d, qemu.StatusRunning)
	functions, err := d.PCIDevices()
	check("query-pci", err)
	must("PCI functions", len(functions) > 3, functions)
	media(d, folder, stream)
	input(d, folder)
	run(d, "stop", nil)
	event(stream, "STOP")
	status(d, qemu.StatusPaused)
	run(d, "cont", nil)
	event(stream, "RESUME")
	check("system_reset", d.SystemReset())
	event(stream, "RESET")
	check("system_powerdown", d.SystemPowerdown())
	event(stream, "POWERDOWN")
	check("close", monitor.Disconnect())
}

type quiet struct{}

func (quiet) V(int32) bool                             { return false }
func (quiet) Infof(format string, v ...interface{})    {}
func (quiet) Warningf(format string, v ...interface{}) {}
func (quiet) Errorf(format string, v ...interface{})   { fmt.Printf(format+"\n", v...) }

func vmm(socket, folder string) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	gone := make(chan struct{})
	events := make(chan govmm.QMPEvent, 64)
	q, version, err := govmm.QMPStart(ctx, socket, govmm.QMPConfig{Logger: quiet{}, EventCh: events}, gone)
	check("govmm connects", err)
	must("its version", version.Major == 7, version)
	check("qmp_capabilities", q.ExecuteQMPCapabilities(ctx))
	check("stop", q.ExecuteStop(ctx))
	is, err := q.ExecuteQueryStatus(ctx)
	check("query-status", err)
	must("paused", is.Status == "paused", is)
	check("cont", q.ExecuteCont(ctx))
	cpus, err := q.ExecQueryCpusFast(ctx)
	check("query-cpus-fast", err)
	must("one CPU", len(cpus) == 1, cpus)
	_, err = q.ExecQueryMemoryDevices(ctx)
	check("query-memory-devices", err)
	check("dump-guest-memory",
		q.ExecuteDumpGuestMemory(ctx, "file:"+filepath.Join(folder, "core"), false, "elf"))
	check("quit", q.ExecuteQuit(ctx))
	select {
	case <-gone:
		fmt.Println("ok end")
	case <-ctx.Done():
		check("end", ctx.Err())
	}
}

func main() {
	goQemu(os.Args[1], os.Args[2])
	vmm(os.Args[1], os.Args[2])
}
