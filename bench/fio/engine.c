/* engine.c: cephring as an I/O engine of fio: fio --ioengine=external:cephring-fio.so. Made by `./dev fio`,
 * with the headers of Debian's fio.
 *
 * A job of fio is a mount of its own, which its thread or process drives: so many operations in flight as
 * iodepth says, from that one thread. File names are paths below the mount's root. A file that is shorter
 * than the job wants, and will be read, is written to its size when it is opened. direct=1: neither from nor
 * into the cache.
 */
#include <fio.h>
#include <optgroup.h>

#include <cephring.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { FILL = 4 << 20 };

struct settings {
	void *td; /* fio wants something here: an offset of 0 is no option's */
	char *conf, *id, *fs, *root;
};

static struct fio_option options[] = {
	{
	    .name = "conf",
	    .lname = "ceph.conf",
	    .type = FIO_OPT_STR_STORE,
	    .off1 = offsetof(struct settings, conf),
	    .help = "The configuration file; else CEPH_CONF, or /etc/ceph/ceph.conf",
	    .category = FIO_OPT_C_ENGINE,
	},
	{
	    .name = "id",
	    .lname = "client id",
	    .type = FIO_OPT_STR_STORE,
	    .off1 = offsetof(struct settings, id),
	    .help = "Log in as client.ID",
	    .category = FIO_OPT_C_ENGINE,
	},
	{
	    .name = "fs",
	    .lname = "file system",
	    .type = FIO_OPT_STR_STORE,
	    .off1 = offsetof(struct settings, fs),
	    .help = "Name of the file system",
	    .category = FIO_OPT_C_ENGINE,
	},
	{
	    .name = "root",
	    .lname = "root directory",
	    .type = FIO_OPT_STR_STORE,
	    .off1 = offsetof(struct settings, root),
	    .help = "Directory that file names begin at",
	    .category = FIO_OPT_C_ENGINE,
	},
	{ .name = NULL },
};

/* Of one job. */
struct job {
	cephring_config *config;
	cephring_engine *engine;
	cephring_mount *mount;
	struct io_u **ended; /* owned: iodepth of them, what getevents() has not told yet */
	unsigned ended_count, told, flying;
};

/* Of one io_u. */
struct call {
	struct cephring_op op;
	struct job *job;
	struct io_u *io_u;
};

/* ---- a mount ---- */

static int say(struct job *j, const char *what, int err)
{
	log_err("cephring: %s: %s\n", what,
		j && j->mount ? cephring_strerror(j->mount, err) : strerror(-err));
	return err;
}

static int configure(struct job *j, const struct settings *s)
{
	int err = cephring_config_new(&j->config);

	if (!err && s->conf)
		err = cephring_config_set(j->config, "conf", s->conf);
	if (!err && s->id)
		err = cephring_config_set(j->config, "id", s->id);
	if (!err)
		err = cephring_config_load(j->config);
	if (err && j->config)
		log_err("cephring: %s\n", cephring_config_error(j->config));
	return err;
}

static int job_init(struct thread_data *td)
{
	const struct settings *s = td->eo;
	struct cephring_mount_opts opts = { .size = sizeof opts, .fs = s->fs, .root = s->root };
	struct job *j = calloc(1, sizeof *j);
	char why[256] = "";
	int err;

	if (!j)
		return 1;
	td->io_ops_data = j;
	j->ended = calloc(td->o.iodepth, sizeof(struct io_u *));
	err = j->ended ? configure(j, s) : -ENOMEM;
	if (err)
		return 1;
	err = cephring_engine_new(NULL, &j->engine, why, sizeof why);
	if (err) {
		log_err("cephring: %s\n", why);
		return 1;
	}
	err = cephring_sync_mount(j->engine, j->config, &opts, &j->mount);
	return err ? say(j, "mount", err), 1 : 0;
}

static void job_cleanup(struct thread_data *td)
{
	struct job *j = td->io_ops_data;

	if (!j)
		return;
	if (j->mount)
		cephring_sync_unmount(j->mount);
	if (j->engine)
		cephring_engine_free(j->engine);
	cephring_config_free(j->config);
	free(j->ended);
	free(j);
	td->io_ops_data = NULL;
}

/* ---- files ---- */

/* Nobody has looked at them yet: a job is what mounts. */
static int job_setup(struct thread_data *td)
{
	struct fio_file *f;
	unsigned i;

	for_each_file(td, f, i)
	{
		f->real_file_size = td->o.size / (td->o.nr_files ? td->o.nr_files : 1);
		fio_file_set_size_known(f);
	}
	return 0;
}

static int fill(struct job *j, cephring_file *file, uint64_t from, uint64_t size)
{
	int64_t put = 0;
	char *buf = malloc(FILL);

	if (!buf)
		return -ENOMEM;
	memset(buf, 0x5a, FILL);
	for (uint64_t at = from; at < size && put >= 0; at += (uint64_t)put)
		put = cephring_sync_write(file, buf, size - at < FILL ? size - at : FILL, at,
					  CEPHRING_IO_DIRECT);
	free(buf);
	return put < 0 ? (int)put : cephring_sync_fsync(file, 0);
}

static int make_long_enough(struct thread_data *td, struct job *j, cephring_file *file, struct fio_file *f)
{
	struct cephring_statx st;
	int err =
	    cephring_sync_statx(j->mount, cephring_file_inode(file), "", CEPHRING_STATX_SIZE, 0, NULL, &st);

	if (err || !td_read(td) || st.size >= f->real_file_size)
		return err;
	return fill(j, file, st.size, f->real_file_size);
}

