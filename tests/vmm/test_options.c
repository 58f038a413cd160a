/* The command line. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/model.h"
#include "ringer/log.h"
#include "vmm/options.h"
#include "vmm/property.h"

enum { MAX_ARGS = 24 };

static _Thread_local struct options last; /* owns what the present result points to */

/* Split TEXT at blanks ('_' stands for one inside a word) and parse it. */
static bool parse(const char *text, struct options *o, struct error *err)
{
    static _Thread_local char copy[1024]; /* options point into it */
    char *argv[MAX_ARGS];
    int argc = 0;

    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok(copy, " "); word && argc < MAX_ARGS; word = strtok(NULL, " "))
        argv[argc++] = word;
    err->text[0] = 0;
    options_free(&last);
    bool ok = options_parse(&last, argc, argv, err);
    *o = last;
    return ok;
}

START_TEST(defaults)
{
    struct options o;
    struct error err;

    ck_assert(parse("", &o, &err));
    ck_assert_uint_eq(o.ram_bytes, 128u << 20);
    ck_assert_ptr_eq(o.model, cpu_model_find("max"));
    ck_assert_str_eq(o.boot_order, "cad");
    ck_assert_uint_eq(o.serials, 0);
    ck_assert(!o.snapshot && !o.no_reboot && !o.start_stopped);
    ck_assert_int_gt(o.rtc_epoch, 1500000000);
}
END_TEST

START_TEST(a_full_command_line)
{
    struct options o;
    struct error err;

    ck_assert_msg(
        parse("-m 1G --fda a.img -hdb b.img -snapshot -boot once=a,order=ca -cpu 486 c.img", &o,
              &err),
        "%s", err.text);
    ck_assert_uint_eq(o.ram_bytes, 1u << 30);
    ck_assert_str_eq(o.floppy[0]->file, "a.img");
    ck_assert_str_eq(o.ide[1]->file, "b.img");
    ck_assert_str_eq(o.boot_order, "ca");
    ck_assert_str_eq(o.boot_once, "a");
    ck_assert(o.snapshot);
    ck_assert_ptr_eq(o.model, cpu_model_find("486"));
    ck_assert_uint_eq(o.image_count, 1);
    ck_assert_str_eq(o.images[0], "c.img");
    ck_assert(parse("-device isa-debug-exit,iobase=0xf4,iosize=4 -d int,mmu -translator "
                    "check=on,cache=8M,max-insns=1",
                    &o, &err));
    ck_assert_str_eq(o.devices[0].model->name, "isa-debug-exit");
    ck_assert_uint_eq(device_number(&o.devices[0], "iobase"), 0xf4);
    ck_assert_uint_eq(device_number(&o.devices[0], "iosize"), 4);
    ck_assert_uint_eq(o.log_channels, LOG_INT | LOG_MMU);
    ck_assert(o.translator.check);
    ck_assert_uint_eq(o.translator.cache_bytes, 8u << 20);
    ck_assert_uint_eq(o.translator.max_insns, 1);
}
END_TEST

