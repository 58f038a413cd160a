/* Keys of the host by their place. */
#ifndef RINGER_VMM_UI_SDL_KEYS_H
#define RINGER_VMM_UI_SDL_KEYS_H

#include <SDL2/SDL.h>
#include <stdint.h>

/* The PS/2 set 1 code of a key as i8042_key takes it; 0 for keys that PS/2 keyboards have not. */
uint16_t sdl_key_code(SDL_Scancode code);

#endif
