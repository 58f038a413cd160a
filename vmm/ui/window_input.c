/* The host's events: which are the window's own, and which the guest's. */
#include "vmm/ui/sdl_keys.h"
#include "vmm/ui/window_private.h"

/* ---- the mouse ---- */

void window_capture(struct window *w, bool on)
{
    if (on && SDL_SetRelativeMouseMode(SDL_TRUE) != 0)
        return;
    if (!on)
        SDL_SetRelativeMouseMode(SDL_FALSE);
    w->captured = on;
    SDL_SetWindowKeyboardGrab(w->view.window, on ? SDL_TRUE : SDL_FALSE);
    window_title(w);
}

static bool in_picture(const struct window *w, int x, int y)
{
    const struct box *p = &w->view.picture;

    return x >= p->x && x < p->x + p->width && y >= p->y && y < p->y + p->height;
}

/* The host's pointer is hidden over a guest that draws one in the same place. */
static void show_pointer(struct window *w)
{
    bool hide =
        w->absolute && !w->menu.open && !w->options.show_cursor && in_picture(w, w->x, w->y);

    SDL_ShowCursor(hide ? SDL_DISABLE : SDL_ENABLE);
}

static void follow_absolute(struct window *w)
{
    bool absolute = display_state(w->display).absolute;

    if (absolute && w->captured)
        window_capture(w, false);
    w->absolute = absolute;
    if (!w->captured)
        show_pointer(w);
}

void window_flush_motion(struct window *w)
{
    unsigned x, y;

    if (w->placed) {
        geometry_position(&w->view.picture, w->x, w->y, &x, &y);
        input_place(w->input, x, y, w->dz, w->buttons);
    } else if (w->moved) {
        input_move(w->input, w->dx, w->dy, w->dz, w->buttons);
    }
    w->moved = w->placed = false;
    w->dx = w->dy = w->dz = 0;
}

static void mark_pointer(struct window *w)
{
    if (w->absolute)
        w->placed = true;
    else if (w->captured)
        w->moved = true;
}

static void motion(struct window *w, const SDL_MouseMotionEvent *e)
{
    struct choice choice;

    w->x = e->x;
    w->y = e->y;
    view_scale_point(&w->view, &w->x, &w->y);
    if (w->menu.open) {
        int x = w->x, y = w->y;
        view_menu_point(&w->view, &x, &y);
        menu_point(&w->menu, x, y, false, &choice);
        w->present = true;
        return;
    }
    follow_absolute(w);
    if (w->captured) {
        w->dx += e->xrel;
        w->dy += e->yrel;
    }
    mark_pointer(w);
}

static unsigned button_bit(Uint8 button)
{
    static const unsigned bits[6] = {0,        BUTTON_LEFT, BUTTON_MIDDLE, BUTTON_RIGHT,
                                     BUTTON_4, BUTTON_5};

    return button < 6 ? bits[button] : 0;
}

/* A click outside the guest's reach.  True: it was that. */
static bool own_click(struct window *w, int x, int y)
{
    struct choice choice;

    if (w->captured)
        return false;
    if (w->menu.open) {
        view_menu_point(&w->view, &x, &y);
        menu_point(&w->menu, x, y, true, &choice);
        window_act(w, &choice);
        w->present = true;
        return true;
    }
    if (view_on_status(&w->view, x, y)) {
        menu_open(&w->menu, menu_main);
        input_release(w->input);
        w->present = true;
        return true;
    }
    if (!w->absolute && in_picture(w, x, y)) { /* this click is the window's; those after, no */
        window_capture(w, true);
        return true;
    }
    return false;
}

static void button(struct window *w, const SDL_MouseButtonEvent *e)
{
    unsigned bit = button_bit(e->button);

    w->x = e->x;
    w->y = e->y;
    view_scale_point(&w->view, &w->x, &w->y);
    follow_absolute(w);
    if (e->type == SDL_MOUSEBUTTONDOWN && own_click(w, w->x, w->y))
        return;
    unsigned buttons = e->type == SDL_MOUSEBUTTONDOWN ? w->buttons | bit : w->buttons & ~bit;
    if (buttons == w->buttons)
        return;
    window_flush_motion(w); /* up to here with the buttons as they were */
    w->buttons = buttons;
    mark_pointer(w);
    window_flush_motion(w);
}

static void wheel(struct window *w, const SDL_MouseWheelEvent *e)
{
    if (w->menu.open)
        return;
    w->dz += e->direction == SDL_MOUSEWHEEL_FLIPPED ? e->y : -e->y;
    mark_pointer(w);
}

static void lose_focus(struct window *w)
{
    input_release(w->input);
    w->buttons = 0;
    if (w->captured)
        window_capture(w, false);
}

/* ---- the keyboard ---- */

static bool modifiers_held(const struct window *w, Uint16 mod)
{
    switch (w->options.grab) {
    case GRAB_CTRL_ALT:
        return (mod & KMOD_LCTRL) && (mod & KMOD_LALT);
    case GRAB_CTRL_ALT_SHIFT:
        return (mod & KMOD_LCTRL) && (mod & KMOD_LALT) && (mod & KMOD_LSHIFT);
    case GRAB_RIGHT_CTRL:
        return mod & KMOD_RCTRL;
    }
    return false;
}

