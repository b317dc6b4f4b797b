/* cluster: ; timeout: 400 */
/* The drop-in beside the real libcephfs: delegations. Each is asked for, broken by another client and by
 * another handle of the same one, and given back: who waits for what, who is told how often, and what is
 * refused. */
#include "twice.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { WAIT_MS = 60000, MOMENT_MS = 50, SHORT_S = 2 };

static const struct twice_known known[] = { { NULL, NULL, NULL } };

static UserPerm *root;

/* ---- a delegation, and what its function was called with ---- */

struct held {
	struct Inode *in;
	struct Fh *fh;
	struct ceph_mount_info *cm;
	atomic_int recalls, wrong;
	int inside; /* it gives the delegation back itself, with this result */
	bool gives;
};

static void on_recall(struct Fh *fh, void *priv)
{
	struct held *h = priv;

	if (fh != h->fh)
		h->wrong = 1;
	if (h->gives)
		h->inside = ceph_ll_delegation(h->cm, fh, CEPH_DELEGATION_NONE, NULL, NULL);
	h->recalls++;
}

static void pause_ms(int ms)
{
	usleep((useconds_t)ms * 1000);
}

static bool comes(atomic_int *count, int least)
{
	for (int n = 0; n < WAIT_MS && *count < least; n++)
		pause_ms(1);
	return *count >= least;
}

static int ask(struct held *h, unsigned cmd)
{
	return ceph_ll_delegation(h->cm, h->fh, cmd, on_recall, h);
}

static struct Inode *dir_of(struct ceph_mount_info *cm)
{
	struct Inode *dir = NULL;

	return ceph_ll_lookup_root(cm, &dir) ? NULL : dir;
}

static int make(struct held *h, struct ceph_mount_info *cm, const char *name, int flags)
{
	struct Inode *dir = dir_of(cm);
	struct ceph_statx st;
	int r;

	memset(h, 0, sizeof *h);
	h->cm = cm;
	r = ceph_ll_create(cm, dir, name, 0666, flags | O_CREAT, &h->in, &h->fh, &st, CEPH_STATX_INO, 0,
			   root);
	ceph_ll_put(cm, dir);
	return r;
}

static void done(struct held *h)
{
	say(ceph_ll_close(h->cm, h->fh), "closed");
	ceph_ll_put(h->cm, h->in);
}

static void gone(struct ceph_mount_info *cm, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/%s", name);
	say(ceph_unlink(cm, path), "%s is removed", name);
}

/* ---- somebody in the way, on a thread of his own ---- */

enum how { OPENS, LINKS, RENAMES, UNLINKS, CHMODS, CUTS, LABELS };
static const char *const how_text[] = { "open", "link", "rename", "unlink", "chmod", "truncate", "setxattr" };

struct breaker {
	pthread_t thread;
	struct ceph_mount_info *cm;
	enum how how;
	const char *name, *to;
	int flags, res;
	atomic_int ended;
};

static int breaks(struct breaker *b, struct Inode *dir)
{
	struct ceph_statx st = { .stx_mode = 0600 };
	struct Inode *in;
	struct Fh *fh;
	int r;

	if (b->how == RENAMES)
		return ceph_ll_rename(b->cm, dir, b->name, dir, b->to, root);
	if (b->how == UNLINKS)
		return ceph_ll_unlink(b->cm, dir, b->name, root);
	r = ceph_ll_lookup(b->cm, dir, b->name, &in, &st, 0, 0, root);
	if (r)
		return r;
	st.stx_mode = 0600;
	st.stx_size = 1;
	if (b->how == OPENS)
		r = ceph_ll_open(b->cm, in, b->flags, &fh, root);
	else if (b->how == LINKS)
		r = ceph_ll_link(b->cm, in, dir, b->to, root);
	else if (b->how == LABELS)
		r = ceph_ll_setxattr(b->cm, in, "user.a", "b", 1, 0, root);
	else
		r = ceph_ll_setattr(b->cm, in, &st, b->how == CUTS ? CEPH_SETATTR_SIZE : CEPH_SETATTR_MODE,
				    root);
	b->ended = 1;
	if (!r && b->how == OPENS)
		r = ceph_ll_close(b->cm, fh);
	ceph_ll_put(b->cm, in);
	return r;
}

