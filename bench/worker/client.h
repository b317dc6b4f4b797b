/* client.h: the few things a benchmark asks of a CephFS client, the same for every client.
 *
 * Each client kind implements this header once (client_cephring*.c, client_libcephfs*.c) and is linked with
 * the same worker into a process of its own, so that a workload differs in nothing but the library under it.
 * Every call blocks until its result is there and returns 0 (or what it says) or a negative errno;
 * client_words() says what went wrong. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;      /* one client identity: unmounted, or mounted at one directory */
struct client_dir;  /* a directory held open by reference, so that a name below it is one component */
struct client_file; /* an open file */

/* What a client counts about itself. */
struct client_counters {
	uint64_t syscalls;
	uint64_t messages; /* requests sent to an MDS */
	uint64_t bytes;    /* what it says that its cache holds */
	uint64_t copied;   /* bytes of file data, in user space */
};

extern const char client_name[]; /* "cephring", "libcephfs" */

/* Reads the configuration file; sends nothing. */
int client_new(const char *conf, struct client **out);
void client_free(struct client *c);
const char *client_words(struct client *c, int err);

struct client_how {
	uint32_t uid;      /* whose permissions, with the group of that number */
	bool own_thread;   /* the client works on a thread of its own, so that several may call: libcephfs
			      always */
	bool async_dirops; /* create and unlink are done here first and told the MDS later. -ENOTSUP */
};

/* Connects, logs in, opens a session, learns the root: ready for the first path. */
int client_mount(struct client *c, const char *root, const struct client_how *how);
int client_unmount(struct client *c);
/* Whose permissions client_walk and client_lookup check from now on; libcephfs binds its other calls to the
 * mount. */
int client_become(struct client *c, uint32_t uid);

/* Lets time pass with no call in flight; what the client does in the background goes on. */
void client_idle(struct client *c, uint64_t ns);

/* Resolves a path and gives the reference back. */
int client_walk(struct client *c, const char *path);
/* All the basic fields of a path whose every component is cached. Any thread. */
int client_stat_cached(struct client *c, const char *path);
/* Opens for reading and closes. */
int client_open_close(struct client *c, const char *path);
/* flags of <fcntl.h>. */
int client_open(struct client *c, const char *path, int flags, uint32_t mode, struct client_file **out);
int client_close(struct client_file *f);
/* Reads a directory with attributes to its end; the number of entries, without `.` and `..`. */
int64_t client_readdirplus(struct client *c, const char *path);
/* All that was done is with the MDS, and safe. */
int client_sync(struct client *c);

int client_dir_get(struct client *c, const char *path, struct client_dir **out);
void client_dir_put(struct client_dir *d);
/* Resolves one name in `d` and gives the reference back. */
int client_lookup(struct client_dir *d, const char *name);

/* ---- what can be done many times at once ---- */

enum client_verb {
	CLIENT_LOOKUP, /* resolve, and give the reference back; needs `at` */
	CLIENT_STAT, /* lstat, all basic fields; -EBADMSG: a file's mtime is not mtime_ns (0: any will do) */
	CLIENT_LIST, /* read a directory with attributes to its end */
	CLIENT_CREATE,    /* a new file (O_EXCL) of `mode`, open for writing; close */
	CLIENT_CREATE_4K, /* as CREATE, and 4 KiB are written */
	CLIENT_UNPACK,    /* as CREATE, but between open and close its mode and times are set, as tar does */
	CLIENT_MKDIR,
	CLIENT_RMDIR,
	CLIENT_UNLINK,
	CLIENT_RENAME, /* to the name `to` */
	CLIENT_CHMOD,
	CLIENT_STAMP, /* sets mode and times */
};

enum { CLIENT_4K = 4096 };
extern const char client_4k[CLIENT_4K]; /* what is written */

struct client_act {
	enum client_verb verb;
	uint32_t mode;
	int64_t mtime_ns;      /* atime too */
	struct client_dir *at; /* `path` and `to` are names in it; NULL: paths below the mount's root */
	const char *path, *to;
};

/* Nobody else gets at a file that is still being unpacked. */
static inline uint32_t client_create_mode(const struct client_act *a)
{
	return a->verb == CLIENT_UNPACK ? a->mode & 0700 : a->mode;
}

int client_act(struct client *c, const struct client_act *a);
/* `depth` of them in flight at all times, in the way that is natural for the client: where one thread can
 * have many in flight, `threads` threads share them; else there are `depth` threads. took_ns[i] is what
 * acts[i] took. The first error ends it, and `bad` (preset by the caller) becomes the index of its act. */
int client_act_many(struct client *c, const struct client_act *acts, size_t n, unsigned depth,
		    unsigned threads, uint64_t *took_ns, size_t *bad);

/* 0, or -ENOTSUP: it does not count. */
int client_count(struct client *c, struct client_counters *out);