/* QEMU's other spellings of the same. */
START_TEST(other_words)
{
    struct options o;
    struct error err;

    ck_assert_msg(parse("-boot dc,menu=on,splash-time=5", &o, &err), "%s", err.text);
    ck_assert_str_eq(o.boot_order, "dc");
    ck_assert(o.boot_menu && o.boot_splash_ms == 5);
    ck_assert_msg(parse("-m 64,slots=2,maxmem=1G", &o, &err), "%s", err.text);
    ck_assert_uint_eq(o.ram_bytes, 64u << 20);
    ck_assert_msg(parse("-m slots=2,size=1G,maxmem=2G", &o, &err), "%s", err.text);
    ck_assert_uint_eq(o.ram_bytes, 1u << 30);
    ck_assert_msg(parse("-smp 1,maxcpus=4,sockets=2,cores=2", &o, &err), "%s", err.text);
    ck_assert_msg(parse("-smp sockets=1,cores=1,threads=1", &o, &err), "%s", err.text);
    ck_assert_msg(
        parse("-cpu 486,vendor=GenuineIntel -global mc146818rtc.lost_tick_policy=slew", &o, &err),
        "%s", err.text);
    ck_assert_msg(parse("-drive file=a,if=none,id=f,backing.file.locking=off -device "
                        "floppy,drive=f,write-cache=off",
                        &o, &err),
                  "%s", err.text);
    ck_assert(o.floppy[0]->block.write_through);
    ck_assert_msg(
        parse("-cpu pentium3,family=6,model=0x17,stepping=3,model-id=Foo,hypervisor=off", &o, &err),
        "%s", err.text);
    ck_assert_uint_eq(o.model->signature, 0x10673);
    ck_assert_str_eq(o.model->brand, "Foo");
    ck_assert_msg(parse("-drive driver=qcow2,file.driver=file,file.filename=a,,b,cache.direct=on,"
                        "l2-cache-size=1M,detect-zeroes=unmap",
                        &o, &err),
                  "%s", err.text);
    ck_assert_str_eq(o.ide[0]->file, "a,b");
    ck_assert_str_eq(o.ide[0]->block.format, "qcow2");
    ck_assert(!o.ide[0]->block.write_through && !o.ide[0]->block.no_flush);
    ck_assert_msg(
        parse("-drive file=a,cache.writeback=off -drive file=b,cache.no-flush=on", &o, &err), "%s",
        err.text);
    ck_assert(o.ide[0]->block.write_through && o.ide[1]->block.no_flush);
    ck_assert_msg(
        parse("-drive file.driver=nbd,file.host=h,file.port=9,file.export=x,format=raw", &o, &err),
        "%s", err.text);
    ck_assert_str_eq(o.ide[0]->file, "nbd:h:9:exportname=x");
    ck_assert_msg(parse("-drive file=a,format=qcow2,copy-on-read=on", &o, &err), "%s", err.text);
    ck_assert(o.ide[0]->block.copy_on_read);
    ck_assert_msg(
        parse("-blockdev copy-on-read,node-name=c,file.driver=qcow2,file.file.driver=file,"
              "file.file.filename=a -device ide-hd,drive=c",
              &o, &err),
        "%s", err.text);
    ck_assert(o.ide[0]->block.copy_on_read);
    ck_assert_str_eq(o.ide[0]->block.format, "qcow2");
    ck_assert_str_eq(o.ide[0]->file, "a");
    ck_assert_msg(parse("-blockdev qcow2,node-name=q,file.driver=nbd,file.server.type=unix,"
                        "file.server.path=s -device ide-hd,drive=q",
                        &o, &err),
                  "%s", err.text);
    ck_assert_str_eq(o.ide[0]->block.format, "qcow2");
    ck_assert_str_eq(o.ide[0]->file, "nbd:unix:s");
    ck_assert_msg(parse("-drive driver=null-co,size=1M", &o, &err), "%s", err.text);
    ck_assert_str_eq(o.ide[0]->file, "null-co://1048576");
}
END_TEST

