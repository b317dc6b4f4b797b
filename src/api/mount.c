/* mount.c: making and ending a mount.
 *
 *   LOGIN --mon ready--> MAP (file system by name, then its mdsmap) --a rank is active--> ROOT --GETATTR-->
 * done
 *
 * or, where the options ask for it, ends after MAP --> RECLAIM (of a session that a dead client left) -->
 * done
 *
 * All that a map needs is subscribed before the login, so that it comes with it.
 */
#include "mount.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config.h"

enum { MOUNT_BEGIN, MOUNT_LOGIN, MOUNT_MAP, MOUNT_ROOT, MOUNT_RECLAIM };
enum { UNMOUNT_LIMIT_MS = 5000 };

static void mount_resume(cephring_mount *mt, int64_t res)
{
	if (mt->mounting)
		op_resume(mt->mounting, res);
}

static void log_to_user(void *arg, enum log_level level, const char *line)
{
	cephring_mount *mt = arg;

	mt->user_log(mt->user_log_arg, (int)level, line);
}

/* ---- from the monitor ---- */

static void on_mon_ready(void *arg)
{
	cephring_mount *mt = arg;

	if (mt->mounting && mt->mounting->at == MOUNT_LOGIN)
		mount_resume(mt, 0);
}

static void on_mon_failed(void *arg, int err, const char *why)
{
	cephring_mount *mt = arg;

	log_fail(&mt->log, err, "mount: %s", why);
	mount_resume(mt, err);
}

static void on_mdsmap(void *arg, const struct mdsmap *map)
{
	cephring_mount *mt = arg;

	meta_handle_mdsmap(&mt->meta, map);
}

static void on_usable_map(void *arg)
{
	cephring_mount *mt = arg;

	if (mt->mounting && mt->mounting->at == MOUNT_MAP)
		mount_resume(mt, 0);
	else
		reclaim_go_on(&mt->meta);
}

static void on_fsmap(void *arg, const struct fsmap_user *fs)
{
	cephring_mount *mt = arg;
	char names[256] = "";
	size_t len = 0;

	if (mt->mounted || !mt->mounting)
		return;
	if (!mt->fs) {
		mt->fscid = fs->legacy_fscid;
		if (!fs->count)
			mount_resume(mt,
				     log_fail(&mt->log, -ENOENT, "mount: the cluster has no file system"));
		return;
	}
	for (uint32_t n = 0; n < fs->count; n++) {
		if (!strcmp(fs->fs[n].name, mt->fs)) {
			mt->fscid = fs->fs[n].fscid;
			snprintf(mt->sub, sizeof mt->sub, "mdsmap.%d", mt->fscid);
			mon_subscribe(mt->mon, mt->sub, 0, false);
			return;
		}
		len += (size_t)snprintf(names + len, sizeof names - len, " %s", fs->fs[n].name);
		len = len < sizeof names ? len : sizeof names - 1;
	}
	mount_resume(mt,
		     log_fail(&mt->log, -ENOENT, "mount: no file system '%s' (there is:%s)", mt->fs, names));
}

static void on_osdmap(void *arg, const struct msg_in *in, const struct osdmap_msg *head)
{
	(void)head;
	data_osdmap(arg, in);
}

static const struct mon_ops mount_mon_ops = {
	.ready = on_mon_ready,
	.failed = on_mon_failed,
	.mdsmap = on_mdsmap,
	.fsmap = on_fsmap,
	.osdmap = on_osdmap,
};

/* ---- the mount operation ---- */

/* An MDS that the map calls active, though it never took our session: dead, hung, or out of reach. */
static const struct session *never_opened(const struct meta *m)
{
	for (int n = 0; n < MDS_RANK_MAX; n++)
		if (m->session[n] && m->session[n]->state == SESS_OPENING)
			return m->session[n];
	return NULL;
}

