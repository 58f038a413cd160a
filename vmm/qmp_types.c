/* The types of what goes over QMP, in a notation that arguments are checked by and from which
 * query-qmp-schema is made; names and members as in QEMU 7.2's QAPI schema.
 *
 * An enumeration is its words.  An object is "member:type, member?:type", a question mark saying
 * that the member may be absent; [type] is an array.  Builtin types: str, int, number, bool, any.
 * A union has a member `type`, one of the members below, and a member `data` of that type. */
#include "vmm/keys.h"
#include "vmm/qmp_command.h"
#include <stdio.h>
#include <string.h>

static const struct qmp_type types[] = {
    {QMP_ENUM, "QMPCapability", "oob"},
    {QMP_ENUM, "RunState",
     "debug inmigrate internal-error io-error paused postmigrate prelaunch finish-migrate "
     "restore-vm running save-vm shutdown suspended watchdog guest-panicked colo"},
    {QMP_ENUM, "ShutdownCause",
     "none host-error host-qmp-quit host-qmp-system-reset host-signal host-ui guest-shutdown "
     "guest-reset guest-panic subsystem-reset snapshot-load"},
    {QMP_ENUM, "SysEmuTarget", "i386"},
    {QMP_ENUM, "ImageFormat", "ppm png"},
    {QMP_ENUM, "DumpGuestMemoryFormat", "elf kdump-zlib kdump-lzo kdump-snappy win-dmp"},
    {QMP_ENUM, "DumpStatus", "none active completed failed"},
    {QMP_ENUM, "BlockdevChangeReadOnlyMode", "retain read-only read-write"},
    {QMP_ENUM, "IoOperationType", "read write"},
    {QMP_ENUM, "BlockErrorAction", "ignore report stop"},
    {QMP_ENUM, "BlockDeviceIoStatus", "ok failed nospace"},
    {QMP_ENUM, "DataFormat", "utf8 base64"},
    {QMP_ENUM, "DisplayType", "none text sdl gtk curses"},
    {QMP_ENUM, "InputButton", "left middle right wheel-up wheel-down side extra"},
    {QMP_ENUM, "InputAxis", "x y"},
    {QMP_ENUM, "QKeyCode", ""}, /* the names that sendkey knows */

    {QMP_ENUM, "RebootAction", "reset shutdown"},
    {QMP_ENUM, "ShutdownAction", "poweroff pause"},
    {QMP_ENUM, "PanicAction", "pause shutdown exit-failure none"},
    {QMP_ENUM, "WatchdogAction", "reset shutdown poweroff pause debug none inject-nmi"},
    {QMP_OBJECT, "MigrationCapabilityStatus", "capability:str, state:bool"},

    {QMP_OBJECT, "VersionTriple", "major:int, minor:int, micro:int"},
    {QMP_OBJECT, "VersionInfo", "qemu:VersionTriple, package:str"},
    {QMP_OBJECT, "CommandInfo", "name:str"},
    {QMP_OBJECT, "EventInfo", "name:str"},
    {QMP_OBJECT, "StatusInfo", "running:bool, singlestep:bool, status:RunState"},
    {QMP_OBJECT, "NameInfo", "name?:str"},
    {QMP_OBJECT, "UuidInfo", "UUID:str"},
    {QMP_OBJECT, "KvmInfo", "enabled:bool, present:bool"},
    {QMP_OBJECT, "TargetInfo", "arch:SysEmuTarget"},
    {QMP_OBJECT, "CpuInstanceProperties", "socket-id?:int, core-id?:int, thread-id?:int"},
    {QMP_OBJECT, "CpuInfoFast",
     "cpu-index:int, qom-path:str, thread-id:int, props?:CpuInstanceProperties, "
     "target:SysEmuTarget"},
    {QMP_OBJECT, "CpuDefinitionInfo",
     "name:str, migration-safe?:bool, static:bool, unavailable-features?:[str], typename:str, "
     "deprecated:bool"},
    {QMP_OBJECT, "MachineInfo",
     "name:str, alias?:str, is-default?:bool, cpu-max:int, hotpluggable-cpus:bool, "
     "numa-mem-supported:bool, deprecated:bool, default-cpu-type?:str, default-ram-id?:str"},
    {QMP_OBJECT, "CurrentMachineParams", "wakeup-suspend-support:bool"},
    {QMP_OBJECT, "MemoryInfo", "base-memory:int, plugged-memory?:int"},
    {QMP_OBJECT, "MouseInfo", "name:str, index:int, current:bool, absolute:bool"},
    {QMP_OBJECT, "VncInfo",
     "enabled:bool, host?:str, service?:str, family?:str, auth?:str, clients?:[VncClientInfo]"},
    {QMP_OBJECT, "VncClientInfo", "host:str, service:str, family:str, websocket:bool"},
    {QMP_OBJECT, "VncInfo2", "id:str, server:[VncServerInfo2], clients:[VncClientInfo], auth:str"},
    {QMP_OBJECT, "VncBasicInfo", "host:str, service:str, family:str, websocket:bool"},
    {QMP_OBJECT, "VncServerInfo", "host:str, service:str, family:str, websocket:bool, auth?:str"},
    {QMP_OBJECT, "VncServerInfo2", "host:str, service:str, family:str, websocket:bool, auth?:str"},
    {QMP_OBJECT, "DisplayOptions", "type:DisplayType"},
    {QMP_OBJECT, "Memdev",
     "id?:str, size:int, merge:bool, dump:bool, prealloc:bool, share:bool, reserve?:bool, "
     "host-nodes:[int], policy:HostMemPolicy"},
    {QMP_ENUM, "HostMemPolicy", "default preferred bind interleave"},
    {QMP_OBJECT, "HotpluggableCPU",
     "type:str, vcpus-count:int, props:CpuInstanceProperties, qom-path?:str"},
    {QMP_OBJECT, "IOThreadInfo", "id:str, thread-id:int"},
    {QMP_OBJECT, "MigrationInfo", "status?:str"},
    {QMP_OBJECT, "ChardevInfo", "label:str, filename:str, frontend-open:bool"},
    {QMP_OBJECT, "ChardevBackendInfo", "name:str"},
    {QMP_OBJECT, "CommandLineParameterInfo", "name:str, type:str, help?:str, default?:str"},
    {QMP_OBJECT, "CommandLineOptionInfo", "option:str, parameters:[CommandLineParameterInfo]"},
    {QMP_OBJECT, "ObjectTypeInfo", "name:str, abstract?:bool, parent?:str"},
    {QMP_OBJECT, "ObjectPropertyInfo", "name:str, type:str, description?:str, default-value?:any"},

    {QMP_OBJECT, "PciBusRange", "base:int, limit:int"},
    {QMP_OBJECT, "PciMemoryRegion",
     "bar:int, type:str, address:int, size:int, prefetch?:bool, mem_type_64?:bool"},
    {QMP_OBJECT, "PciDeviceClass", "desc?:str, class:int"},
    {QMP_OBJECT, "PciDeviceId", "device:int, vendor:int, subsystem?:int, subsystem-vendor?:int"},
    {QMP_OBJECT, "PciDeviceInfo",
     "bus:int, slot:int, function:int, class_info:PciDeviceClass, id:PciDeviceId, irq?:int, "
     "irq_pin:int, qdev_id:str, regions:[PciMemoryRegion]"},
    {QMP_OBJECT, "PciInfo", "bus:int, devices:[PciDeviceInfo]"},

    {QMP_OBJECT, "ImageInfo",
     "filename:str, format:str, virtual-size:int, actual-size?:int, dirty-flag?:bool"},
    {QMP_OBJECT, "BlockdevCacheInfo", "writeback:bool, direct:bool, no-flush:bool"},
    {QMP_OBJECT, "BlockDeviceInfo",
     "file:str, node-name?:str, ro:bool, drv:str, encrypted:bool, detect_zeroes:str, bps:int, "
     "bps_rd:int, bps_wr:int, iops:int, iops_rd:int, iops_wr:int, image:ImageInfo, "
     "cache:BlockdevCacheInfo, write_threshold:int, backing_file_depth:int"},
    {QMP_OBJECT, "BlockInfo",
     "device:str, qdev?:str, type:str, removable:bool, locked:bool, inserted?:BlockDeviceInfo, "
     "tray_open?:bool, io-status?:BlockDeviceIoStatus"},
    {QMP_OBJECT, "BlockDeviceStats",
     "rd_bytes:int, wr_bytes:int, unmap_bytes:int, rd_operations:int, wr_operations:int, "
     "flush_operations:int, unmap_operations:int, rd_total_time_ns:int, wr_total_time_ns:int, "
     "flush_total_time_ns:int, unmap_total_time_ns:int, wr_highest_offset:int, rd_merged:int, "
     "wr_merged:int, unmap_merged:int, failed_rd_operations:int, failed_wr_operations:int, "
     "failed_flush_operations:int, failed_unmap_operations:int, invalid_rd_operations:int, "
     "invalid_wr_operations:int, invalid_flush_operations:int, invalid_unmap_operations:int, "
     "account_invalid:bool, account_failed:bool, timed_stats:[any]"},
    {QMP_OBJECT, "BlockStats", "device?:str, qdev?:str, node-name?:str, stats:BlockDeviceStats"},

    {QMP_ENUM, "StatsProvider", "ringer"},
    {QMP_ENUM, "StatsTarget", "vm vcpu"},
    {QMP_ENUM, "StatsType", "cumulative instant peak linear-histogram log2-histogram"},
    {QMP_ENUM, "StatsUnit", "bytes seconds cycles boolean"},
    {QMP_OBJECT, "StatsRequest", "provider:StatsProvider, names?:[str]"},
    {QMP_OBJECT, "Stats", "name:str, value:any"},
    {QMP_OBJECT, "StatsResult", "provider:StatsProvider, qom-path?:str, stats:[Stats]"},
    {QMP_OBJECT, "StatsSchemaValue",
     "name:str, type:StatsType, unit?:StatsUnit, base?:int, exponent:int, bucket-size?:int"},
    {QMP_OBJECT, "StatsSchema",
     "provider:StatsProvider, target:StatsTarget, stats:[StatsSchemaValue]"},

    {QMP_OBJECT, "DumpQueryResult", "status:DumpStatus, completed:int, total:int"},
    {QMP_OBJECT, "DumpGuestMemoryCapability", "formats:[DumpGuestMemoryFormat]"},

    {QMP_UNION, "KeyValue", "number:int, qcode:QKeyCode"},
    {QMP_OBJECT, "InputKeyEvent", "key:KeyValue, down:bool"},
    {QMP_OBJECT, "InputBtnEvent", "button:InputButton, down:bool"},
    {QMP_OBJECT, "InputMoveEvent", "axis:InputAxis, value:int"},
    {QMP_UNION, "InputEvent",
     "key:InputKeyEvent, btn:InputBtnEvent, rel:InputMoveEvent, abs:InputMoveEvent"},
};