static void *breaker(void *arg)
{
	struct breaker *b = arg;
	struct Inode *dir = dir_of(b->cm);

	b->res = breaks(b, dir);
	b->ended = 1;
	ceph_ll_put(b->cm, dir);
	return NULL;
}

static void begin(struct breaker *b)
{
	b->ended = 0;
	if (pthread_create(&b->thread, NULL, breaker, b))
		tap_die("a thread");
}

static int end(struct breaker *b)
{
	pthread_join(b->thread, NULL);
	return b->res;
}

static void title(struct ceph_mount_info *cm, int type, const struct breaker *b)
{
	const char *mode = b->flags == O_RDONLY ? " to read" : b->flags == O_WRONLY ? " to write" : "";

	printf("-- to %s, %s%s by %s\t0\n", type == CEPH_DELEGATION_RD ? "read" : "write", how_text[b->how],
	       b->how == OPENS ? mode : "", cm == b->cm ? "the same client" : "another client");
}

/* One delegation, one in its way. */
static void broken(struct ceph_mount_info *cm, struct ceph_mount_info *by, int type, enum how how, int flags)
{
	struct breaker b = { .cm = by, .how = how, .name = "file", .to = "other", .flags = flags };
	struct held h;

	title(cm, type, &b);
	say(make(&h, cm, "file", type == CEPH_DELEGATION_RD ? O_RDONLY : O_RDWR), "made");
	say(ask(&h, type), "delegated");
	begin(&b);
	say(comes(&h.recalls, 1), "recalled");
	pause_ms(MOMENT_MS);
	say(b.ended, "it did not wait");
	say(ask(&h, type), "asked for again");
	say(ask(&h, 77), "asked for what there is not");
	say(ask(&h, CEPH_DELEGATION_NONE), "given back");
	say(end(&b), "the other one's result");
	say(h.recalls, "how often");
	say(h.wrong, "another handle was named");
	done(&h);
	if (how == LINKS || how == RENAMES)
		gone(cm, "other");
	if (how != RENAMES && how != UNLINKS)
		gone(cm, "file");
}

/* The same, and it is in nobody's way. */
static void not_broken(struct ceph_mount_info *cm, struct ceph_mount_info *by, int type, enum how how)
{
	struct breaker b = { .cm = by, .how = how, .name = "file", .flags = O_RDONLY };
	struct held h;

	title(cm, type, &b);
	say(make(&h, cm, "file", type == CEPH_DELEGATION_RD ? O_RDONLY : O_RDWR), "made");
	say(ask(&h, type), "delegated");
	begin(&b);
	say(end(&b), "the other one's result");
	pause_ms(MOMENT_MS);
	say(h.recalls, "how often");
	say(ask(&h, CEPH_DELEGATION_NONE), "given back");
	say(ask(&h, CEPH_DELEGATION_NONE), "and again");
	done(&h);
	gone(cm, "file");
}

/* ---- refused ---- */

static void before_the_timeout(struct ceph_mount_info *cm)
{
	struct held h;

	say(make(&h, cm, "file", O_RDWR), "made");
	R(ask(&h, CEPH_DELEGATION_NONE));
	R(ask(&h, CEPH_DELEGATION_RD));
	R(ask(&h, CEPH_DELEGATION_WR));
	R(ask(&h, 77));
	R(ceph_set_deleg_timeout(cm, ceph_get_cap_return_timeout(cm)));
	R(ask(&h, CEPH_DELEGATION_WR));
	R(ceph_set_deleg_timeout(cm, ceph_get_cap_return_timeout(cm) - 1));
	R(ask(&h, 77));
	OURS(ceph_ll_delegation(cm, h.fh, CEPH_DELEGATION_WR, NULL, NULL), -EINVAL);
	R(ask(&h, CEPH_DELEGATION_WR));
	R(ask(&h, CEPH_DELEGATION_NONE));
	done(&h);
	OURS(ask(&h, CEPH_DELEGATION_WR), -EBADF);
	OURS(ask(&h, CEPH_DELEGATION_NONE), -EBADF);
	gone(cm, "file");
}

