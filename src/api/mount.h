/* mount.h: a mount: one Ceph client identity on one engine: engine + mon + meta + data, joined. */
#pragma once
#include "../meta/meta.h"
#include "../meta/reclaim.h"
#include "data.h"
#include "engine.h"

struct inside_watch;

struct cephring_mount {
	cephring_engine *engine;
	struct log log;
	void (*user_log)(void *arg, int level, const char *line);
	void *user_log_arg;
	const struct inside_watch *watch; /* borrowed; NULL = nobody watches */
	const cephring_config *config;    /* borrowed until the mount operation has ended */
	struct mon *mon;                  /* NULL before the mount operation began */
	struct meta meta;
	bool meta_ready;
	struct data_side data;
	struct ring_task last;    /* of the unmount */
	char *fs, *root, *entity; /* owned; fs NULL = default; root without slashes at its ends */
	char hostname[65];
	char *uuid;       /* owned; NULL = none */
	char timeout[16]; /* of the session, in seconds */
	char pid[16];     /* of this process */
	struct reclaim reclaim;
	bool reclaims;    /* this is no mount, but ends what another left behind */
	uint32_t *groups; /* owned: of meta's default credentials */
	uint32_t nonce;
	struct op *mounting; /* the mount operation while in flight */
	struct op *unmounting;
	bool leaving;            /* atomic: an unmount was submitted */
	struct ring_timer limit; /* of mounting, after the login */
	uint64_t until_ns;       /* the mount operation ends by then */
	bool mounted;
	char sub[32];  /* "mdsmap" or "mdsmap.N" once known */
	int32_t fscid; /* of the file system; -1 until known */
};

static inline cephring_engine *mount_engine(cephring_mount *m)
{
	return m->engine;
}
/* What the mount was made with: "" for the whole tree. */
struct file;
static inline cephring_mount *file_mount(cephring_file *f)
{
	struct meta *meta = ((struct file *)f)->m;

	return (cephring_mount *)((char *)meta - offsetof(struct cephring_mount, meta));
}
