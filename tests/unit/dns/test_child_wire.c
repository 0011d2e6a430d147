/* SPDX-License-Identifier: MIT */
#include "common/dns/child_wire.h"

#include <stdlib.h>

#include "tests/test.h"

static void
test_question(void)
{
	struct child_question q = {.id = 0x107, .type = DNS_MX}, got;
	struct str bytes;

	snprintf(q.name, sizeof(q.name), "mx.d.test");
	bytes = child_question_bytes(&q);
	CHECK(child_question_read(bytes, &got));
	CHECK(got.id == 0x107 && got.type == DNS_MX);
	CHECK_STR(got.name, "mx.d.test");
	for (size_t n = 0; n < bytes.len; n++)
		CHECK(!child_question_read(str_first(bytes, n), &got));
	q.id = CHILD_NEWS;
	CHECK(!child_question_read(bytes, &got));
}

static struct str
answer(struct buf *packet, uint32_t id)
{
	static const struct dns_record records[] = {
	    {STR("\x7f\0\0\1")}, {STR("")}, {STR("\x7f\0\0\2")}};
	const struct dns_answer a = {.status = DNS_OK,
	    .secure = true,
	    .ttl_s = 77,
	    .canonical = "there.test",
	    .n = 3,
	    .records = records};

	buf_init(packet, CHILD_PACKET_MAX);
	child_answer_write(packet, id, &a);
	CHECK(!packet->overrun);
	return buf_str(packet);
}

/* A copy of exactly this size: reading over its end is seen. */
static bool
read_copy(struct str packet, struct dns_record *records)
{
	char *copy = mem_new(packet.len + 1, 1);
	struct dns_answer a;
	uint32_t id;
	bool good;

	copy = mem_grow(copy, packet.len > 0 ? packet.len : 1, 1);
	memcpy(copy, packet.at, packet.len);
	good = child_answer_read(
	    (struct str){copy, packet.len}, &id, &a, records);
	if (good) { /* all of it can be looked at */
		size_t sum = 0;

		for (size_t i = 0; i < a.n; i++)
			for (size_t j = 0; j < a.records[i].data.len; j++)
				sum += (unsigned char)a.records[i].data.at[j];
		sum += a.canonical != NULL ? strlen(a.canonical) : 0;
		sum += a.why != NULL ? strlen(a.why) : 0;
		CHECK(sum < SIZE_MAX);
	}
	free(copy);
	return good;
}

static void
test_answer(void)
{
	struct dns_record records[CHILD_RECORDS_MAX];
	struct buf packet;
	struct str bytes = answer(&packet, 0x2ff);
	struct dns_answer a;
	uint32_t id;

	CHECK(child_answer_read(bytes, &id, &a, records));
	CHECK(id == 0x2ff && a.status == DNS_OK && a.secure && a.ttl_s == 77);
	CHECK_STR(a.canonical, "there.test");
	CHECK(a.why == NULL && a.n == 3);
	CHECK(str_eq(a.records[0].data, STR("\x7f\0\0\1")));
	CHECK(a.records[1].data.len == 0);
	CHECK(str_eq(a.records[2].data, STR("\x7f\0\0\2")));
	for (size_t n = 0; n < bytes.len; n++)
		CHECK(!read_copy(str_first(bytes, n), records));
	buf_add_char(&packet, 'x');
	CHECK(!read_copy(buf_str(&packet), records));
	buf_release(&packet);
}

/* Whatever a child sends that somebody has broken into. */
static void
test_hostile(void)
{
	struct dns_record records[CHILD_RECORDS_MAX];
	struct buf packet;
	struct str bytes = answer(&packet, 1);

	for (size_t at = 0; at < bytes.len; at++) {
		char old = packet.data[at];

		for (int c = 0; c < 256; c++) {
			packet.data[at] = (char)c;
			read_copy(bytes, records);
		}
		packet.data[at] = old;
	}
	CHECK(read_copy(bytes, records));
	buf_release(&packet);
}

static bool
says(const char *canonical, const char *why)
{
	const struct dns_answer a = {
	    .status = DNS_TEMPFAIL, .canonical = canonical, .why = why};
	struct dns_record records[CHILD_RECORDS_MAX];
	struct buf packet;
	bool good;

	buf_init(&packet, CHILD_PACKET_MAX);
	child_answer_write(&packet, 1, &a);
	good = read_copy(buf_str(&packet), records);
	buf_release(&packet);
	return good;
}

/* What is said is logged and told to peers: one line; and a name is one. */
static void
test_texts(void)
{
	char name[300];

	CHECK(says(NULL, NULL) && says("a.test", "p\xc3\xa4th: no such file"));
	CHECK(!says(NULL, "one\r\n250 two") && !says(NULL, "\x7f"));
	CHECK(!says("a.test\n", NULL) && !says("a b", NULL));
	CHECK(!says("", NULL) && !says("a\\b", NULL));
	memset(name, 'a', sizeof(name));
	name[253] = '\0';
	CHECK(says(name, NULL));
	name[253] = 'a';
	name[254] = '\0';
	CHECK(!says(name, NULL));
}

static void
test_large(void)
{
	static char octets[2000];
	struct dns_record records[CHILD_RECORDS_MAX];
	const struct dns_answer a = {
	    .status = DNS_OK, .n = CHILD_RECORDS_MAX, .records = records};
	struct buf packet;

	for (size_t i = 0; i < CHILD_RECORDS_MAX; i++)
		records[i].data = (struct str){octets, sizeof(octets)};
	buf_init(&packet, CHILD_PACKET_MAX);
	child_answer_write(&packet, 1, &a);
	CHECK(packet.overrun);
	buf_release(&packet);
}

int
main(void)
{
	test_question();
	test_answer();
	test_hostile();
	test_texts();
	test_large();
	return TEST_EXIT();
}