/* What a key with the modifiers does; ACT_NONE: it is the guest's. */
static struct choice shortcut(const struct window *w, SDL_Keycode key)
{
    static const struct {
        SDL_Keycode key;
        struct choice choice;
    } shortcuts[] = {
        {SDLK_g, {ACT_CAPTURE, NULL, NULL}},    {SDLK_f, {ACT_FULLSCREEN, NULL, NULL}},
        {SDLK_h, {ACT_HELP, NULL, NULL}},       {SDLK_m, {ACT_MENU, NULL, NULL}},
        {SDLK_p, {ACT_PAUSE, NULL, NULL}},      {SDLK_r, {ACT_RESET, NULL, NULL}},
        {SDLK_v, {ACT_PASTE, NULL, NULL}},      {SDLK_u, {ACT_SIZE, "100", NULL}},
        {SDLK_i, {ACT_INTEGER, NULL, NULL}},    {SDLK_l, {ACT_STATUS, NULL, NULL}},
        {SDLK_q, {ACT_QUIT, NULL, NULL}},       {SDLK_s, {ACT_SCREENSHOT, NULL, NULL}},
        {SDLK_PLUS, {ACT_SIZE, "+", NULL}},     {SDLK_EQUALS, {ACT_SIZE, "+", NULL}},
        {SDLK_KP_PLUS, {ACT_SIZE, "+", NULL}},  {SDLK_MINUS, {ACT_SIZE, "-", NULL}},
        {SDLK_KP_MINUS, {ACT_SIZE, "-", NULL}}, {SDLK_o, {ACT_OVERLAY, NULL, NULL}},
    };

    (void)w;
    for (size_t i = 0; i < sizeof shortcuts / sizeof *shortcuts; i++)
        if (shortcuts[i].key == key)
            return shortcuts[i].choice;
    return (struct choice){ACT_NONE, NULL, NULL};
}

static void menu_press(struct window *w, const SDL_KeyboardEvent *e)
{
    static const struct {
        SDL_Keycode key;
        enum menu_key menu;
    } keys[] = {
        {SDLK_UP, MENU_UP},         {SDLK_DOWN, MENU_DOWN},           {SDLK_LEFT, MENU_LEFT},
        {SDLK_RIGHT, MENU_RIGHT},   {SDLK_RETURN, MENU_ENTER},        {SDLK_KP_ENTER, MENU_ENTER},
        {SDLK_ESCAPE, MENU_ESCAPE}, {SDLK_BACKSPACE, MENU_BACKSPACE}, {SDLK_F1, MENU_HELP}};
    struct choice choice = {ACT_NONE, NULL, NULL};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].key == e->keysym.sym) {
            menu_key(&w->menu, keys[i].menu, &choice);
            window_act(w, &choice);
            break;
        }
    w->present = true;
}

static void key(struct window *w, const SDL_KeyboardEvent *e)
{
    bool down = e->type == SDL_KEYDOWN;
    uint16_t code = sdl_key_code(e->keysym.scancode);

    if (down && modifiers_held(w, e->keysym.mod)) {
        struct choice choice = shortcut(w, e->keysym.sym);
        if (choice.action != ACT_NONE) {
            if (e->repeat)
                return;
            input_release(w->input); /* the guest has seen the modifiers */
            menu_close(&w->menu);
            window_act(w, &choice);
            w->present = true;
            return;
        }
    }
    if (w->menu.open && down)
        menu_press(w, e);
    else if (code && (!w->menu.open || !down) && !machine_stopped(w->target.machine))
        input_key(w->input, code, down);
    else if (code && !down)
        input_key(w->input, code, false);
}

/* ---- all events ---- */

static void window_changed(struct window *w, const SDL_WindowEvent *e)
{
    switch (e->event) {
    case SDL_WINDOWEVENT_CLOSE:
        if (!w->options.ignore_close)
            machine_quit(w->target.machine, 0);
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        lose_focus(w);
        break;
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_RESIZED:
    case SDL_WINDOWEVENT_SIZE_CHANGED:
    case SDL_WINDOWEVENT_SHOWN:
        if (e->event == SDL_WINDOWEVENT_RESIZED && !w->view.full_screen)
            w->view.user_size = true; /* only the user and the window manager cause this one */
        w->present = true;
        break;
    default:
        break;
    }
}

void window_event(struct window *w, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_WINDOWEVENT:
        window_changed(w, &e->window);
        break;
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        key(w, &e->key);
        break;
    case SDL_TEXTINPUT:
        menu_text(&w->menu, e->text.text);
        w->present = true;
        break;
    case SDL_MOUSEMOTION:
        motion(w, &e->motion);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        button(w, &e->button);
        break;
    case SDL_MOUSEWHEEL:
        wheel(w, &e->wheel);
        break;
    case SDL_DROPFILE:
        window_drop_file(w, e->drop.file);
        SDL_free(e->drop.file);
        break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        w->picture_lost = true;
        break;
    default:
        break;
    }
    if (menu_wants_text(&w->menu) != (SDL_IsTextInputActive() == SDL_TRUE)) {
        if (menu_wants_text(&w->menu))
            SDL_StartTextInput();
        else
            SDL_StopTextInput();
    }
}