static void refused(struct ceph_mount_info *cm, struct ceph_mount_info *other)
{
	struct held h, second = { .cm = cm };
	char buf[8];
	int fd;

	say(make(&h, cm, "file", O_RDWR), "made");
	say(ask(&h, CEPH_DELEGATION_RD), "to read, where it is open to write");
	R(ceph_ll_open(cm, h.in, O_RDONLY, &second.fh, root));
	say(ask(&second, CEPH_DELEGATION_RD), "to read, where another handle writes");
	say(ask(&second, CEPH_DELEGATION_WR), "to write, where another handle reads");
	say(ask(&h, CEPH_DELEGATION_WR), "and the other way round");
	R(ceph_ll_close(cm, h.fh));
	say(ask(&second, CEPH_DELEGATION_RD), "to read, alone");
	say(ask(&second, CEPH_DELEGATION_WR), "instead, to write, by a handle that reads");
	say(ask(&second, CEPH_DELEGATION_RD), "instead, to read");
	R(ceph_ll_close(cm, second.fh));
	R(ceph_ll_open(cm, h.in, O_RDWR, &h.fh, root));
	R((fd = ceph_open(other, "/file", O_RDWR, 0)) >= 0);
	R(ceph_write(other, fd, "theirs", 6, 0));
	R(ceph_fsync(other, fd, 0));
	R(ceph_ll_read(cm, h.fh, 0, sizeof buf, buf));
	say(ask(&h, CEPH_DELEGATION_WR), "to write, where another client writes");
	R(ceph_close(other, fd));
	done(&h);
	gone(cm, "file");
}

/* ---- more than one ---- */

static void shared(struct ceph_mount_info *cm, struct ceph_mount_info *other)
{
	struct breaker b = { .cm = other, .how = OPENS, .name = "file", .flags = O_WRONLY };
	struct held one, two = { .cm = cm };

	say(make(&one, cm, "file", O_RDONLY), "made");
	R(ceph_ll_open(cm, one.in, O_RDONLY, &two.fh, root));
	R(ask(&one, CEPH_DELEGATION_RD));
	R(ask(&two, CEPH_DELEGATION_RD));
	begin(&b);
	R(comes(&one.recalls, 1));
	R(comes(&two.recalls, 1));
	R(ask(&one, CEPH_DELEGATION_NONE));
	R(ask(&one, CEPH_DELEGATION_RD));
	pause_ms(MOMENT_MS);
	R(b.ended);
	R(ask(&two, CEPH_DELEGATION_NONE));
	R(end(&b));
	R(one.recalls);
	R(two.recalls);
	R(one.wrong + two.wrong);
	R(ceph_ll_close(cm, two.fh));
	done(&one);
	gone(cm, "file");
}

/* What asks again is what is told. */
static void replaced(struct ceph_mount_info *cm, struct ceph_mount_info *other)
{
	struct breaker b = { .cm = other, .how = OPENS, .name = "file", .flags = O_RDONLY };
	struct held h, again;

	say(make(&h, cm, "file", O_RDWR), "made");
	again = (struct held){ .cm = cm, .fh = h.fh };
	R(ask(&h, CEPH_DELEGATION_WR));
	R(ask(&again, CEPH_DELEGATION_WR));
	begin(&b);
	R(comes(&again.recalls, 1));
	R(ask(&h, CEPH_DELEGATION_NONE));
	R(end(&b));
	R(h.recalls);
	R(again.recalls);
	done(&h);
	gone(cm, "file");
}

