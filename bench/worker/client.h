/* client.h: the few things a benchmark asks of a CephFS client, the same for every client.
 *
 * Each client kind implements this header once (client_cephring.c, client_libcephfs.c) and is linked with the
 * same worker into a process of its own, so that a workload differs in nothing but the library under it.
 * Every call blocks until its result is there and returns 0 (or what it says) or a negative errno;
 * client_words() says what went wrong. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct client;     /* one client identity: unmounted, or mounted at one directory */
struct client_dir; /* a directory held open by reference, so that a lookup below it is one component */

/* What a client counts about itself. */
struct client_counters {
	uint64_t syscalls;
	uint64_t messages; /* requests sent to an MDS */
	uint64_t bytes;    /* what it says that its cache holds */
};

extern const char client_name[]; /* "cephring", "libcephfs" */

/* Reads the configuration file; sends nothing. */
int client_new(const char *conf, struct client **out);
void client_free(struct client *c);
const char *client_words(struct client *c, int err);

/* Connects, logs in, opens a session, learns the root: ready for the first path. All calls check the
 * permissions of the user `uid` (with the group of that number). */
int client_mount(struct client *c, const char *root, uint32_t uid);
int client_unmount(struct client *c);
/* Whose permissions client_walk and client_lookup check from now on; libcephfs binds its other calls to the
 * mount. */
int client_become(struct client *c, uint32_t uid);

/* Lets time pass with no call in flight; what the client does in the background goes on. */
void client_idle(struct client *c, uint64_t ns);

/* Resolves a path and gives the reference back. */
int client_walk(struct client *c, const char *path);
/* All the basic fields of a path whose every component is cached. */
int client_stat_cached(struct client *c, const char *path);
/* Opens for reading and closes. */
int client_open_close(struct client *c, const char *path);
/* Reads a directory with attributes to its end; the number of entries, without `.` and `..`. */
int64_t client_readdirplus(struct client *c, const char *path);

int client_dir_get(struct client *c, const char *path, struct client_dir **out);
void client_dir_put(struct client_dir *d);
/* Resolves one name in `d` and gives the reference back. */
int client_lookup(struct client_dir *d, const char *name);
/* The same for many names, `depth` of them in flight at all times, in the way that is natural for the client;
 * took_ns[i] is what names[i] took. The first error ends it. */
int client_lookup_many(struct client_dir *d, const char *const *names, size_t n, unsigned depth,
		       uint64_t *took_ns);

/* 0, or -ENOTSUP: it does not count. */
int client_count(struct client *c, struct client_counters *out);

/* Making the data; only libcephfs can. */
int client_mkdir(struct client *c, const char *path);  /* 0755; 0 when it is there already */
int client_create(struct client *c, const char *path); /* an empty file, 0644 */
