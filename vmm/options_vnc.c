/* -vnc, -display vnc=, and the layout of the keyboard that its clients' symbols are typed on. */
#include "vmm/option.h"
#include "vmm/ui/keysym.h"
#include <stdlib.h>
#include <string.h>

enum { DISPLAYS = 65536 - 5900 };

static const struct property vnc_properties[] = {
    {"vnc", PROPERTY_STRING, "HOST:N, unix:PATH or none", NULL, 0, 0, NULL},
    {"to", PROPERTY_NUMBER, "try displays up to this while they are taken", NULL, 0, DISPLAYS - 1,
     NULL},
    {"password", PROPERTY_BOOL, "ask for one, which the monitor sets", "off", 0, 0, NULL},
    {"password-secret", PROPERTY_STRING, "ask for the one in -object secret,id=", NULL, 0, 0, NULL},
    {"share", PROPERTY_CHOICE, "what several clients may do", "allow-exclusive", 0, 0,
     "allow-exclusive|force-shared|ignore"},
    {"connections", PROPERTY_NUMBER, "clients at most", "32", 1, 256, NULL},
    {"key-delay-ms", PROPERTY_NUMBER, "time between two keys", "10", 0, 1000, NULL},
    {"power-control", PROPERTY_BOOL, "clients may reset and power off", "off", 0, 0, NULL},
    {"id", PROPERTY_STRING, "its name", "default", 0, 0, NULL},
    {"lossy", PROPERTY_BOOL, "as the client likes", NULL, 0, 0, NULL},
    {"non-adaptive", PROPERTY_BOOL, "as the client likes", NULL, 0, 0, NULL},
    {"audiodev", PROPERTY_STRING, "one of driver none, as no sound travels", NULL, 0, 0, NULL},
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

/* "HOST:N", "[HOST]:N" */
static bool parse_address(struct options *o, const char *text, struct error *err)
{
    const char *colon = strrchr(text, ':'), *host = text;
    uint64_t display;

    if (!strncmp(text, "unix:", 5) && text[5]) {
        o->vnc.path = text + 5;
        return true;
    }
    if (!colon || !parse_uint(colon + 1, &display) || display >= DISPLAYS)
        return error_set(err,
                         "-vnc %s: it is HOST:N with a display number from 0 to %d (port 5900 "
                         "and on), :N, unix:PATH or none",
                         text, DISPLAYS - 1);
    size_t len = (size_t)(colon - text);
    if (len > 1 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    o->vnc.path = NULL;
    o->vnc.host = pool_text(&o->pool, host, len);
    o->vnc.display = o->vnc.to = (unsigned)display;
    return true;
}

/* What QEMU would do to keep others out, and is not there, must not be passed over. */
static bool refuse(const char *value, struct error *err)
{
    static const char *const others[][2] = {
        {"reverse", "clients connect to ringer, not the reverse: vncviewer, then HOST:N"},
        {"websocket", "browsers need a bridge such as websockify"},
        {"tls-creds", "for encryption listen at unix:PATH or loopback, and let ssh carry it"},
        {"tls-authz", "for encryption listen at unix:PATH or loopback, and let ssh carry it"},
        {"sasl", "clients authenticate by password: password=on"},
        {"sasl-authz", "clients authenticate by password: password=on"},
        {"acl", "clients authenticate by password: password=on"},
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t len = strlen(others[i][0]);
        for (const char *p = value; (p = strchr(p, ',')); p++)
            if (!strncmp(p + 1, others[i][0], len) && (!p[1 + len] || strchr("=,", p[1 + len])))
                return error_set(err, "-vnc %s: %s: %s", value, others[i][0], others[i][1]);
    }
    return true;
}

bool options_set_vnc(struct options *o, const char *value, struct error *err)
{
    enum { ADDRESS, TO, PASSWORD, SECRET, SHARE, CONNECTIONS, DELAY, POWER, AUDIO = POWER + 4 };
    static const struct option self = {"vnc", NULL, NULL, NULL, vnc_properties};
    struct value v[PROPERTIES_MAX];

    if (!refuse(value, err) || !option_properties(o, &self, value, "vnc", v, err))
        return false;
    if (o->help)
        return true;
    o->has_vnc = !v[ADDRESS].text || strcmp(v[ADDRESS].text, "none") != 0;
    if (!o->has_vnc)
        return true;
    if (!parse_address(o, v[ADDRESS].text ? v[ADDRESS].text : "", err))
        return false;
    if (v[TO].given && v[TO].number < o->vnc.display)
        return error_set(err, "-vnc %s: to=%s is below the display to begin with", value,
                         v[TO].text);
    if (v[TO].given)
        o->vnc.to = (unsigned)v[TO].number;
    o->vnc.password = v[PASSWORD].number || v[SECRET].given;
    o->vnc_secret = v[SECRET].text;
    o->vnc_audiodev = v[AUDIO].text;
    o->vnc.share = (enum vnc_share)v[SHARE].number;
    o->vnc.connections = (unsigned)v[CONNECTIONS].number;
    o->vnc.key_delay_ms = (unsigned)v[DELAY].number;
    o->vnc.power_control = v[POWER].number != 0;
    return true;
}

/* Clients are offered no sound; of an audiodev that makes none they miss nothing. */
static bool check_silence(const struct options *o, struct error *err)
{
    const char *id = o->vnc_audiodev;

    for (unsigned i = 0; id && i < o->audiodev_count; i++)
        if (o->audiodevs[i].id && !strcmp(o->audiodevs[i].id, id))
            return o->audiodevs[i].driver == AUDIO_NONE ||
                   error_set(err,
                             "-vnc ...,audiodev=%s: sound does not travel by VNC here: leave it "
                             "out",
                             id);
    return !id || error_set(err,
                            "-vnc ...,audiodev=%s: there is no such audiodev; add -audiodev "
                            "none,id=%s",
                            id, id);
}

bool options_check_vnc(struct options *o, struct error *err)
{
    if (o->has_vnc && !check_silence(o, err))
        return false;
    if (!o->has_vnc || !o->vnc_secret)
        return true;
    o->vnc.secret = options_secret(o, o->vnc_secret);
    return o->vnc.secret ||
           error_set(err,
                     "-vnc ...,password-secret=%s: there is no such secret: add -object "
                     "secret,id=%s,...",
                     o->vnc_secret, o->vnc_secret);
}

static bool set_vnc(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    (void)self;
    return options_set_vnc(o, value, err);
}

static bool set_layout(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    o->vnc.layout = value;
    return keysyms_known(value) || option_bad(err, self, value, keysyms_names());
}

const struct option options_vnc[] = {
    {"vnc", "HOST:N", "the screen for VNC clients, or unix:PATH; -help vnc has more", set_vnc,
     vnc_properties},
    {"k", "LAYOUT", "the guest's keyboard, for VNC clients: en-us, de, fr, ...", set_layout, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