enum { TYPES = sizeof types / sizeof *types };

static const struct qmp_event_type events[] = {
    {"SHUTDOWN", "guest:bool, reason:ShutdownCause"},
    {"RESET", "guest:bool, reason:ShutdownCause"},
    {"STOP", ""},
    {"RESUME", ""},
    {"POWERDOWN", ""},
    {"SUSPEND", ""},
    {"SUSPEND_DISK", ""},
    {"WAKEUP", ""},
    {"DEVICE_TRAY_MOVED", "device:str, id:str, tray-open:bool"},
    {"BLOCK_IO_ERROR",
     "device:str, node-name?:str, operation:IoOperationType, action:BlockErrorAction, "
     "nospace:bool, reason:str"},
    {"DUMP_COMPLETED", "result:DumpQueryResult, error?:str"},
    {"RTC_CHANGE", "offset:int, qom-path:str"},
    {"VNC_CONNECTED", "server:VncServerInfo, client:VncBasicInfo"},
    {"VNC_INITIALIZED", "server:VncServerInfo, client:VncClientInfo"},
    {"VNC_DISCONNECTED", "server:VncServerInfo, client:VncClientInfo"},
    {"RINGER_WATCHPOINT", "number:int, address:int, write:bool"},
};

const struct qmp_type *qmp_type_nth(unsigned n)
{
    return n < TYPES ? &types[n] : NULL;
}