/* What an MDS asks of all clients is not what a delegation stands on. */
static void while_caps_are_recalled(struct ceph_mount_info *cm, struct ceph_mount_info *other)
{
	struct breaker b = { .cm = other, .how = OPENS, .name = "file", .flags = O_RDWR };
	struct held h;

	say(make(&h, cm, "file", O_RDWR), "made");
	R(ask(&h, CEPH_DELEGATION_WR));
	R(ceph_sync_fs(cm));
	twice_ceph("tell 'mds.*' cache drop 2");
	R(h.recalls);
	begin(&b);
	R(comes(&h.recalls, 1));
	pause_ms(MOMENT_MS);
	R(b.ended);
	R(ask(&h, CEPH_DELEGATION_NONE));
	R(end(&b));
	done(&h);
	gone(cm, "file");
}

/* ---- ends ---- */

static void closed(struct ceph_mount_info *cm, struct ceph_mount_info *other)
{
	struct breaker b = { .cm = other, .how = OPENS, .name = "file", .flags = O_RDWR };
	struct held h;

	say(make(&h, cm, "file", O_RDWR), "made");
	R(ask(&h, CEPH_DELEGATION_WR));
	begin(&b);
	R(comes(&h.recalls, 1));
	R(b.ended);
	done(&h);
	R(end(&b));
	gone(cm, "file");
}

/* Who has it may ask for attributes while it is recalled. */
static void asked_meanwhile(struct ceph_mount_info *cm, struct ceph_mount_info *other)
{
	struct breaker b = { .cm = other, .how = OPENS, .name = "file", .flags = O_WRONLY };
	struct ceph_statx st;
	struct held h;
	int failed = 0;

	say(make(&h, cm, "file", O_RDWR), "made");
	R(ceph_ll_write(cm, h.fh, 0, 5, "hello"));
	R(ceph_ll_close(cm, h.fh));
	R(ceph_ll_open(cm, h.in, O_RDONLY, &h.fh, root));
	R(ask(&h, CEPH_DELEGATION_RD));
	begin(&b);
	for (int n = 0; n < WAIT_MS && !h.recalls; n++) {
		failed |= ceph_ll_getattr(cm, h.in, &st, CEPH_STATX_ALL_STATS, 0, root);
		pause_ms(1);
	}
	R(h.recalls);
	R(failed);
	pause_ms(MOMENT_MS);
	R(ceph_ll_getattr(cm, h.in, &st, CEPH_STATX_ALL_STATS, 0, root));
	R(st.stx_size);
	R(b.ended);
	R(ask(&h, CEPH_DELEGATION_NONE));
	R(end(&b));
	done(&h);
	gone(cm, "file");
}

/* The real one calls the function under its lock. */
static void from_inside(struct ceph_mount_info *cm, struct ceph_mount_info *other)
{
	struct breaker b = { .cm = other, .how = OPENS, .name = "file", .flags = O_RDWR };
	struct held h;

	say(make(&h, cm, "file", O_RDWR), "made");
	h.gives = on_ours;
	R(ask(&h, CEPH_DELEGATION_WR));
	begin(&b);
	R(comes(&h.recalls, 1));
	if (!on_ours)
		ask(&h, CEPH_DELEGATION_NONE);
	R(end(&b));
	OURS(h.inside, 0);
	R(h.recalls);
	done(&h);
	gone(cm, "file");
}

static int mount_like(struct ceph_mount_info **cm, uint32_t timeout)
{
	int r = twice_mount(cm, twice_root(), NULL);

	return r ? r : ceph_set_deleg_timeout(*cm, timeout);
}

static void unmounted(struct ceph_mount_info *other, bool recalled)
{
	struct breaker b = { .cm = other, .how = OPENS, .name = "file", .flags = O_RDWR };
	struct ceph_mount_info *cm;
	struct held h;

	R(mount_like(&cm, 60));
	say(make(&h, cm, "file", O_RDWR), "made");
	R(ceph_ll_write(cm, h.fh, 0, 5, "hello"));
	R(ask(&h, CEPH_DELEGATION_WR));
	if (recalled) {
		begin(&b);
		R(comes(&h.recalls, 1));
	}
	R(ceph_unmount(cm));
	if (recalled)
		R(end(&b));
	R(h.recalls);
	R(ceph_release(cm));
	gone(other, "file");
}

