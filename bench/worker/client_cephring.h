/* client_cephring.h: what the parts of client_cephring*.c share. */
#pragma once

#include <cephring.h>
#include <stdbool.h>
#include <stdint.h>

enum { DIR_BUFFER = 256 * 1024 };

struct client {
	cephring_config *conf;
	cephring_engine *engine;
	cephring_mount *mount;
	struct cephring_cred user;
	bool own_thread; /* the engine has one */
	char *buf;       /* owned; DIR_BUFFER bytes, touched before anything is measured */
	char words[256]; /* what a call that came before the mount had to say */
};

struct client_dir {
	struct client *c;
	cephring_inode *inode; /* ref */
};

/* What an act has to set: mode and times, or the mode alone. */
struct cephring_setattr client_attributes(uint32_t mode, int64_t mtime_ns);