static void on_limit(struct ring_timer *t)
{
	cephring_mount *mt = (cephring_mount *)((char *)t - offsetof(struct cephring_mount, limit));
	const struct meta *m = &mt->meta;
	const struct session *s = never_opened(m);
	char addr[ADDR_TEXT_MAX];
	int err = -ETIMEDOUT;

	if (!m->map)
		err = log_fail(&mt->log, -ETIMEDOUT, "mount: no MDS map within client_mount_timeout");
	else if (!meta_usable(m))
		err = log_fail(&mt->log, -EHOSTUNREACH, "mount: file system '%s' has no active MDS",
			       m->map->fs_name);
	else if (s)
		err = log_fail(&mt->log, -EHOSTUNREACH,
			       "mount: mds.%d at %s should be active but does not answer", s->rank,
			       addr_text(&s->addr, addr));
	else
		err = log_fail(&mt->log, -ETIMEDOUT,
			       "mount: the MDS did not answer within client_mount_timeout");
	mount_resume(mt, err);
}

static int begin(cephring_mount *mt)
{
	struct ring *r = engine_ring(mt->engine);
	struct mon_opts o;
	int err = config_mon_opts(mt->config, &o, &mt->log);

	if (err)
		return err;
	do
		ring_random(r, &mt->nonce, sizeof mt->nonce);
	while (!mt->nonce);
	o.nonce = mt->nonce;
	err = mon_new(r, &mt->log, &o, &mount_mon_ops, mt, &mt->mon);
	if (err)
		return err;
	mt->meta.mon = mt->mon;
	mt->meta.o.nonce = mt->nonce;
	mt->meta.o.keepalive_ns = o.keepalive_ns;
	mt->meta.o.dead_ns = o.dead_ns;
	mt->meta.o.mode_count = o.service_mode_count;
	memcpy(mt->meta.o.modes, o.service_modes, sizeof o.service_modes);
	err = meta_start(&mt->meta);
	if (err)
		return err;
	mt->meta_ready = true;
	mt->until_ns = ring_now(r) + (o.timeout_ns ? o.timeout_ns : 300 * 1000000000ull);
	mt->limit.fn = on_limit;
	err = mon_subscribe(mt->mon, "fsmap.user", 0, mt->fs != NULL);
	if (!err && !mt->fs) {
		strcpy(mt->sub, "mdsmap");
		err = mon_subscribe(mt->mon, mt->sub, 0, false);
	}
	if (!err)
		mon_start(mt->mon);
	return err;
}

/* No name in the root's path is followed: it names a directory for the MDS. */
static int64_t ask_root(struct op *op)
{
	cephring_mount *mt = op->u.mount.mount;
	struct mreq *r = mreq_new(op->m, MDS_OP_GETATTR, NULL, mt->root, (uint32_t)strlen(mt->root));

	if (!r)
		return -ENOMEM;
	r->base_ino = INO_ROOT;
	args_getattr(r->args, CAP_STAT_ALL);
	if (mreq_set_cred(r, &op->m->o.cred)) {
		mreq_abandon(r);
		return -ENOMEM;
	}
	op->at = MOUNT_ROOT;
	return op_request(op, r);
}

/* What an MDS that refused our session said; NULL: none did. */
static const char *refusal(const struct meta *m)
{
	for (int n = 0; n < MDS_RANK_MAX; n++)
		if (m->session[n] && m->session[n]->state == SESS_REJECTED && m->session[n]->error[0])
			return m->session[n]->error;
	return NULL;
}

static void root_done(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;
	cephring_mount *mt = op->u.mount.mount;
	const char *said = result ? refusal(&mt->meta) : NULL;

	(void)rep;
	op->req = NULL;
	if (said)
		log_fail(&mt->log, result, "mount: root '/%s': the MDS refused %s: %s", mt->root, mt->entity,
			 said);
	else if (result)
		log_fail(&mt->log, result, "mount: root '/%s': %s", mt->root, strerror(-result));
	else if (!r->target || !inode_is_dir(r->target))
		result = log_fail(&mt->log, -ENOTDIR, "mount: root '/%s' is not a directory", mt->root);
	else
		mt->meta.root = inode_get(r->target);
	op_resume(op, result);
}

