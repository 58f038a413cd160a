#include <stdio.h>
#include <string.h>

#include "chipset.h"

struct fake {
    uint16_t offset[8];
    uint32_t value[8];
    unsigned size[8];
    unsigned count;
    uint32_t answer;
};

static uint32_t fake_read(void *opaque, uint16_t offset, unsigned size)
{
    struct fake *f = opaque;

    f->offset[f->count & 7] = offset;
    f->size[f->count++ & 7] = size;
    return f->answer + offset;
}

static void fake_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct fake *f = opaque;

    f->offset[f->count & 7] = offset;
    f->value[f->count & 7] = value;
    f->size[f->count++ & 7] = size;
}

static const struct io_ops bytes = {fake_read, fake_write, 1};
static const struct io_ops words = {fake_read, fake_write, 2};
static const struct io_ops dwords = {fake_read, fake_write, 4};

START_TEST(test_nobody_reads_as_ones)
{
    struct bus *b = bus_new(NULL);

    ck_assert_uint_eq(bus_in(b, 0x300, 1), 0xff);
    ck_assert_uint_eq(bus_in(b, 0x300, 2), 0xffff);
    ck_assert_uint_eq(bus_in(b, 0xffff, 4), 0xffffffff);
    bus_out(b, 0xffff, 0x12345678, 4);
    ck_assert(!bus_mapped(b, 0x300));
    ck_assert_uint_eq(bus_accesses(b, 0x300), 2);
    bus_free(b);
}
END_TEST

START_TEST(test_wide_access_is_split_low_first)
{
    struct bus *b = bus_new(NULL);
    struct fake f = {.answer = 0x10};

    bus_map(b, "fake", 0x300, 4, &bytes, &f);
    ck_assert_uint_eq(bus_in(b, 0x300, 4), 0x13121110);
    f.count = 0;
    bus_out(b, 0x300, 0xaabbccdd, 4);
    ck_assert_uint_eq(f.count, 4);
    ck_assert_uint_eq(f.value[0], 0xdd);
    ck_assert_uint_eq(f.value[3], 0xaa);
    ck_assert_uint_eq(f.offset[3], 3);
    bus_free(b);
}
END_TEST

START_TEST(test_width_is_kept_up_to_the_devices_own)
{
    struct bus *b = bus_new(NULL);
    struct fake f = {.count = 0};

    bus_map(b, "fake", 0x300, 8, &words, &f);
    bus_out(b, 0x300, 0x11112222, 4);
    ck_assert_uint_eq(f.count, 2);
    ck_assert_uint_eq(f.size[0], 2);
    ck_assert_uint_eq(f.value[1], 0x1111);
    ck_assert_uint_eq(f.offset[1], 2);
    bus_free(b);
}
END_TEST

START_TEST(test_access_over_the_end_reaches_the_neighbour)
{
    struct bus *b = bus_new(NULL);
    struct fake low = {.answer = 1}, high = {.answer = 2};

    bus_map(b, "low", 0x300, 2, &words, &low);
    bus_map(b, "high", 0x302, 2, &words, &high);
    ck_assert_uint_eq(bus_in(b, 0x301, 2), 0x0202);
    ck_assert_uint_eq(low.size[0], 1);
    ck_assert_uint_eq(high.count, 1);
    bus_free(b);
}
END_TEST

/* As CF8h and CF9h: a dword belongs to the device of its first port. */
START_TEST(test_byte_device_inside_a_dword_device)
{
    struct bus *b = bus_new(NULL);
    struct fake pci = {.count = 0}, reset = {.count = 0};

    bus_map(b, "pci", 0xcf8, 8, &dwords, &pci);
    bus_map(b, "reset", 0xcf9, 1, &bytes, &reset);
    bus_out(b, 0xcf8, 0x80000600, 4);
    ck_assert_uint_eq(pci.count, 1);
    ck_assert_uint_eq(reset.count, 0);
    bus_out(b, 0xcf9, 6, 1);
    ck_assert_uint_eq(reset.count, 1);
    bus_free(b);
}
END_TEST

START_TEST(test_unmap_uncovers_what_was_hidden)
{
    struct bus *b = bus_new(NULL);
    struct fake first = {.answer = 0x11}, second = {.answer = 0x22};

    bus_map(b, "first", 0x300, 4, &bytes, &first);
    bus_map(b, "second", 0x301, 1, &bytes, &second);
    ck_assert_uint_eq(bus_in(b, 0x301, 1), 0x22);
    bus_unmap(b, 0x301, 1);
    ck_assert_uint_eq(bus_in(b, 0x301, 1), 0x12);
    bus_unmap(b, 0x300, 4);
    ck_assert(!bus_mapped(b, 0x301));
    bus_free(b);
}
END_TEST

static void collect(void *opaque, const struct bus_range *r)
{
    char *text = opaque;

    sprintf(text + strlen(text), "%04x-%04x %s\n", r->base, r->base + r->count - 1, r->name);
}

START_TEST(test_each_range)
{
    struct bus *b = bus_new(NULL);
    struct fake f = {.count = 0};
    char text[400] = "";

    bus_map(b, "outer", 0x300, 4, &bytes, &f);
    bus_map(b, "inner", 0x301, 1, &bytes, &f);
    bus_map(b, "last", 0xfffe, 8, &bytes, &f);
    bus_each(b, collect, text);
    ck_assert_str_eq(text, "0300-0300 outer\n0301-0301 inner\n0302-0303 outer\nfffe-ffff last\n");
    bus_free(b);
}
END_TEST

struct counted {
    unsigned resets, frees;
};

static void counted_reset(void *opaque)
{
    ((struct counted *)opaque)->resets++;
}

static void counted_free(void *opaque)
{
    ((struct counted *)opaque)->frees++;
}

static const struct field counted_fields[] = {
    FIELD(struct counted, resets),
    FIELD_END,
};

static const struct device_class counted_class = {
    .name = "counted",
    .fields = counted_fields,
    .reset = counted_reset,
    .free = counted_free,
};

static void count_one(void *opaque, const struct device_class *class, void *dev)
{
    (void)dev;
    ck_assert_str_eq(class->name, "counted");
    ++*(unsigned *)opaque;
}

START_TEST(test_device_list)
{
    struct device_list *l = device_list_new();
    struct counted d[40] = {{0, 0}};
    unsigned seen = 0;

    for (int i = 0; i < 40; i++)
        device_add(l, &counted_class, &d[i]);
    device_reset_all(l);
    device_each(l, count_one, &seen);
    device_free_all(l);
    ck_assert_uint_eq(seen, 40);
    for (int i = 0; i < 40; i++)
        ck_assert(d[i].resets == 1 && d[i].frees == 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bus");
    TCase *t = tcase_create("bus");

    tcase_add_test(t, test_nobody_reads_as_ones);
    tcase_add_test(t, test_wide_access_is_split_low_first);
    tcase_add_test(t, test_width_is_kept_up_to_the_devices_own);
    tcase_add_test(t, test_access_over_the_end_reaches_the_neighbour);
    tcase_add_test(t, test_byte_device_inside_a_dword_device);
    tcase_add_test(t, test_unmap_uncovers_what_was_hidden);
    tcase_add_test(t, test_each_range);
    tcase_add_test(t, test_device_list);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