static const struct {
    const char *line, *named; /* what the message must name */
} wrong[] = {
    {"-m", "-m"},
    {"-m 0", "-m 0"},
    {"-m x", "-m x"},
    {"-m -5", "-m -5"},
    {"-m 4G", "4G"},
    {"-m 3585", "3585"},
    {"-m 99999999999999999999", "9999"},
    {"-m 128X", "128X"},
    {"-m 64MM", "64MM"},
    {"-m 1k", "1k"},
    {"-m 1.5G", "1.5G"},
    {"-cpu k6", "486, pentium"},
    {"-boot x", "-boot x"},
    {"-boot aa", "aa"},
    {"-boot order=", "order="},
    {"-boot first=a", "first=a"},
    {"-boot menu=2", "menu=2"},
    {"-boot splash-time=x", "splash-time=x"},
    {"-boot a,menu", "menu"},
    {"-boot menu=on,a", "menu=on,a"},
    {"-m 64,slots=2,maxmem=32M", "maxmem=32M"},
    {"-m 64,dimms=2", "dimms=2"},
    {"-cpu 486,family=x", "family=x"},
    {"-cpu 486,hypervisor=on", "hypervisor"},
    {"-object rng-random,id=r", "rng-random"},
    {"-set audiodev.a.path=x", "audiodev"},
    {"-device isa-fdc", "floppy"},
    {"-frobnicate", "-frobnicate"},
    {"--frobnicate", "--frobnicate"},
    {"--", "--"},
    {"-fda", "-fda"},
    {"-display hologram", "hologram"},
    {"-serial foo", "foo"},
    {"-serial file:", "file:"},
    {"-serial unix:", "unix:"},
    {"-serial unix:x,serve", "serve"},
    {"-serial unix:x,server=maybe", "maybe"},
    {"-monitor mon:stdio", "mon:stdio"},
    {"-serial null -serial null -serial null -serial null -serial null", "four"},
    {"-serial stdio -monitor stdio", "stdio"},
    {"-display text -serial stdio", "-display text"},
    {"-nographic -display text", "-nographic"},
    {"-device e1000", "e1000"},
    {"-device isa-debug-exit,iobase=70000", "70000"},
    {"-device isa-debug-exit,iosize=3", "=3"},
    {"-device isa-debug-exit,iobase=", "iobase="},
    {"-d int,foo", "foo"},
    {"-vga cirrus", "std or none"},
    {"-global PIIX4_PM.disable_s3=maybe", "on or off"},
    {"-global PIIX4_PM.smm=1", "disable_s3"},
    {"-accel kvm", "-accel kvm"},
    {"-machine pc,accel=kvm", "accel=kvm"},
    {"-machine q35", "q35"},
    {"-machine pc,usb=on", "usb=on"},
    {"-netdev user,id=n", "-netdev"},
    {"-virtfs local,path=/", "-virtfs"},
    {"-s", "-s"},
    {"-usb", "-usb"},
    {"-vnc 1", "-vnc 1: it is HOST:N"},
    {"-vnc :70000", "display number from 0"},
    {"-vnc :1,to=0", "below the display"},
    {"-vnc :1,tls-creds=x", "tls-creds"},
    {"-vnc :1,share=none", "share"},
    {"-vnc :1,password-secret=x", "no such secret"},
    {"-object secret,id=x", "id=NAME,data=TEXT"},
    {"-object secret,id=x,data=@,format=base64", "no base64"},
    {"-object iothread,id=x", "iothread"},
    {"-pflash x", "-bios"},
    {"-net user", "none"},
    {"-smp cores=2", "cores=2"},
    {"-smp maxcpus=2", "maxcpus=2"},
    {"-smp 2,maxcpus=2", "maxcpus=2"},
    {"-cpu 486,vendor=AuthenticAMD", "GenuineIntel"},
    {"-drive file=a,backing.file.filename=b", "backing.file.filename"},
    {"-uuid 1234", "1234"},
    {"-uuid 12345678-1234-1234-1234-123456789abcd", "-uuid"},
    {"-rtc clock=sundial", "sundial"},
    {"-action reboot=never", "never"},
    {"-echr 0", "-echr 0"},
    {"-k klingon", "-k klingon"},
    {"-cpu max,+hologram", "hologram"},
    {"-cpu max,sse2", "+sse2"},
    {"-cpu max,-ss3", "sse"},
    {"-readconfig no/such", "no/such"},
    {"-help hologram", "hologram"},
    {"-enable-kvm", "-enable-kvm"},
    {"-smp 2", "-smp 2"},
    {"-translator check=perhaps", "perhaps"},
    {"-translator cache=0", "cache=0"},
    {"-translator max-insns=0", "max-insns=0"},
    {"-initrd x", "-kernel"},
    {"-append x", "-kernel"},
    {"-rtc base=yesterday", "yesterday"},
    {"a b c d e f g h i", "i: too many"},
    {"-hda a -hda b", "-hda a"},
    {"-hdc a -cdrom b", "-hdc a"},
    {"-drive file=a,if=virtio", "virtio"},
    {"-drive file=a,index=0 -hda b", "index=0"},
    {"-drive file=a,index=4", "index=4"},
    {"-drive file=a,index=0,unit=0", "leave one out"},
    {"-drive file=a,if=floppy,index=2", "two floppy drives"},
    {"-drive format=raw", "file=IMAGE"},
    {"-drive file=a,cache=perhaps", "cache=perhaps"},
    {"-drive file=a,werror=later", "enospc"},
    {"-drive file=a,rerror=enospc", "rerror"},
    {"-drive file=a,id=x,if=none -drive file=b,id=x,if=none", "'x' already"},
    {"-drive file=a,hologram=on", "hologram"},
    {"-drive file.driver=ssh,file.filename=a", "file.driver=ssh"},
    {"-drive file.driver=nbd,file.export=a", "file.host"},
    {"-drive file=a,file.hologram=on", "file.hologram"},
    {"-drive file=a,cache.direct=perhaps", "cache.direct=perhaps"},
    {"-drive file=a,throttling.bps-total=9", "throttle"},
    {"-drive driver=vdi,file.filename=a", "format=vdi"},
    {"-drive file=a,copy-on-read=on,readonly=on", "copy-on-read"},
    {"-device ide-hd", "drive=ID"},
    {"-device ide-hd,drive=x", "'x'"},
    {"-drive file=a,id=x -device ide-hd,drive=x", "if=none"},
    {"-drive file=a,id=x,if=none -device ide-hd,drive=x -device ide-cd,drive=x", "if=none"},
    {"-hda a -drive file=b,id=x,if=none -device ide-hd,drive=x,bus=ide.0,unit=0", "-hda a"},
    {"-chardev null,id=x -chardev null,id=x", "'x' already"},
    {"-serial chardev:x", "'x'"},
    {"-chardev null,id=x -serial chardev:x -serial chardev:x", "mux=on"},
    {"-device isa-serail", "isa-serial"},
    {"-device virtio-net-pci", "virtio"},
    {"-global isa-debugcon.hologram=1", "hologram"},
    {"-snapshto", "-snapshot"},
};

