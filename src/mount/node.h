/*
 * Node numbers: 64 bits computed from what a node names, so that no lookup
 * writes, a restart needs no table and no number is ever used for another
 * thing (DESIGN 4). Eight bits of kind, 56 bits of payload; those with the
 * highest bit are one kind (NODE_NET_WIDE). A number is also
 * the st_ino: it names the same bytes for ever, so a file of the newest
 * version and of versions/N/ are one node while their bytes are the same. A
 * folder has a node of its own for each path.
 *
 * NODE_FLAT is NODE_FILE read in another way: the kernel refuses to mix the two
 * for one node. It has the st_ino of the other, because it is the same file.
 * The same holds for NODE_WRITTEN and NODE_UPLOAD; while the bytes are a
 * submission's, the name leads to NODE_UPLOAD.
 *
 * The values live in the kernel across upgrades of the program: they are
 * appended to, never changed. linux/fuse.h fixes 1 as the root.
 */
#ifndef MOUNT_NODE_H
#define MOUNT_NODE_H

#include <stdbool.h>
#include <stdint.h>

enum node_kind {
	NODE_FIXED = 0, /* folders of the top: enum node_fixed */
	NODE_TEXT = 1,	/* made from the configuration: struct node_text */

	NODE_CATALOGUE_DEPARTMENT = 2, /* department */
	NODE_CATALOGUE_RESOURCE = 3,   /* resource */

	NODE_INBOX_DEPARTMENT = 8,    /* department */
	NODE_INBOX_RESOURCE = 9,      /* resource, or its dry runs */
	NODE_ARCHIVE = 10,	      /* department */
	NODE_ARCHIVE_RESOURCE = 11,   /* resource */
	NODE_ARCHIVE_SUBMISSION = 12, /* number of the submission */
	NODE_TRIAL = 13,	      /* department */
	NODE_HOLDING = 14,	      /* struct node_holding */

	NODE_UPLOAD = 16,	/* id of the inbox file */
	NODE_RECEIPT_TEXT = 17, /* number of the submission, also below */
	NODE_RECEIPT_JSON = 18,
	/* 19 was a fix file */
	NODE_ORIGINAL = 20, /* in archive/, also below */
	NODE_KEPT_TEXT = 21,
	NODE_KEPT_JSON = 22,
	NODE_KEPT_FIX = 23,
	NODE_WRITTEN = 24, /* struct node_written: an upload that the kernel
			    * writes by itself */

	/* Folders: theme and version; version 0 is the theme's top. */
	NODE_DATASET = 32,
	NODE_SOURCES = 33,
	NODE_SUBJECTS = 34,
	NODE_CHANGES = 35,
	NODE_VERSIONS = 36,
	NODE_SUBJECTS_PART = 37, /* struct node_part */

	/* Files: theme and version. */
	NODE_README = 40,
	NODE_DATAPACKAGE = 41,
	NODE_SUMS = 42,
	NODE_VERSION_INDEX = 43,
	NODE_CURRENT = 44,
	NODE_DAY = 45, /* symbolic link to versions/N */

	NODE_FILE = 48,	   /* file_state */
	NODE_HEADER = 49,  /* before the first data: struct node_header */
	NODE_SUBJECT = 50, /* theme_row */
	NODE_NET = 51,	   /* FROM..TO.csv: struct node_net */
	NODE_FLAT = 52	   /* file_state: its contiguous copy */
};

enum node_fixed {
	FIXED_ROOT = 1,
	FIXED_CATALOGUE = 2,
	FIXED_INBOX = 3,
	FIXED_THEMES = 4
};

#define NODE_ROOT UINT64_C(1)
#define NODE_PAYLOAD_BITS 56
#define NODE_OBJECT_MAX 0xffff
#define NODE_VERSION_MAX ((INT64_C(1) << 28) - 1) /* what node_part holds */
#define NODE_NET_MAX ((1 << 20) - 1) /* what a number has room for */

/* A NODE_NET of later versions has the low bits of both. Which versions they
 * are is asked of the state (mount_net_of). */
#define NODE_NET_WIDE (UINT64_C(1) << 63)
#define NODE_NET_FROM_BITS 23
#define NODE_NET_TO_BITS 24

/* What a text is about. */
enum node_text_kind {
	TEXT_ROOT_README = 1,
	TEXT_CATALOGUE_INDEX = 2,
	TEXT_RESOURCE_README = 8, /* object: resource, also below */
	TEXT_DESCRIPTOR = 9,
	TEXT_SCHEMA = 10,
	TEXT_TEMPLATE = 11,
	TEXT_STATUS = 12,
	TEXT_TEMPLATE_WORKBOOK = 13,
	TEXT_DATASET_README = 24, /* of version 0; object: theme, also below */
	TEXT_DATASET_PACKAGE = 25,
	TEXT_DATASET_SUMS = 26
};

/* 'hash' is of the bytes: after a change of the configuration the same name
 * is another node. */