/* Nobody gives it back: the client goes, and others get on; what it wrote is there. */
static void not_kept(struct ceph_mount_info *other)
{
	struct breaker b = { .cm = other, .how = OPENS, .name = "file", .flags = O_RDWR };
	struct timespec t0, t1;
	struct ceph_mount_info *cm;
	struct ceph_statx st;
	struct Inode *dir;
	struct held h;
	char buf[8] = "";
	int fd;

	R(mount_like(&cm, SHORT_S));
	dir = dir_of(cm);
	say(make(&h, cm, "file", O_RDWR), "made");
	R(ceph_ll_write(cm, h.fh, 0, 5, "hello"));
	R(ask(&h, CEPH_DELEGATION_WR));
	clock_gettime(CLOCK_MONOTONIC, &t0);
	begin(&b);
	R(end(&b));
	clock_gettime(CLOCK_MONOTONIC, &t1);
	R(t1.tv_sec - t0.tv_sec >= SHORT_S - 1);
	R(t1.tv_sec - t0.tv_sec < 20);
	R(h.recalls);
	R(ceph_ll_getattr(cm, dir, &st, 0, 0, root));
	R(ceph_ll_read(cm, h.fh, 0, sizeof buf, buf));
	R(ceph_statx(cm, "/file", &st, CEPH_STATX_INO, 0));
	R(ask(&h, CEPH_DELEGATION_NONE));
	R(ask(&h, CEPH_DELEGATION_WR));
	R(ceph_ll_close(cm, h.fh));
	R(ceph_is_mounted(cm));
	R(ceph_mount(cm, "/"));
	R(ceph_release(cm));
	OURS(ceph_unmount(cm), 0);
	OURS(ceph_unmount(cm), -ENOTCONN);
	OURS(ceph_release(cm), 0);
	R((fd = ceph_open(other, "/file", O_RDONLY, 0)) >= 0);
	R(ceph_read(other, fd, buf, sizeof buf, 0));
	say_text("what was written", buf, 5);
	R(ceph_close(other, fd));
	gone(other, "file");
}

static void each(struct ceph_mount_info *cm, struct ceph_mount_info *by)
{
	for (int type = CEPH_DELEGATION_RD; type <= CEPH_DELEGATION_WR; type++) {
		broken(cm, by, type, OPENS, O_RDWR);
		broken(cm, by, type, OPENS, O_WRONLY);
		if (type == CEPH_DELEGATION_WR)
			broken(cm, by, type, OPENS, O_RDONLY);
		else
			not_broken(cm, by, type, OPENS);
		for (enum how how = LINKS; how <= UNLINKS; how++)
			broken(cm, by, type, how, O_RDWR);
	}
}

static void checks(struct ceph_mount_info *cm)
{
	struct ceph_mount_info *other;

	root = ceph_userperm_new(0, 0, 0, NULL);
	before_the_timeout(cm);
	R(mount_like(&other, 60));
	refused(cm, other);
	each(cm, other);
	for (int type = CEPH_DELEGATION_RD; type <= CEPH_DELEGATION_WR; type++)
		for (enum how how = CHMODS; how <= LABELS; how++)
			broken(cm, other, type, how, O_RDWR);
	each(cm, cm);
	/* What the client has the caps for it does alone, and nobody is told. Of xattrs that depends on the
	 * MDS and on the library: they are left out. */
	not_broken(cm, cm, CEPH_DELEGATION_RD, CHMODS);
	broken(cm, cm, CEPH_DELEGATION_RD, CUTS, O_RDWR);
	not_broken(cm, cm, CEPH_DELEGATION_WR, CHMODS);
	not_broken(cm, cm, CEPH_DELEGATION_WR, CUTS);
	while_caps_are_recalled(cm, other);
	shared(cm, other);
	replaced(cm, other);
	closed(cm, other);
	asked_meanwhile(cm, other);
	asked_meanwhile(cm, cm);
	from_inside(cm, other);
	unmounted(other, false);
	unmounted(other, true);
	not_kept(other);
	R(ceph_unmount(other));
	R(ceph_release(other));
	ceph_userperm_destroy(root);
}

int main(int argc, char **argv)
{
	return twice_main(argc, argv, checks, known);
}
