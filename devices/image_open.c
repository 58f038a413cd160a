/* Which format an image has: named, or told by its first bytes. */
#include "devices/image.h"

#include "ringer/error.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

struct signature {
    const char *format;
    uint32_t offset, len;
    const char *bytes;
};

/* Longest first where one begins another.  Formats from "qcow2" and "gzip" on down are not read:
 * they are known by name so that nobody boots a container's header as a disk. */
static const struct signature signatures[] = {
    {"qcow2", 0, 8, "QFI\xFB\0\0\0\2"},
    {"qcow2", 0, 8, "QFI\xFB\0\0\0\3"},
    {"gzip", 0, 3, "\x1F\x8B\x08"},
    {"qcow", 0, 8, "QFI\xFB\0\0\0\1"},
    {"qcow", 0, 4, "QFI\xFB"},
    {"VMDK", 0, 4, "KDMV"},
    {"VMDK", 0, 4, "COWD"},
    {"VMDK", 0, 21, "# Disk DescriptorFile"},
    {"VDI", 64, 4, "\x7F\x10\xDA\xBE"},
    {"VHDX", 0, 8, "vhdxfile"},
    {"VHD", 0, 8, "conectix"},
    {"QED", 0, 4, "QED\0"},
    {"Parallels", 0, 16, "WithoutFreeSpace"},
    {"Parallels", 0, 16, "WithouFreSpacExt"},
    {"xz", 0, 6, "\xFD\x37zXZ\0"},
    {"zstd", 0, 4, "\x28\xB5\x2F\xFD"},
    {"bzip2", 0, 3, "BZh"},
};

static bool matches(const struct signature *s, const uint8_t *head, size_t len)
{
    if (s->offset + s->len > len || memcmp(head + s->offset, s->bytes, s->len) != 0)
        return false;
    /* "BZh" alone could be anything: a digit and the first block's magic follow it. */
    return strcmp(s->format, "bzip2") != 0 || (len >= 10 && memcmp(head + 4, "1AY&SY", 6) == 0);
}

const char *image_probe(const uint8_t *head, size_t len)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (matches(&signatures[i], head, len))
            return signatures[i].format;
    return "raw";
}

static bool is_packed(const char *format)
{
    return !strcmp(format, "xz") || !strcmp(format, "zstd") || !strcmp(format, "bzip2");
}

/* A format that is known, or that somebody named, but that is not read here. */
static struct image *refuse(const struct image_request *request, const char *format,
                            struct error *err)
{
    if (request->format)
        error_set(err, "image '%s': unknown format '%s'; there are raw, qcow2, gzip and nbd",
                  request->path, format);
    else if (is_packed(format))
        error_set(err, "image '%s' is packed by %s; unpack it, or pack it by gzip", request->path,
                  format);
    else
        error_set(err,
                  "image '%s' is of the format %s; serve it by 'qemu-nbd -k SOCKET' and name "
                  "nbd:unix:SOCKET, or give format=raw",
                  request->path, format);
    return NULL;
}

static struct image *open_format(const struct image_file *file, const char *format,
                                 const struct image_request *request, struct error *err)
{
    if (!strcmp(format, "raw"))
        return image_raw_new(file, err);
    if (!strcmp(format, "qcow2"))
        return image_qcow2_new(file, request, err);
    if (!strcmp(format, "gzip"))
        return image_gzip_new(file, request, err);
    return refuse(request, format, err);
}

/* QEMU's name of a way to an image that ringer does not go: "fat" of "fat:rw:DIR"; its length, 0:
 * none. */
static size_t foreign_protocol(const char *path)
{
    static const char *const names[] = {
        "fat",     "http",     "https", "ftp",      "ftps", "ssh",  "nfs",       "rbd",    "json",
        "gluster", "blkdebug", "iscsi", "sheepdog", "nvme", "vxhs", "blkverify", "quorum", "fd"};
    size_t len = strcspn(path, ":/+");

    for (size_t i = 0; path[len] == ':' && i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == len && !memcmp(path, names[i], len))
            return len;
    return 0;
}

bool image_plain_name(const char **path, struct error *err)
{
    if (access(*path, F_OK) == 0)
        return true;
    if (!strncmp(*path, "file:", 5))
        *path += 5;
    if (!foreign_protocol(*path))
        return true;
    return error_set(err,
                     "image '%.200s': ringer has no '%.*s:'; serve it by 'qemu-nbd -k SOCKET' and "
                     "name nbd:unix:SOCKET",
                     *path, (int)foreign_protocol(*path), *path);
}

struct image *image_open(const struct image_request *asked, struct error *err)
{
    struct image_request named = *asked, *request = &named;
    struct image_file file;
    uint8_t head[IMAGE_HEAD];
    size_t len;
    struct image *image = NULL;

    bool nbd = image_is_nbd(request->path);

    /* An export is a disk, whatever is in it, unless it is said to hold another format. */
    if (nbd &&
        (!request->format || !strcmp(request->format, "raw") || !strcmp(request->format, "nbd")))
        return image_nbd_open(request, err);
    if (image_is_null(request->path))
        return image_null_open(request, err);
    if (!nbd && !image_plain_name(&named.path, err))
        return NULL;
    if (!(nbd ? image_nbd_open_file(&file, request, err) : image_file_open(&file, request, err)))
        return NULL;
    len = file.bytes < sizeof head ? (size_t)file.bytes : sizeof head;
    if (!image_file_read(&file, head, len, 0))
        error_set(err, "image '%s' cannot be read: %s", request->path, strerror(errno));
    else
        image = open_format(&file, request->format ? request->format : image_probe(head, len),
                            request, err);
    if (!image)
        image_file_close(&file);
    return image;
}
