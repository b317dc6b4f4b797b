/* mount.c: the life of a ceph_mount_info.
 *
 *   NEW --init--> READY --mount--> BUSY --> MOUNTED --unmount, shutdown--> LEAVING --> NEW
 *                                              |                             ^
 *       a delegation was not given back in time '--> OVER --unmount, shutdown-'
 *
 * OVER: all calls but the end are -ENOTCONN.
 * LEAVING: new calls are turned away, what is in flight ends, and when nobody is inside any more, what is
 * open is closed and the mount goes. So a thread that is late gets an error and nothing worse.
 */
#include "../api/futex.h"
#include "compat.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DRAIN_MS = 20 };

/* ---- being inside ---- */

static unsigned my_lane(void)
{
	static atomic_uint next;
	static _Thread_local unsigned lane;

	if (!lane)
		lane = 1 + atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % USER_LANES;
	return lane - 1;
}

/* Counted first, then looked: who makes it LEAVING first looks at the counts afterwards. */
struct user user_enter(struct ceph_mount_info *cm)
{
	struct user u = { cm, my_lane() };

	if (!cm)
		return u;
	atomic_fetch_add(&cm->lane[u.lane].inside, 1);
	if (atomic_load(&cm->state) != STATE_MOUNTED || cm->generation != engines_generation()) {
		user_leave(&u);
		u.cm = NULL;
	}
	return u;
}

void user_leave(struct user *u)
{
	atomic_uint *inside;

	if (!u->cm)
		return;
	inside = &u->cm->lane[u->lane].inside;
	if (atomic_fetch_sub(inside, 1) == 1 && atomic_load(&u->cm->state) == STATE_LEAVING)
		futex_wake(inside);
}

static void drain(struct ceph_mount_info *cm)
{
	struct timespec limit = { .tv_nsec = DRAIN_MS * 1000000 };

	for (unsigned n = 0; n < USER_LANES; n++) {
		atomic_uint *inside = &cm->lane[n].inside;
		unsigned left;

		while ((left = atomic_load(inside)) != 0) {
			inside_fail_all(cm->m);
			futex_wait(inside, left, &limit);
		}
	}
}

/* ---- making one ---- */

const char *ceph_version(int *major, int *minor, int *patch)
{
	static const char text[] = CEPH_RELEASE; /* of the library that this one stands for */
	int a = 0, b = 0, c = 0;

	sscanf(text, "%d.%d.%d", &a, &b, &c);
	if (major)
		*major = a;
	if (minor)
		*minor = b;
	if (patch)
		*patch = c;
	return text;
}

static void said_once(void)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&said))
		compat_log(CEPHRING_LOG_INFO, "%s: libcephfs.so.2 is cephring %s",
			   program_invocation_short_name, cephring_version());
}

static void mount_free(struct ceph_mount_info *cm)
{
	struct setting *s;

	rados_part_end(cm);
	cephring_config_free(cm->config);
	while ((s = cm->settings)) {
		cm->settings = s->next;
		free(s->name);
		free(s->value);
		free(s);
	}
	ceph_userperm_destroy(cm->perms);
	free(cm->uuid);
	for (unsigned n = 0; n < CWD_TEXTS; n++)
		free(cm->cwd_text[n]);
	free(cm);
}

int ceph_create(struct ceph_mount_info **out, const char *const id)
{
	struct ceph_mount_info *cm;
	int err;

	if (!out)
		return -EINVAL;
	cm = calloc(1, sizeof *cm);
	if (!cm)
		return -ENOMEM;
	said_once();
	cm->umask = 022;
	err = cephring_config_new(&cm->config);
	if (!err && id)
		err = cephring_config_set(cm->config, "id", id);
	if (!err) /* a thread has one operation at a time; there may be many threads */
		err = cephring_config_set(cm->config, "cephring_max_ops", "65536");
	if (!err) /* as libcephfs has it: a delegation of another client is in the way of the open itself */
		err = cephring_config_set(cm->config, "cephring_open_waits", "true");
	if (err) {
		mount_free(cm);
		return err;
	}
	*out = cm;
	return 0;
}

/* ---- mounting ---- */

static bool has_mount(int state)
{
	return state == STATE_MOUNTED || state == STATE_OVER;
}

/* What a child inherits of its parent's mount: memory that is nobody's. */
static bool forget_inherited(struct ceph_mount_info *cm)
{
	if (cm->generation == engines_generation())
		return false;
	if (atomic_load(&cm->state) > STATE_READY) {
		for (unsigned n = 0; n < USER_LANES; n++)
			atomic_store(&cm->lane[n].inside, 0);
		memset(&cm->fds, 0, sizeof cm->fds);
		memset(&cm->handles, 0, sizeof cm->handles);
		cm->m = NULL;
		cm->cwd = NULL;
		atomic_store(&cm->teller, NULL);
		memset(&cm->callbacks, 0, sizeof cm->callbacks);
		atomic_store(&cm->state, STATE_NEW);
	}
	cm->generation = engines_generation();
	return true;
}

/* An option may name somebody else than who runs the process. */
static uid_t id_of(struct ceph_mount_info *cm, const char *option, uid_t own)
{
	char text[32];
	long id = -1;

	if (ceph_conf_get(cm, option, text, sizeof text) >= 0)
		id = strtol(text, NULL, 10);
	return id < 0 ? own : (uid_t)id;
}