static int file_open(struct thread_data *td, struct fio_file *f)
{
	struct job *j = td->io_ops_data;
	int flags = O_RDWR | O_CREAT | (td->o.odirect ? O_DIRECT : 0);
	cephring_file *file;
	int err = cephring_sync_open(j->mount, NULL, f->file_name, flags, 0644, NULL, NULL, &file);

	if (err < 0) {
		say(j, f->file_name, err);
		td_verror(td, -err, "open");
		return -err;
	}
	FILE_SET_ENG_DATA(f, file);
	err = make_long_enough(td, j, file, f);
	if (err) {
		say(j, f->file_name, err);
		td_verror(td, -err, "lay out");
	}
	return -err;
}

static int file_close(struct thread_data *td, struct fio_file *f)
{
	cephring_file *file = FILE_ENG_DATA(f);

	FILE_SET_ENG_DATA(f, NULL);
	return file ? -cephring_sync_close(file) : 0;
}

static int file_unlink(struct thread_data *td, struct fio_file *f)
{
	struct job *j = td->io_ops_data;

	return -cephring_sync_unlink(j->mount, NULL, f->file_name, 0, NULL);
}

/* A mount has cached nothing when it begins. */
static int file_invalidate(struct thread_data *td, struct fio_file *f)
{
	return 0;
}

static int file_size(struct thread_data *td, struct fio_file *f)
{
	return 0; /* job_setup() said it */
}

/* ---- operations ---- */

static void ended(struct cephring_op *op, int64_t res, void *user)
{
	struct call *c = user;
	struct io_u *io_u = c->io_u;
	struct job *j = c->job;

	io_u->error = res < 0 ? (unsigned)-res : 0;
	io_u->resid = res < 0 || io_u->ddir == DDIR_SYNC || io_u->ddir == DDIR_DATASYNC
			  ? 0
			  : io_u->xfer_buflen - (uint64_t)res;
	j->flying--;
	j->ended[j->ended_count++] = io_u;
}

static int submit(struct call *c, struct io_u *io_u)
{
	cephring_file *file = FILE_ENG_DATA(io_u->file);

	switch (io_u->ddir) {
	case DDIR_READ:
		return cephring_read(file, io_u->xfer_buf, io_u->xfer_buflen, io_u->offset, 0, &c->op, ended,
				     c);
	case DDIR_WRITE:
		return cephring_write(file, io_u->xfer_buf, io_u->xfer_buflen, io_u->offset, 0, &c->op, ended,
				      c);
	case DDIR_SYNC:
		return cephring_fsync(file, 0, &c->op, ended, c);
	case DDIR_DATASYNC:
		return cephring_fsync(file, 1, &c->op, ended, c);
	case DDIR_TRIM:
		return cephring_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, io_u->offset,
					  io_u->xfer_buflen, &c->op, ended, c);
	default:
		return -EOPNOTSUPP;
	}
}

static enum fio_q_status queue(struct thread_data *td, struct io_u *io_u)
{
	struct call *c = io_u->engine_data;
	int err;

	fio_ro_check(td, io_u);
	c->job = td->io_ops_data;
	err = submit(c, io_u);
	if (err == -EAGAIN && c->job->flying)
		return FIO_Q_BUSY;
	if (err) {
		io_u->error = (unsigned)-err;
		return FIO_Q_COMPLETED;
	}
	c->job->flying++;
	return FIO_Q_QUEUED;
}

static int getevents(struct thread_data *td, unsigned min, unsigned max, const struct timespec *until)
{
	struct job *j = td->io_ops_data;
	int64_t wait = until ? until->tv_sec * 1000000000ll + until->tv_nsec : -1;
	int n;

	/* fio has taken the last ones */
	memmove(j->ended, j->ended + j->told, (j->ended_count - j->told) * sizeof *j->ended);
	j->ended_count -= j->told;
	j->told = 0;
	do {
		n = cephring_run(j->engine, j->ended_count < min ? wait : 0);
		if (n < 0 && n != -EINTR)
			return n;
	} while (j->ended_count < min && !until);
	j->told = j->ended_count < max ? j->ended_count : max;
	return (int)j->told;
}

static struct io_u *event(struct thread_data *td, int at)
{
	struct job *j = td->io_ops_data;

	return j->ended[at];
}

static int unit_init(struct thread_data *td, struct io_u *io_u)
{
	struct call *c = calloc(1, sizeof *c);

	if (!c)
		return 1;
	c->io_u = io_u;
	io_u->engine_data = c;
	return 0;
}

static void unit_free(struct thread_data *td, struct io_u *io_u)
{
	free(io_u->engine_data);
	io_u->engine_data = NULL;
}

__attribute__((visibility("default"))) struct ioengine_ops ioengine = {
	.name = "cephring",
	.version = FIO_IOOPS_VERSION,
	.flags = FIO_DISKLESSIO,
	.setup = job_setup,
	.init = job_init,
	.cleanup = job_cleanup,
	.open_file = file_open,
	.close_file = file_close,
	.unlink_file = file_unlink,
	.invalidate = file_invalidate,
	.get_file_size = file_size,
	.queue = queue,
	.getevents = getevents,
	.event = event,
	.io_u_init = unit_init,
	.io_u_free = unit_free,
	.options = options,
	.option_struct_size = sizeof(struct settings),
};