const struct qmp_type *qmp_type(const char *name)
{
    for (size_t i = 0; i < TYPES; i++)
        if (!strcmp(types[i].name, name))
            return &types[i];
    return NULL;
}

const struct qmp_event_type *qmp_event_nth(unsigned n)
{
    return n < sizeof events / sizeof *events ? &events[n] : NULL;
}

/* ---- the notation ---- */

bool qmp_next_member(const char **text, struct qmp_member *out)
{
    int used = 0;

    if (sscanf(*text, "%39[^:?,]%n", out->name, &used) != 1)
        return false;
    *text += used;
    out->optional = **text == '?';
    *text += out->optional + 1;
    used = 0;
    sscanf(*text, "%47[^,]%n", out->type, &used);
    *text += used;
    *text += strspn(*text, ", ");
    return true;
}

bool qmp_next_word(const char **text, char *out, size_t n)
{
    size_t len = strcspn(*text, " ");

    if (!len)
        return false;
    snprintf(out, n, "%.*s", (int)len, *text);
    *text += len;
    *text += **text == ' ';
    return true;
}

/* ---- checking ---- */

static bool complain(char *desc, size_t n, const char *format, const char *where, const char *what)
{
    snprintf(desc, n, format, where, what);
    return false;
}

static bool check_enum(const json_t *value, const struct qmp_type *type, const char *where,
                       char *desc, size_t n)
{
    const char *given = json_string_value(value), *text = type->text;
    char word[48];
    bool keys = !strcmp(type->name, "QKeyCode");

    if (!given)
        return complain(desc, n, "Invalid parameter type for '%s', expected: %s", where, "string");
    if (keys && keys_find(given))
        return true;
    while (qmp_next_word(&text, word, sizeof word))
        if (!strcmp(word, given))
            return true;
    snprintf(desc, n, "Parameter '%s' does not accept value '%.100s'", where, given);
    return false;
}