int ceph_init(struct ceph_mount_info *cm)
{
	int state = STATE_NEW, err;

	if (!cm)
		return -EINVAL;
	if (!atomic_compare_exchange_strong(&cm->state, &state, STATE_BUSY))
		return state == STATE_READY || state == STATE_MOUNTED ? 0 : -EBUSY;
	err = cm->file_read ? 0 : cephring_config_set(cm->config, "conf", "/dev/null");
	if (!err)
		err = cephring_config_load(cm->config);
	if (err)
		compat_log(CEPHRING_LOG_ERROR, "%s", cephring_config_error(cm->config));
	if (!err && !cm->perms) {
		cm->perms = ceph_userperm_new(id_of(cm, "client_mount_uid", geteuid()),
					      id_of(cm, "client_mount_gid", getegid()), 0, NULL);
		err = cm->perms ? 0 : -ENOMEM;
	}
	atomic_store(&cm->state, err ? STATE_NEW : STATE_READY);
	return err;
}

static bool checks_permissions(struct ceph_mount_info *cm)
{
	char text[16];

	if (ceph_conf_get(cm, "client_permissions", text, sizeof text) < 0)
		return true;
	return strcmp(text, "false") && strcmp(text, "0") && strcmp(text, "no") && strcmp(text, "off");
}

int mount_make(struct ceph_mount_info *cm, const char *root, const char *reclaim, cephring_mount **out)
{
	struct cephring_mount_opts o = {
		.size = sizeof o,
		.root = root,
		.cred = &cm->perms->cred,
		.no_permissions = !checks_permissions(cm),
		.log = compat_log_line,
		.log_level = compat_log_level(),
		.uuid = reclaim ? reclaim : cm->uuid,
		.session_timeout = cm->session_timeout,
		.reclaim = reclaim != NULL,
	};
	const char *acl = cephring_config_get(cm->config, "client_acl_type", NULL);
	int err = engines_pick(&cm->engine);

	cm->masks = acl && !strcmp(acl, "posix_acl");

	if (err)
		return err;
	err = cephring_sync_mount(cm->engine, cm->config, &o, out);
	if ((err || reclaim) && *out) {
		cephring_sync_unmount(*out);
		*out = NULL;
	}
	return err;
}

int ceph_mount(struct ceph_mount_info *cm, const char *root)
{
	int err, state;

	if (!cm)
		return -EINVAL;
	forget_inherited(cm);
	if (has_mount(atomic_load(&cm->state)))
		return -EISCONN;
	err = ceph_init(cm);
	if (err)
		return err;
	state = STATE_READY;
	if (!atomic_compare_exchange_strong(&cm->state, &state, STATE_BUSY))
		return state == STATE_MOUNTED ? -EISCONN : -EBUSY;
	cm->generation = engines_generation();
	err = mount_make(cm, root, NULL, &cm->m);
	atomic_store(&cm->state, err ? STATE_NEW : STATE_MOUNTED);
	return err;
}

int ceph_is_mounted(struct ceph_mount_info *cm)
{
	struct user u = user_enter(cm);

	if (!u.cm) /* what is over is still to be unmounted */
		return cm && cm->generation == engines_generation() && atomic_load(&cm->state) == STATE_OVER;
	user_leave(&u);
	return 1;
}

/* ---- the end ---- */

static int mount_over(struct ceph_mount_info *cm, bool aborts)
{
	unsigned left;
	int state, err;

	if (!cm || forget_inherited(cm) || !has_mount(state = atomic_load(&cm->state)))
		return -ENOTCONN;
	if (callbacks_inside(cm) || inside_engine_here(cm->engine))
		return -EDEADLK; /* it would wait for itself */
	while (!atomic_compare_exchange_weak(&cm->state, &state, STATE_LEAVING))
		if (!has_mount(state))
			return -ENOTCONN;
	if (inside_engine_stopped(cm->engine)) { /* an exit handler that comes after ours: engines.c */
		compat_log(
		    CEPHRING_LOG_ERROR,
		    "unmount: the process ends, and the engine has stopped: what was not written is lost");
		return -ESHUTDOWN;
	}
	drain(cm);
	if (aborts) /* before files are closed: that would begin to write them back */
		inside_abort(cm->m);
	left = slots_fini(&cm->fds) + slots_fini(&cm->handles);
	if (left)
		compat_log(CEPHRING_LOG_INFO, "unmount: %u files were still open", left);
	cephring_put(cm->m, cm->cwd);
	cm->cwd = NULL;
	err = cephring_sync_unmount(cm->m);
	if (err)
		compat_log(CEPHRING_LOG_ERROR, "unmount: %s", strerror(-err));
	callbacks_end(cm, !err);
	cm->m = NULL;
	free(cm->uuid);
	cm->uuid = NULL;
	cm->session_timeout = 0;
	cm->deleg_timeout = 0;
	atomic_store(&cm->state, STATE_NEW);
	return err;
}

int ceph_unmount(struct ceph_mount_info *cm)
{
	return mount_over(cm, false);
}

int ceph_abort_conn(struct ceph_mount_info *cm)
{
	int err = mount_over(cm, true);

	return err == -ENOTCONN ? 0 : err;
}

int ceph_release(struct ceph_mount_info *cm)
{
	if (!cm)
		return -EINVAL;
	forget_inherited(cm);
	if (atomic_load(&cm->state) > STATE_READY)
		return -EISCONN;
	mount_free(cm);
	return 0;
}

void ceph_shutdown(struct ceph_mount_info *cm)
{
	if (!cm)
		return;
	ceph_unmount(cm);
	ceph_release(cm);
}
