/*
 * Files of a city that does not exist, from a seed: the same arguments give
 * the same bytes.
 *
 *   make_rows SHAPE ROWS [SUBJECTS [BAD [SEED]]]
 *
 * registry   eight columns, a row for each of ROWS subjects, in no order; of
 *            100,000 rows BAD have a date or a number that is none
 * ratings    ROWS rows of SUBJECTS subjects, in no order
 * penalties  the same with amounts; a subject may have several
 * changes    ROWS rows of registry, scattered over SUBJECTS, with another
 *            capital: SEED tells one file from the next
 * seven      seven columns, half as many subjects as rows, in no order
 * subjects   the keys of ROWS subjects, scattered over SUBJECTS
 * licences   the keys of the same rows in registry
 */
#include "bench/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct request {
	uint64_t rows;
	uint64_t subjects;
	uint64_t bad;
	uint64_t seed;
};

/* An order that looks like none: i times a prime, over the first n numbers.
 * The primes are larger than any n, so each number comes once. */
static uint64_t
scatter(uint64_t i, uint64_t n, uint64_t prime)
{
	return (uint64_t)((unsigned __int128)i * prime % n);
}
#define PRIME_ROWS UINT64_C(2147483647)
#define PRIME_RATINGS UINT64_C(4294967291)
#define PRIME_CHANGES UINT64_C(68719476731)

/* The credit code of subject i by GB 32100, with the check characters of the
 * whole and of the organization code in it (GB 11714). */
static void
credit_code(uint64_t i, char text[static 32])
{
	static const char digits[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	static const int weights[] = {3, 7, 9, 10, 5, 8, 4, 2};
	int sum = 0, weight = 1;

	snprintf(text, 32, "914419%02u%08u", (unsigned)(i % 34),
		 (unsigned)(i % 100000000));
	for (int k = 0; k < 8; k++)
		sum += weights[k] * (text[8 + k] - '0');
	text[16] = "0X987654321"[sum % 11];
	sum = 0;
	for (int k = 0; k < 17; k++) {
		sum += weight * (int)(strchr(digits, text[k]) - digits);
		weight = weight * 3 % 31;
	}
	text[17] = digits[(31 - sum % 31) % 31];
	text[18] = '\0';
}

static void
registry_row(uint64_t i, uint64_t change, bool bad)
{
	static const char *const states[] = {"存续", "吊销", "注销", "迁出"};
	char code[32];

	credit_code(i, code);
	printf("%015" PRIu64 ",%s,东莞市第%" PRIu64 "贸易有限公司,%s,",
	       i * 7 + 440000000000000, code, i, states[i % 4]);
	if (bad && i % 2)
		printf("about %" PRIu64 ",", i);
	else
		printf("%" PRIu64 ".%02u,", (i * 31 + change) % 100000000,
		       (unsigned)(i % 100));
	if (bad && i % 2 == 0)
		fputs("20xx-01-01,", stdout);
	else
		printf("%u-%02u-%02u,", (unsigned)(1980 + i % 45),
		       (unsigned)(1 + i % 12), (unsigned)(1 + i % 28));
	printf("4419%02u,东莞市松山湖大道%" PRIu64 "号\n", (unsigned)(i % 34),
	       i % 9973);
}

#define REGISTRY "licence_no,uscc,name,status,capital,founded_on,region,address"

static void
registry(const struct request *r)
{
	puts(REGISTRY);
	for (uint64_t i = 0; i < r->rows; i++) {
		uint64_t at = scatter(i, r->rows, PRIME_ROWS);
		/* every (100,000 / bad)th row, so that it is no sample */
		bool bad = r->bad && at % (100000 / r->bad) == 17;

		registry_row(at, 0, bad);
	}
}

static void
changes(const struct request *r)
{
	puts(REGISTRY);
	for (uint64_t i = 0; i < r->rows; i++)
		registry_row(scatter(i + 1, r->subjects, PRIME_CHANGES),
			     1 + r->seed, false);
}

static void
ratings(const struct request *r)
{
	char code[32];

	puts("uscc,year,taxpayer,grade,rated_on");
	for (uint64_t i = 0; i < r->rows; i++) {
		uint64_t at = scatter(i, r->subjects, PRIME_RATINGS);

		credit_code(at, code);
		printf("%s,2025,东莞市%" PRIu64 "公司,%c,2025-%02u-%02u\n",
		       code, at, "ABCD"[at % 4], (unsigned)(1 + at % 12),
		       (unsigned)(1 + at % 28));
	}
}

static void
penalties(const struct request *r)
{
	char code[32];

	puts("case_no,uscc,amount,decided_on");
	for (uint64_t i = 0; i < r->rows; i++) {
		credit_code(scatter(i / 2, r->subjects, PRIME_ROWS), code);
		printf("粤环罚%" PRIu64 ",%s,%" PRIu64 ".%02u,2025-%02u-%02u\n",
		       i, code, i * 17 % 500000, (unsigned)(i % 100),
		       (unsigned)(1 + i % 12), (unsigned)(1 + i % 28));
	}
}

static void
seven(const struct request *r)
{
	uint64_t state = 1;

	puts("number,code,name,capital,founded_on,town,note");
	for (uint64_t i = 0; i < r->rows; i++)
		printf("%" PRIu64 ",S%08" PRIu64 ",企业名称%" PRIu64
		       ",%u.%02u,20%02u-%02u-%02u,t%u,n%" PRIu64 "\n",
		       i, tool_random(&state, r->rows * 7 / 10 + 1), i % 5000,
		       (unsigned)tool_random(&state, 10000),
		       (unsigned)tool_random(&state, 100), (unsigned)(i % 25),
		       (unsigned)(1 + i % 12), (unsigned)(1 + i % 28),
		       (unsigned)(i % 33), i);
}

static void
subjects(const struct request *r)
{
	char code[32];

	for (uint64_t i = 0; i < r->rows; i++) {
		credit_code(scatter(i + 1, r->subjects, PRIME_CHANGES), code);
		puts(code);
	}
}

static void
licences(const struct request *r)
{
	for (uint64_t i = 0; i < r->rows; i++)
		printf("%015" PRIu64 "\n",
		       scatter(i + 1, r->subjects, PRIME_CHANGES) * 7 +
			       440000000000000);
}

static const struct shape {
	const char *name;
	void (*make)(const struct request *);
} shapes[] = {
	{"registry", registry},	  {"changes", changes},
	{"ratings", ratings},	  {"seven", seven},
	{"penalties", penalties}, {"subjects", subjects},
	{"licences", licences},
};

int
main(int argc, char **argv)
{
	struct request r = {0};

	if (argc < 3)
		tool_usage("make_rows SHAPE ROWS [SUBJECTS [BAD [SEED]]]");
	r.rows = r.subjects = (uint64_t)tool_number(argv[2]);
	if (argc > 3)
		r.subjects = (uint64_t)tool_number(argv[3]);
	if (argc > 4)
		r.bad = (uint64_t)tool_number(argv[4]);
	if (argc > 5)
		r.seed = (uint64_t)tool_number(argv[5]);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		if (strcmp(argv[1], shapes[i].name) != 0)
			continue;
		shapes[i].make(&r);
		if (fflush(stdout) || ferror(stdout))
			tool_fail("cannot write", "standard output");
		return 0;
	}
	tool_usage("make_rows SHAPE …, see make_rows.c");
}
