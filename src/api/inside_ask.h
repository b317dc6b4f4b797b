/* inside_ask.h: running a function on the engine's thread while the asker sleeps. */
#pragma once
#include "inside.h"
#include "mount.h"

/* The function's result; -EDEADLK on the engine's own thread, -EAGAIN, -ESHUTDOWN. */
int inside_ask(cephring_mount *mt, int (*fn)(cephring_mount *mt, void *arg), void *arg);
/* The same when osdc_map() is there. */
int inside_ask_map(cephring_mount *mt, int (*fn)(cephring_mount *mt, void *arg), void *arg);