static void reclaimed(void *arg, int err)
{
	mount_resume(arg, err);
}

static int64_t mount_step(struct op *op, int64_t res)
{
	cephring_mount *mt = op->u.mount.mount;
	struct ring *r = engine_ring(mt->engine);

	if (res < 0)
		return res;
	switch (op->at) {
	case MOUNT_BEGIN:
		mt->mounting = op;
		op->at = MOUNT_LOGIN;
		res = begin(mt);
		return res ? res : OP_PENDING;
	case MOUNT_LOGIN:
		op->at = MOUNT_MAP;
		ring_timer_set(r, &mt->limit, mt->until_ns);
		/* fall through */
	case MOUNT_MAP:
		if (!meta_usable(&mt->meta))
			return OP_PENDING;
		if (mt->reclaims) {
			op->at = MOUNT_RECLAIM;
			mt->reclaim = (struct reclaim){
				.uuid = mt->uuid, .flags = RECLAIM_RESET, .done = reclaimed, .arg = mt
			};
			reclaim_begin(&mt->meta, &mt->reclaim);
			return OP_PENDING;
		}
		res = ask_root(op);
		if (res == OP_PENDING)
			op->req->done = root_done;
		return res;
	case MOUNT_RECLAIM:
		return res;
	default:
		mt->mounted = true;
		return 0;
	}
}

static void mount_end(struct op *op, int64_t res)
{
	cephring_mount *mt = op->u.mount.mount;

	(void)res;
	if (mt->limit.slot)
		ring_timer_clear(engine_ring(mt->engine), &mt->limit);
	mt->mounting = NULL;
	mt->meta.reclaim = NULL;
	mt->config = NULL;
}

static const struct op_family mount_family = { .name = "mount", .step = mount_step, .end = mount_end };

/* ---- making one ---- */

/* The process's umask, without changing it for a moment as umask(2) would. */
static uint32_t process_umask(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned mask = 022;
	char line[256];

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "Umask: %o", &mask) == 1)
			break;
	if (f)
		fclose(f);
	return mask & 0777;
}

static int default_cred(cephring_mount *mt, const struct cephring_cred *in)
{
	struct cephring_cred *c = &mt->meta.o.cred;
	int n;

	if (in) {
		*c = *in;
	} else {
		*c = (struct cephring_cred){ .uid = geteuid(), .gid = getegid(), .umask = process_umask() };
		n = getgroups(0, NULL);
		if (n < 0)
			return -errno;
		c->ngroups = (uint32_t)n;
	}
	if (!c->ngroups) {
		c->groups = NULL;
		return 0;
	}
	mt->groups = mem_alloc(c->ngroups * sizeof *mt->groups);
	if (!mt->groups)
		return -ENOMEM;
	if (in)
		memcpy(mt->groups, in->groups, c->ngroups * sizeof *mt->groups);
	else if ((n = getgroups((int)c->ngroups, mt->groups)) < 0)
		return -errno;
	else
		c->ngroups = (uint32_t)n;
	c->groups = mt->groups;
	return 0;
}

