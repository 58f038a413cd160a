/* Picture files. */
#include <check.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ringer/error.h"
#include "vmm/ui/picture.h"

/* 3 x 2 pixels in lines of 5. */
static const uint32_t pixels[10] = {0x00FF0000, 0x0000FF00, 0x000000FF, 9, 9,
                                    0xAA123456, 0x00FFFFFF, 0x00000000, 9, 9};
static const uint8_t rgb[18] = {255,  0,    0,    0,   255, 0,   0, 0, 255,
                                0x12, 0x34, 0x56, 255, 255, 255, 0, 0, 0};

static void temporary(char path[64])
{
    int fd;

    strcpy(path, "/tmp/ringer-picture-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

START_TEST(ppm_is_exact)
{
    char path[64], bytes[64];
    struct error err;
    FILE *file;
    size_t n;

    temporary(path);
    ck_assert(picture_write_ppm(path, pixels, 3, 2, 5, &err));
    file = fopen(path, "rb");
    n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    unlink(path);
    ck_assert_uint_eq(n, 11 + 18);
    ck_assert_mem_eq(bytes, "P6\n3 2\n255\n", 11);
    ck_assert_mem_eq(bytes + 11, rgb, 18);
}
END_TEST

START_TEST(png_reads_back)
{
    char path[64];
    uint8_t back[18];
    png_image image = {.version = PNG_IMAGE_VERSION};
    struct error err;

    temporary(path);
    ck_assert(picture_write_png(path, pixels, 3, 2, 5, &err));
    ck_assert(png_image_begin_read_from_file(&image, path));
    ck_assert_uint_eq(image.width, 3);
    ck_assert_uint_eq(image.height, 2);
    image.format = PNG_FORMAT_RGB;
    ck_assert(png_image_finish_read(&image, NULL, back, 0, NULL));
    unlink(path);
    ck_assert_mem_eq(back, rgb, 18);
}
END_TEST

START_TEST(failures_name_the_file)
{
    struct error err = {""};

    ck_assert(!picture_write_ppm("/nowhere/at/all.ppm", pixels, 3, 2, 5, &err));
    ck_assert(strstr(err.text, "/nowhere/at/all.ppm"));
    err.text[0] = '\0';
    ck_assert(!picture_write_png("/nowhere/at/all.png", pixels, 3, 2, 5, &err));
    ck_assert(strstr(err.text, "/nowhere/at/all.png"));
    ck_assert(!picture_write_png("/tmp/never-made.png", pixels, 0, 2, 5, &err));
    ck_assert_int_ne(access("/tmp/never-made.png", F_OK), 0);
}
END_TEST

/* /dev/full through a link, which the failing write takes away. */
static void check_full(bool (*write)(const char *, const uint32_t *, unsigned, unsigned, unsigned,
                                     struct error *))
{
    char path[64];
    struct error err = {""};
    uint32_t *big = calloc(640 * 480, sizeof(*big));

    temporary(path);
    unlink(path);
    ck_assert_int_eq(symlink("/dev/full", path), 0);
    for (unsigned i = 0; i < 640 * 480; i++)
        big[i] = i * 2654435761u; /* does not compress */
    ck_assert(!write(path, big, 640, 480, 640, &err));
    ck_assert_msg(strstr(err.text, "No space") != NULL, "%s", err.text);
    ck_assert_int_ne(access(path, F_OK), 0);
    free(big);
}

START_TEST(a_full_disk_is_reported)
{
    if (access("/dev/full", W_OK) != 0)
        return;
    check_full(picture_write_ppm);
    check_full(picture_write_png);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("picture");
    TCase *tc = tcase_create("picture");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, ppm_is_exact);
    tcase_add_test(tc, png_reads_back);
    tcase_add_test(tc, failures_name_the_file);
    tcase_add_test(tc, a_full_disk_is_reported);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