static bool check_union(const json_t *value, const struct qmp_type *type, const char *where,
                        char *desc, size_t n)
{
    const char *tag = json_string_value(json_object_get(value, "type")), *text = type->text;
    char members[160] = "type:str, data:", *end = members + strlen(members), inner[200];
    struct qmp_member m;

    snprintf(inner, sizeof inner, "%s%stype", where, *where ? "." : "");
    if (!json_is_object(value))
        return complain(desc, n, "Invalid parameter type for '%s', expected: %s", where, "object");
    if (!tag)
        return complain(desc, n, "Parameter '%s' is missing%s", inner, "");
    while (qmp_next_member(&text, &m))
        if (!strcmp(m.name, tag)) {
            snprintf(end, sizeof members - (size_t)(end - members), "%s", m.type);
            return qmp_check_members(value, members, where, desc, n);
        }
    snprintf(desc, n, "Parameter '%s' does not accept value '%.100s'", inner, tag);
    return false;
}

static bool check_array(const json_t *value, const char *type, const char *where, char *desc,
                        size_t n)
{
    char element[48], inner[200];

    if (!json_is_array(value))
        return complain(desc, n, "Invalid parameter type for '%s', expected: %s", where, "array");
    snprintf(element, sizeof element, "%.*s", (int)strcspn(type, "]") - 1, type + 1);
    for (size_t i = 0; i < json_array_size(value); i++) {
        snprintf(inner, sizeof inner, "%s[%zu]", where, i);
        if (!qmp_check(json_array_get(value, i), element, inner, desc, n))
            return false;
    }
    return true;
}

bool qmp_check(const json_t *value, const char *type, const char *where, char *desc, size_t n)
{
    static const struct {
        const char *name, *expected;
        int type; /* of jansson's */
    } builtins[] = {
        {"str", "string", JSON_STRING},
        {"int", "integer", JSON_INTEGER},
    };
    const struct qmp_type *named;

    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        if (!strcmp(type, builtins[i].name))
            return (int)json_typeof(value) == builtins[i].type ||
                   complain(desc, n, "Invalid parameter type for '%s', expected: %s", where,
                            builtins[i].expected);
    if (!strcmp(type, "bool"))
        return json_is_boolean(value) ||
               complain(desc, n, "Invalid parameter type for '%s', expected: %s", where, "boolean");
    if (!strcmp(type, "any"))
        return true;
    if (*type == '[')
        return check_array(value, type, where, desc, n);
    named = qmp_type(type);
    if (!named)
        return complain(desc, n, "%s: there is no type '%s'", where, type);
    if (named->kind == QMP_ENUM)
        return check_enum(value, named, where, desc, n);
    if (named->kind == QMP_UNION)
        return check_union(value, named, where, desc, n);
    return json_is_object(value)
               ? qmp_check_members(value, named->text, where, desc, n)
               : complain(desc, n, "Invalid parameter type for '%s', expected: %s", where,
                          "object");
}

static bool has_member(const char *text, const char *name)
{
    struct qmp_member m;

    while (qmp_next_member(&text, &m))
        if (!strcmp(m.name, name))
            return true;
    return false;
}

bool qmp_check_members(const json_t *object, const char *text, const char *where, char *desc,
                       size_t n)
{
    const char *all = text, *dot = *where ? "." : "", *key;
    struct qmp_member m;
    char inner[200];
    json_t *value;

    while (qmp_next_member(&text, &m)) {
        value = json_object_get(object, m.name);
        snprintf(inner, sizeof inner, "%s%s%s", where, dot, m.name);
        if (!value && !m.optional)
            return complain(desc, n, "Parameter '%s' is missing%s", inner, "");
        if (value && !qmp_check(value, m.type, inner, desc, n))
            return false;
    }
    json_object_foreach((json_t *)object, key, value)
    {
        if (has_member(all, key))
            continue;
        snprintf(desc, n, "Parameter '%s%s%.100s' is unexpected", where, dot, key);
        return false;
    }
    return true;
}