struct node_text {
	enum node_text_kind what; /* 8 bits */
	uint16_t object;	  /* 0 none */
	uint32_t hash;
};

/* subjects/abc/ of a theme's version. */
struct node_part {
	uint16_t theme;
	uint16_t prefix; /* 12 bits */
	int64_t version; /* 28 bits */
};

struct node_header {
	uint16_t theme;
	unsigned file;	   /* enum publish_kind: 4 bits */
	uint16_t resource; /* of a source, else 0 */
	uint32_t hash;	   /* 20 bits of the bytes' hash */
};

/* The kernel writes these bytes and no others under this number. */
struct node_written {
	int64_t file; /* inbox file: 36 bits */
	int64_t blob; /* 20 bits */
};
#define NODE_WRITTEN_FILE_MAX ((INT64_C(1) << 36) - 1)
#define NODE_WRITTEN_BLOB_MASK ((INT64_C(1) << 20) - 1)

/* A holding folder of inbox/D/R, or of trial/R. */
struct node_holding {
	int64_t resource; /* 48 bits */
	unsigned which;	  /* in inbox_holdings; 8 bits */
};
#define NODE_HOLDING_SHIFT 48

struct node_net {
	uint16_t theme;
	int64_t from, to;
	bool low; /* these are the low bits of them */
};

static inline enum node_kind
mount_node_kind(uint64_t node)
{
	return node & NODE_NET_WIDE
		       ? NODE_NET
		       : (enum node_kind)(node >> NODE_PAYLOAD_BITS);
}

static inline uint64_t
mount_node_payload(uint64_t node)
{
	return node & ((UINT64_C(1) << NODE_PAYLOAD_BITS) - 1);
}

static inline uint64_t
mount_node_make(enum node_kind kind, int64_t payload)
{
	return (uint64_t)kind << NODE_PAYLOAD_BITS |
	       mount_node_payload((uint64_t)payload);
}

/* What src/inbox knows a node by: the payload of other kinds. */
static inline int64_t
mount_node_inbox_id(uint64_t node)
{
	uint64_t payload = mount_node_payload(node);

	switch (mount_node_kind(node)) {
	case NODE_WRITTEN:
		return (int64_t)(payload >> 20);
	case NODE_HOLDING:
		return (int64_t)(payload &
				 ((UINT64_C(1) << NODE_HOLDING_SHIFT) - 1));
	default:
		return (int64_t)payload;
	}
}

/* What files are put into. */
static inline bool
mount_node_is_inbox(uint64_t node)
{
	return mount_node_kind(node) == NODE_INBOX_RESOURCE ||
	       mount_node_kind(node) == NODE_HOLDING;
}

static inline bool
mount_node_is_upload(uint64_t node)
{
	return mount_node_kind(node) == NODE_UPLOAD ||
	       mount_node_kind(node) == NODE_WRITTEN;
}

/* The st_ino of a node, and what its rights and contents are found by. */
static inline uint64_t
mount_node_plain(uint64_t node)
{
	switch (mount_node_kind(node)) {
	case NODE_FLAT:
		return mount_node_make(NODE_FILE, (int64_t)node);
	case NODE_WRITTEN:
		return mount_node_make(NODE_UPLOAD, mount_node_inbox_id(node));
	default:
		return node;
	}
}

uint64_t mount_node_version(enum node_kind kind, int64_t theme,
			    int64_t version);
void mount_node_version_get(uint64_t node, int64_t *theme, int64_t *version);

/* NODE_VERSION_INDEX: the versions first to last; the low bits of 'first' are
 * as many as there is room for. */
#define NODE_INDEX_FIRST_BITS 12
uint64_t mount_node_index(int64_t theme, int64_t first, int64_t last);
void mount_node_index_get(uint64_t node, int64_t *theme, int64_t *first_bits,
			  int64_t *last);

uint64_t mount_node_text(const struct node_text *t);
void mount_node_text_get(uint64_t node, struct node_text *ret);
uint64_t mount_node_part(const struct node_part *p);
void mount_node_part_get(uint64_t node, struct node_part *ret);
uint64_t mount_node_header(const struct node_header *h);
void mount_node_header_get(uint64_t node, struct node_header *ret);
uint64_t mount_node_written(const struct node_written *w);
void mount_node_written_get(uint64_t node, struct node_written *ret);
uint64_t mount_node_holding(const struct node_holding *h);
void mount_node_holding_get(uint64_t node, struct node_holding *ret);
uint64_t mount_node_net(const struct node_net *n);
void mount_node_net_get(uint64_t node, struct node_net *ret);
/* Whether a version may be the one it begins with, or ends with. */
bool mount_node_net_has_from(const struct node_net *n, int64_t version);
bool mount_node_net_has_to(const struct node_net *n, int64_t version);

/* Whether the bytes and attributes behind the number, or the names in the
 * folder behind it, can never change: the kernel may keep them. */
bool mount_node_is_immutable(uint64_t node);

#endif