START_TEST(wrong_ones_are_named)
{
    struct options o;
    struct error err;

    ck_assert_msg(!parse(wrong[_i].line, &o, &err), "accepted: %s", wrong[_i].line);
    ck_assert_msg(strstr(err.text, wrong[_i].named), "%s: %s", wrong[_i].line, err.text);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

/* Lines as they stand in scripts, documents and makefiles. */
static const char *const wild[] = {
    "-nodefaults -device pc-testdev -device isa-debug-exit,iobase=0xf4,iosize=0x4 -vnc none "
    "-serial "
    "stdio -device pci-testdev -machine accel=tcg -kernel x.flat -smp 1",
    "-nodefaults -device pc-testdev -device isa-debug-exit,iobase=0xf4,iosize=0x4 -serial stdio "
    "-machine accel=kvm:tcg -cpu max -m 128 -no-reboot -kernel x.elf",
    "-fda floppy.img -boot a -m 32M",
    "-drive format=raw,file=os.img -serial file:serial.log",
    "-drive file=os.img,if=floppy,format=raw,index=0 -boot order=a -monitor stdio",
    "-cdrom os.iso -boot d -d int,guest_errors -D log -no-reboot -no-shutdown",
    "-hda disk.img -cdrom os.iso -boot once=d,menu=off -m 512 -vga std -rtc base=localtime",
    "-kernel kernel.elf -initrd modules -append quiet -nographic -no-reboot",
    "-machine type=pc-i440fx-7.2,usb=off,vmport=off -m 64",
    "-M pc,accel=tcg -accel tcg,thread=single -cpu pentium3,-sse -smp cpus=1,sockets=1,cores=1",
    "-name guest=test,debug-threads=on -uuid 12345678-1234-1234-1234-123456789abc -nodefaults "
    "-rtc base=utc,driftfix=slew -global kvm-pit.lost_tick_policy=delay -no-hpet -msg timestamp=on",
    "-drive file=fs.img,index=1,media=disk,format=raw -drive file=xv6.img,index=0,media=disk,"
    "format=raw -smp 1 -m 512 -serial mon:stdio",
    "-chardev stdio,id=char0,mux=on,logfile=serial.log,signal=off -serial chardev:char0 -mon "
    "chardev=char0 -display none",
    "-global isa-debugcon.iobase=0x402 -debugcon file:debug.log -bios bios.bin",
    "-chardev file,id=seabios,path=log -device isa-debugcon,iobase=0x402,chardev=seabios",
    "-qmp unix:qmp.sock,server,nowait -daemonize -pidfile pid -display none",
    "-no-user-config -nodefaults -sandbox off -net none -audiodev none,id=a -boot strict=on",
    "-action reboot=shutdown,shutdown=pause -accel kvm -accel tcg -echr 0x02 -k en-us",
};

START_TEST(in_the_wild)
{
    struct options o;
    struct error err;

    ck_assert_msg(parse(wild[_i], &o, &err), "%s: %s", wild[_i], err.text);
}
END_TEST

START_TEST(machine_options)
{
    static const uint8_t uuid[] = {0x12, 0x34, 0x56, 0x78, 0x12, 0x34, 0xab, 0xcd,
                                   0x12, 0x34, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc};
    struct options o;
    struct error err;

    ck_assert(parse("-uuid 12345678-1234-ABcd-1234-123456789abc -name x,,y,process=z -action "
                    "reboot=shutdown,shutdown=pause -rtc base=2001-02-03T04:05:06 -machine "
                    "pc,hpet=off,acpi=off,kernel=k -cpu core2,-sse3,-nx -accel tcg,tb-size=32",
                    &o, &err));
    ck_assert(memcmp(o.uuid, uuid, 16) == 0);
    ck_assert_str_eq(o.name, "x,y");
    ck_assert_str_eq(o.process_name, "z");
    ck_assert(o.no_reboot && o.no_shutdown && o.no_hpet && o.no_acpi);
    ck_assert_int_eq(o.rtc_epoch, 981173106);
    ck_assert_str_eq(o.kernel, "k");
    ck_assert(!cpu_has(o.model, FEAT_SSE3) && cpu_has(o.model, FEAT_SSE2));
    ck_assert(cpu_has(cpu_model_find("core2"), FEAT_SSE3));
    ck_assert_uint_eq(o.translator.cache_bytes, 32 << 20);
}
END_TEST

static void put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(config_files)
{
    static const char config[] = "# qemu config file\n\n[drive \"d0\"]\n  file = \"a,b.img\"\n"
                                 "  if = \"none\"\n[device]\n  driver = \"ide-hd\"\n"
                                 "  drive = \"d0\"\n[memory]\n  size = \"64\"\n"
                                 "[chardev \"c\"]\n  backend = \"null\"\n";
    char dir[] = "/tmp/ringer-test-XXXXXX", path[60], line[200];
    struct options o;
    struct error err;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/q.cfg", dir);
    put_file(path, config);
    snprintf(line, sizeof line, "-readconfig %s -serial chardev:c", path);
    ck_assert_msg(parse(line, &o, &err), "%s", err.text);
    ck_assert_str_eq(o.ide[0]->file, "a,b.img");
    ck_assert_uint_eq(o.ram_bytes, 64 << 20);
    put_file(path, "[drive]\n  file = a\n");
    ck_assert(!parse(line, &o, &err) && strstr(err.text, "line 2"));
    unlink(path);

    /* An image's own: the command line wins; nothing may touch the host. */
    snprintf(path, sizeof path, "%s/ringer.conf", dir);
    put_file(path, "# for this system\nm 16\n-cpu 486\n");
    snprintf(line, sizeof line, "%s/x.img", dir);
    ck_assert_msg(parse(line, &o, &err), "%s", err.text);
    ck_assert_uint_eq(o.ram_bytes, 16 << 20);
    ck_assert_ptr_eq(o.model, cpu_model_find("486"));
    snprintf(line, sizeof line, "%s/x.img -m 32", dir);
    ck_assert(parse(line, &o, &err) && o.ram_bytes == 32 << 20);
    snprintf(line, sizeof line, "-hda %s/x.img", dir);
    ck_assert(parse(line, &o, &err) && o.ram_bytes == 128 << 20);
    snprintf(line, sizeof line, "%s/x.img", dir);
    put_file(path, "m 16\nserial file:owned\n");
    ck_assert(!parse(line, &o, &err) && strstr(err.text, "line 2") && strstr(err.text, "serial"));
    put_file(path, "machine pc,firmware=/etc/passwd\n");
    ck_assert(!parse(line, &o, &err));
    unlink(path);
    rmdir(dir);
}
END_TEST

START_TEST(drives)
{
    struct options o;
    struct error err;

    ck_assert_msg(
        parse("-drive file=a,format=raw,cache=unsafe -drive file=b.iso,media=cdrom -drive "
              "file=c,,c,if=floppy,snapshot=on -drive file=d,if=ide,bus=1,unit=1,serial=S",
              &o, &err),
        "%s", err.text);
    ck_assert_str_eq(o.ide[0]->file, "a");
    ck_assert(o.ide[0]->block.no_flush && !strcmp(o.ide[0]->block.format, "raw"));
    ck_assert(o.ide[1]->cdrom && !strcmp(o.ide[1]->file, "b.iso"));
    ck_assert_ptr_null(o.ide[2]); /* there is a CD drive already */
    ck_assert_str_eq(o.ide[3]->serial, "S");
    ck_assert_str_eq(o.floppy[0]->file, "c,c");
    ck_assert(o.floppy[0]->block.snapshot);
    ck_assert(parse("-hda a -cdrom b", &o, &err));
    ck_assert(o.ide[2]->cdrom && !strcmp(o.ide[2]->file, "b"));
    ck_assert(parse("", &o, &err));
    ck_assert(o.ide[2]->cdrom && !o.ide[2]->file);
    ck_assert(parse("-nodefaults", &o, &err));
    ck_assert(!o.ide[2] && !o.serial[0].device && !o.parallel[0].device && o.no_vga);
    ck_assert(parse("-nodefaults -vga std", &o, &err) && !o.no_vga);
    ck_assert(parse("-nodefaults -device VGA", &o, &err) && !o.no_vga);
    ck_assert(parse("-M none", &o, &err) && o.start_stopped && o.no_vga);
}
END_TEST

START_TEST(drives_as_devices)
{
    struct options o;
    struct error err;

    ck_assert_msg(parse("-drive if=none,id=x,file=a -device ide-hd,drive=x,bus=ide.1,unit=0,"
                        "bootindex=2 -device ide-cd,bootindex=1 -drive if=none,id=f,file=fd "
                        "-device floppy,drive=f",
                        &o, &err),
                  "%s", err.text);
    ck_assert_str_eq(o.ide[2]->file, "a");
    ck_assert(o.ide[0]->cdrom && !o.ide[0]->file);
    ck_assert_str_eq(o.floppy[0]->file, "fd");
    ck_assert_str_eq(o.boot_order, "dca");
    ck_assert(o.bootindex[BOOT_IDE + 2] == 3 && o.bootindex[BOOT_IDE] == 2);
    ck_assert(!parse("-drive if=none,id=x,file=a -device ide-hd,drive=x,bootindex=1 "
                     "-device ide-cd,bootindex=1",
                     &o, &err) &&
              strstr(err.text, "bootindex=1"));
    ck_assert(parse("-boot reboot-timeout=0", &o, &err) && o.reboot_ms == 1);
    ck_assert(parse("-boot reboot-timeout=-1", &o, &err) && o.reboot_ms == 0);
    ck_assert(!parse("-boot reboot-timeout=65536", &o, &err));
}
END_TEST

START_TEST(option_roms_in_the_order)
{
    struct options o;
    struct error err;

    ck_assert_msg(parse("-option-rom a -option-rom b,bootindex=1 -drive if=none,id=x,file=a "
                        "-device ide-hd,drive=x,bootindex=2",
                        &o, &err),
                  "%s", err.text);
    ck_assert_str_eq(o.boot_order, "ncad");
    ck_assert(!o.bootindex[BOOT_ROM] && o.bootindex[BOOT_ROM + 1] == 2);
    ck_assert(!parse("-option-rom b,bootindex=1 -device ide-cd,bootindex=1", &o, &err) &&
              strstr(err.text, "bootindex"));
}
END_TEST

START_TEST(smbios_of_many)
{
    static const uint8_t port[] = "\x08\x09\x00\x08\x01\x00\x02\x12\x1f"
                                  "J1\0Left\0",
                         sound[] = "\x29\x0b\x01\x29\x01\x87\x03\x00\x00\x00\x20"
                                   "Speaker\0",
                         other[] = "\x29\x0b\x02\x29\x00\x81\x00\xff\xff\xff\xff\0";
    struct options o;
    struct error err;

    ck_assert_msg(parse("-smbios type=8,internal_reference=J1,external_reference=Left,"
                        "connector_type=0x12,port_type=0x1f "
                        "-smbios type=41,designation=Speaker,kind=sound,instance=3,pcidev=ac "
                        "-smbios type=41,kind=other -device pci-testdev,addr=03.0 "
                        "-device AC97,id=ac",
                        &o, &err),
                  "%s", err.text);
    ck_assert_uint_eq(o.smbios.files, 3);
    ck_assert_uint_eq(o.smbios.file[0].len, sizeof port);
    ck_assert_mem_eq(o.smbios.file[0].data, port, sizeof port);
    ck_assert_uint_eq(o.smbios.file[1].len, sizeof sound);
    ck_assert_mem_eq(o.smbios.file[1].data, sound, sizeof sound);
    ck_assert_uint_eq(o.smbios.file[2].len, sizeof other);
    ck_assert_mem_eq(o.smbios.file[2].data, other, sizeof other);
    ck_assert(!parse("-smbios type=41,kind=sound,pcidev=no", &o, &err) &&
              strstr(err.text, "pcidev=no"));
    ck_assert(!parse("-smbios type=41,designation=x", &o, &err) && strstr(err.text, "kind="));
}
END_TEST

START_TEST(ports)
{
    struct options o;
    struct error err;

    ck_assert_msg(
        parse("-chardev null,id=n -device isa-serial,chardev=n,iobase=0x2e0,irq=10 -serial "
              "null -serial none -serial null -parallel null -debugcon null -global "
              "isa-debugcon.iobase=0x402",
              &o, &err),
        "%s", err.text);
    ck_assert_uint_eq(o.serial[0].base, 0x3f8);
    ck_assert_uint_eq(o.serial[1].base, 0x2e0);
    ck_assert_uint_eq(o.serial[2].base, 0x3e8);
    ck_assert_ptr_null(o.serial[3].device);
    ck_assert_uint_eq(device_number(o.serial[1].device, "irq"), 10);
    ck_assert_uint_eq(o.parallel[0].base, 0x378);
    for (unsigned i = 0; i < o.device_count; i++)
        if (!strcmp(o.devices[i].model->name, "isa-debugcon"))
            ck_assert_uint_eq(device_number(&o.devices[i], "iobase"), 0x402);
    ck_assert(parse("-nographic", &o, &err));
    ck_assert(o.chardev_count == 1 && o.chardevs[0].spec.mux && o.monitor_count == 1);
}
END_TEST

START_TEST(help_and_version_need_nothing_else)
{
    struct options o;
    struct error err;

    ck_assert(parse("-help -initrd x", &o, &err) && o.help);
    ck_assert(parse("--version", &o, &err) && o.version);
}
END_TEST

START_TEST(streams)
{
    struct stream_spec s;
    struct error err;

    ck_assert(stream_parse("-serial", "mon:stdio", &s, &err));
    ck_assert(s.kind == STREAM_STDIO && s.mux);
    ck_assert(stream_parse("-serial", "unix:/tmp/x,server,nowait", &s, &err));
    ck_assert(s.kind == STREAM_UNIX && s.server && !s.wait);
    ck_assert_str_eq(s.path, "/tmp/x");
    ck_assert(stream_parse("-serial", "unix:/tmp/x,server=on", &s, &err));
    ck_assert(s.server && s.wait);
    ck_assert(stream_parse("-serial", "unix:/tmp/x", &s, &err));
    ck_assert(!s.server && !s.wait);
    ck_assert(stream_parse("-serial", "file:a,b", &s, &err));
    ck_assert_str_eq(s.path, "a,b");
    ck_assert(stream_parse("-serial", "tcp::4444,server=on,wait=off", &s, &err));
    ck_assert(s.kind == STREAM_TCP && s.server && !s.wait && !s.telnet);
    ck_assert_str_eq(s.host, "");
    ck_assert_str_eq(s.port, "4444");
    ck_assert(stream_parse("-serial", "telnet:[::1]:23,server,nowait", &s, &err));
    ck_assert(s.telnet && s.server && !s.wait);
    ck_assert_str_eq(s.host, "::1");
    ck_assert(stream_parse("-serial", "udp::4555@127.0.0.1:4556", &s, &err));
    ck_assert_str_eq(s.localport, "4556");
    ck_assert(stream_parse("-serial", "mon:telnet:127.0.0.1:4444,server=on", &s, &err));
    ck_assert(s.mux && s.telnet && s.wait);
    ck_assert(stream_parse("-serial", "chardev:x", &s, &err));
    ck_assert(s.kind == STREAM_NAMED);
    ck_assert(stream_parse("-serial", "vc:80Cx24C", &s, &err));
    ck_assert(stream_parse("-serial", "/dev/ttyS0", &s, &err));
    ck_assert(s.kind == STREAM_TTY);
}
END_TEST

START_TEST(sizes)
{
    uint64_t n;

    ck_assert(parse_size("3", 1024, &n) && n == 3072);
    ck_assert(parse_size("3k", 1, &n) && n == 3072);
    ck_assert(parse_size("2G", 1, &n) && n == 2ull << 30);
    ck_assert(parse_size("2MiB", 1, &n) && n == 2 << 20);
    ck_assert(!parse_size("", 1, &n));
    ck_assert(!parse_size("M", 1, &n));
    ck_assert(!parse_size("17179869185G", 1, &n)); /* 2^34 + 1 GiB: beyond 64 bits */
    ck_assert(!parse_size("+1", 1, &n));
}
END_TEST

static void check_line(void *opaque, const char *text)
{
    unsigned *lines = opaque;

    ck_assert_ptr_null(strchr(text, '\n'));
    ++*lines;
}

START_TEST(help_has_a_line_an_option)
{
    unsigned lines = 0;

    options_help(&(struct options){0}, check_line, &lines);
    ck_assert_uint_gt(lines, 25);
}
END_TEST

START_TEST(lock_step)
{
    struct options o;
    struct error err;

    ck_assert(parse("-m 4", &o, &err));
    ck_assert(!o.translator.verify);
    ck_assert_msg(parse("--verify -m 4", &o, &err), "%s", err.text);
    ck_assert(o.translator.verify);
    ck_assert_uint_eq(o.translator.verify_first, 0);
    ck_assert_msg(parse("-verify=25 a.img", &o, &err), "%s", err.text);
    ck_assert_uint_eq(o.translator.verify_first, 25);
    ck_assert_uint_eq(o.image_count, 1);
    ck_assert(!parse("-verify=25x", &o, &err));
}
END_TEST

/* A value may stand behind the name's '=', with one dash or two. */
START_TEST(joined_values)
{
    static const char *const spellings[] = {"-trace=t.json,events=5000 -m 4 a.img",
                                            "--trace=t.json,events=5000 -m=4 a.img",
                                            "-trace t.json,events=5000 --m=4 a.img"};
    struct options o;
    struct error err;

    for (unsigned i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        ck_assert_msg(parse(spellings[i], &o, &err), "%s", err.text);
        ck_assert_str_eq(o.tools.trace, "t.json");
        ck_assert_uint_eq(o.ram_bytes >> 20, 4);
        ck_assert_uint_eq(o.image_count, 1);
    }
    ck_assert(parse("-hook=int:21=lib.so:f(ah)", &o, &err));
    ck_assert(!parse("-S=1", &o, &err)); /* which takes none */
    ck_assert(!parse("-trac=x", &o, &err));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tc = tcase_create("options");

    tcase_add_test(tc, other_words);
    tcase_add_test(tc, lock_step);
    tcase_add_test(tc, joined_values);
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, a_full_command_line);
    tcase_add_loop_test(tc, wrong_ones_are_named, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, help_and_version_need_nothing_else);
    tcase_add_loop_test(tc, in_the_wild, 0, sizeof wild / sizeof *wild);
    tcase_add_test(tc, machine_options);
    tcase_add_test(tc, config_files);
    tcase_add_test(tc, drives);
    tcase_add_test(tc, drives_as_devices);
    tcase_add_test(tc, ports);
    tcase_add_test(tc, option_roms_in_the_order);
    tcase_add_test(tc, smbios_of_many);
    tcase_add_test(tc, streams);
    tcase_add_test(tc, sizes);
    tcase_add_test(tc, help_has_a_line_an_option);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