/* The MDS takes names with one slash between them and nothing else. */
static char *trimmed(const char *path)
{
	char *copy = mem_strdup(path ? path : ""), *to = copy;
	const char *from = copy;
	size_t len;

	while (copy && *from) {
		from += strspn(from, "/");
		len = strcspn(from, "/");
		if (len && !(len == 1 && *from == '.')) {
			if (to != copy)
				*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	if (copy)
		*to = '\0';
	return copy;
}

static void mount_free(cephring_mount *mt)
{
	mem_free(mt->fs, 0);
	mem_free(mt->root, 0);
	mem_free(mt->entity, 0);
	mem_free(mt->uuid, 0);
	mem_free((void *)mt->meta.o.root, 0);
	mem_free(mt->groups, 0);
	mem_free(mt->data.location, 0);
	mem_free(mt, sizeof *mt);
}

static void set_cache_opts(cephring_mount *mt, const cephring_config *c)
{
	mt->data.cache_opts = (struct data_cache_opts){
		.on = config_bool(c, OPT_OC),
		.size = config_u64(c, OPT_OC_SIZE),
		.max_dirty = config_u64(c, OPT_OC_MAX_DIRTY),
		.target_dirty = config_u64(c, OPT_OC_TARGET_DIRTY),
		.max_age_ns = config_u64(c, OPT_OC_MAX_DIRTY_AGE),
		.readahead_min = config_u64(c, OPT_READAHEAD_MIN),
		.readahead_max = config_u64(c, OPT_READAHEAD_MAX_BYTES),
		.readahead_periods = config_u64(c, OPT_READAHEAD_MAX_PERIODS),
	};
}

/* Where Ceph puts a client that was told nothing: on this host. (ceph src/crush/CrushLocation.cc) */
static char *location_of(const cephring_mount *mt, const char *told)
{
	char here[sizeof mt->hostname + 32];
	int len = (int)strcspn(mt->hostname, ".");

	snprintf(here, sizeof here, "root=default%s%.*s", len ? " host=" : "", len, mt->hostname);
	return mem_strdup(*told ? told : here);
}

static int fill(cephring_mount *mt, const cephring_config *c, const struct cephring_mount_opts *o)
{
	const char *fs = o->fs ? o->fs : config_text(c, OPT_CLIENT_FS);
	struct meta_opts mo = { .no_permissions = o->no_permissions,
				.posix_acl = o->posix_acl || config_bool(c, OPT_CLIENT_ACL_TYPE),
				.async_dirops = o->async_dirops || config_bool(c, OPT_ASYNC_DIROPS),
				.no_quota = !config_bool(c, OPT_CLIENT_QUOTA),
				.no_list_ahead = !config_bool(c, OPT_LIST_AHEAD),
				.open_waits = config_bool(c, OPT_OPEN_WAITS) };
	char *slashed;
	int err;

	gethostname(mt->hostname, sizeof mt->hostname - 1);
	mt->root = trimmed(o->root);
	mt->entity = mem_strdup(config_text(c, OPT_NAME));
	mt->fs = *fs ? mem_strdup(fs) : NULL;
	mt->data.location = location_of(mt, config_text(c, OPT_CRUSH_LOCATION));
	option_replicas(config_text(c, OPT_REPLICA_READS), &mt->data.read_flags);
	if (!mt->root || !mt->entity || !mt->data.location || (*fs && !mt->fs))
		return -ENOMEM;
	if (strlen(mt->root) > WALK_PATH_MAX)
		return -ENAMETOOLONG;
	slashed = mem_alloc(strlen(mt->root) + 2);
	if (!slashed)
		return -ENOMEM;
	slashed[0] = '/';
	strcpy(slashed + 1, mt->root);
	mt->meta.o.root = slashed; /* to be freed */
	if (o->uuid && !(mt->uuid = mem_strdup(o->uuid)))
		return -ENOMEM;
	mt->reclaims = o->reclaim;
	snprintf(mt->timeout, sizeof mt->timeout, "%d", o->session_timeout < 0 ? 0 : o->session_timeout);
	mo.root = slashed;
	mo.uuid = mt->reclaims ? NULL : mt->uuid; /* it is still the other's */
	mo.timeout = o->session_timeout ? mt->timeout : NULL;
	mo.entity_id = strchr(mt->entity, '.') + 1;
	mo.hostname = mt->hostname;
	snprintf(mt->pid, sizeof mt->pid, "%d", (int)getpid());
	mo.pid = mt->pid;
	mo.cache_bytes = config_u64(c, OPT_CACHE_BYTES);
	mo.max_ops = (uint32_t)config_u64(c, OPT_MAX_OPS);
	mt->log = (struct log){ .level = (enum log_level)o->log_level,
				.sink = o->log ? log_to_user : NULL,
				.arg = mt };
	mt->user_log = o->log;
	mt->user_log_arg = o->log_arg;
	err = meta_init(&mt->meta, engine_ring(mt->engine), &mt->log, &mo);
	data_init(mt);
	set_cache_opts(mt, c);
	mt->meta.on_map = on_usable_map;
	mt->meta.arg = mt;
	return err ? err : default_cred(mt, o->cred);
}

int cephring_mount_start(cephring_engine *e, const cephring_config *c, const struct cephring_mount_opts *opts,
			 struct cephring_op *pub, cephring_cb cb, void *user, cephring_mount **out)
{
	struct cephring_mount_opts o = { 0 };
	cephring_mount *mt;
	struct op *op;
	int err;

	*out = NULL;
	if (opts) {
		if (opts->size < offsetof(struct cephring_mount_opts, cred) || opts->log_level < 0)
			return -EINVAL;
		memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
		if ((o.uuid && !*o.uuid) || (o.reclaim && !o.uuid))
			return -EINVAL;
	}
	mt = mem_alloc(sizeof *mt);
	if (!mt)
		return -ENOMEM;
	mt->engine = e;
	mt->config = c;
	mt->fscid = -1;
	err = fill(mt, c, &o);
	if (!err)
		err = op_prepare(&mt->meta, pub, &mount_family, cb, user, &op);
	if (!err) {
		op->u.mount.mount = mt;
		engine_mount_get(e);
		*out = mt;
		err = op_submit(op);
		if (err)
			engine_mount_put(e);
	}
	if (err) {
		*out = NULL;
		mount_free(mt);
	}
	return err;
}

/* ---- ending one ---- */

static void data_stopped(void *arg)
{
	cephring_mount *mt = arg;
	struct op *op = mt->unmounting;
	cephring_engine *e = mt->engine;
	cephring_cb cb = op->cb;
	void *user = op->user;

	op_retire(op);
	data_fini(mt);
	meta_fini(&mt->meta);
	mon_free(mt->mon);
	mount_free(mt);
	engine_mount_put(e);
	cb((struct cephring_op *)op, 0, user);
}

static void data_ended(struct ring_task *t)
{
	data_stopped((char *)t - offsetof(struct cephring_mount, last));
}

/* Called from within the OSD client, or at once: freed when nobody of that is on the stack. */
static void data_stopped_soon(void *arg)
{
	cephring_mount *mt = arg;

	mt->last.fn = data_ended;
	ring_defer(engine_ring(mt->engine), &mt->last);
}

static void unmounted(void *arg)
{
	cephring_mount *mt = arg;

	if (mt->data.osdc)
		data_stop(mt, data_stopped_soon, mt);
	else
		data_stopped(mt);
}

static int64_t unmount_step(struct op *op, int64_t res)
{
	cephring_mount *mt = op->u.mount.mount;

	(void)res;
	if (op->at++)
		return OP_PENDING;
	mt->unmounting = op;
	mt->meta.on_closed = unmounted;
	meta_stop(&mt->meta, UNMOUNT_LIMIT_MS * 1000000ull, op);
	data_ends(mt);
	return OP_PENDING;
}

static const struct op_family unmount_family = { .name = "unmount", .step = unmount_step, .for_good = true };

int cephring_unmount(cephring_mount *mt, struct cephring_op *pub, cephring_cb cb, void *user)
{
	struct op *op;
	int err;

	if (__atomic_exchange_n(&mt->leaving, true, __ATOMIC_ACQ_REL))
		return -EALREADY;
	/* Never refused for want of budget: it is what frees all. */
	__atomic_add_fetch(&mt->meta.o.max_ops, 1, __ATOMIC_RELAXED);
	err = op_prepare(&mt->meta, pub, &unmount_family, cb, user, &op);
	if (!err) {
		op->u.mount.mount = mt;
		err = op_submit(op);
	}
	if (err)
		__atomic_store_n(&mt->leaving, false, __ATOMIC_RELEASE);
	return err;
}
