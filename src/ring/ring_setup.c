/* ring_setup.c: birth and death of an engine: the io_uring with what it must be able to do, the receive
 * buffers, and words for a kernel that cannot or may not.
 *
 * Linux 6.1 is the floor: SINGLE_ISSUER with DEFER_TASKRUN, provided buffer rings, multishot receive,
 * cancel by descriptor. What can be probed is probed.
 */
#include "ring_impl.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "mem.h"

enum {
	ENTRIES = 256,
	ENTRIES_MAX = 4096,
	CQ_FACTOR = 8, /* completions per submission entry: a burst must not overflow */
	BUF_COUNT = 32,
	BUF_COUNT_MAX = 32768, /* the kernel's */
	BUF_SIZE = 16 << 10,
	INBOX_SIZE = 1024,
};

static int fail(char *why, size_t size, int err, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static int fail(char *why, size_t size, int err, const char *fmt, ...)
{
	va_list ap;

	if (why && size) {
		va_start(ap, fmt);
		vsnprintf(why, size, fmt, ap);
		va_end(ap);
	}
	return err;
}

/* kernel.io_uring_disabled, or -1 where there is none. */
static int disabled_sysctl(void)
{
	char text[8] = "";
	int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof text - 1) < 1)
		text[0] = 0;
	close(fd);
	return text[0] >= '0' && text[0] <= '9' ? text[0] - '0' : -1;
}

static int explain(int err, char *why, size_t size)
{
	struct utsname u;
	int off = disabled_sysctl();

	uname(&u);
	switch (err) {
	case -ENOSYS:
		return fail(why, size, -ENOSYS,
			    "this kernel (%s) has no io_uring: Linux 6.1 or newer is needed", u.release);
	case -EPERM:
	case -EACCES:
		if (off > 0)
			return fail(
			    why, size, -EPERM,
			    "io_uring is forbidden here by sysctl kernel.io_uring_disabled=%d: set it to 0",
			    off);
		return fail(
		    why, size, -EPERM,
		    "io_uring is forbidden here, though not by sysctl kernel.io_uring_disabled: a seccomp "
		    "filter or security module refuses io_uring_setup");
	case -EINVAL:
		return fail(why, size, -ENOTSUP,
			    "io_uring of this kernel (%s) lacks SINGLE_ISSUER or DEFER_TASKRUN: Linux 6.1 or "
			    "newer is "
			    "needed",
			    u.release);
	default:
		return fail(why, size, err, "io_uring_setup: %s", strerror(-err));
	}
}

static int check_features(struct ring *r, uint32_t features, char *why, size_t size)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} needed[] = {
		{ IORING_FEAT_NODROP, "NODROP" },       { IORING_FEAT_SUBMIT_STABLE, "SUBMIT_STABLE" },
		{ IORING_FEAT_FAST_POLL, "FAST_POLL" }, { IORING_FEAT_EXT_ARG, "EXT_ARG" },
		{ IORING_FEAT_CQE_SKIP, "CQE_SKIP" },
	};
	static const struct {
		int op;
		const char *name;
	} ops[] = {
		{ IORING_OP_CONNECT, "CONNECT" },   { IORING_OP_SEND, "SEND" },
		{ IORING_OP_SENDMSG, "SENDMSG" },   { IORING_OP_RECV, "RECV" },
		{ IORING_OP_POLL_ADD, "POLL_ADD" }, { IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL" },
	};
	struct io_uring_probe *probe;
	const char *lacks = NULL;

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (!(features & needed[i].bit))
			return fail(why, size, -ENOTSUP,
				    "io_uring of this kernel lacks the feature %s: Linux 6.1 or "
				    "newer is needed",
				    needed[i].name);
	probe = io_uring_get_probe_ring(&r->uring);
	if (!probe)
		return fail(why, size, -ENOTSUP,
			    "io_uring of this kernel cannot be probed: Linux 6.1 or newer is "
			    "needed");
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (!io_uring_opcode_supported(probe, ops[i].op))
			lacks = ops[i].name;
	io_uring_free_probe(probe);
	if (lacks)
		return fail(why, size, -ENOTSUP, "io_uring of this kernel lacks the operation %s", lacks);
	return 0;
}

static int uring_init(struct ring *r, const struct ring_opts *o, char *why, size_t size)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
		.cq_entries = o->entries * CQ_FACTOR,
	};
	int ret;

	/* The owner is who enables it: the own thread does when it runs. */
	if (o->own_thread)
		p.flags |= IORING_SETUP_R_DISABLED;
	ret = io_uring_queue_init_params(o->entries, &r->uring, &p);
	if (ret)
		return explain(ret, why, size);
	ret = check_features(r, p.features, why, size);
	if (ret)
		io_uring_queue_exit(&r->uring);
	return ret;
}

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* The kernel has these pages by address: after a fork of the host program the first write of the
	 * parent would move it to copies that the kernel does not see. */
	madvise(p, size, MADV_DONTFORK);
	return p;
}

static size_t bufs_ring_size(const struct ring *r)
{
	return r->buf_count * sizeof(struct io_uring_buf);
}
static size_t bufs_memory_size(const struct ring *r)
{
	return (size_t)r->buf_count * r->buf_size;
}

static void bufs_unmap(struct ring *r)
{
	if (r->bufs)
		munmap(r->bufs, bufs_ring_size(r));
	if (r->buf_memory)
		munmap(r->buf_memory, bufs_memory_size(r));
}

static int bufs_init(struct ring *r, char *why, size_t size)
{
	struct io_uring_buf_reg reg = { .ring_entries = r->buf_count, .bgid = RING_BUF_GROUP };
	int ret;

	r->bufs = map(bufs_ring_size(r));
	r->buf_memory = map(bufs_memory_size(r));
	if (!r->bufs || !r->buf_memory) {
		bufs_unmap(r);
		return fail(why, size, -ENOMEM, "no memory for %u receive buffers of %u bytes", r->buf_count,
			    r->buf_size);
	}
	reg.ring_addr = (uintptr_t)r->bufs;
	ret = io_uring_register_buf_ring(&r->uring, &reg, 0);
	if (ret) {
		bufs_unmap(r);
		return fail(why, size, ret == -EINVAL ? -ENOTSUP : ret,
			    "io_uring of this kernel refuses a provided buffer ring: %s", strerror(-ret));
	}
	io_uring_buf_ring_init(r->bufs);
	for (unsigned id = 0; id < r->buf_count; id++)
		ring_buf_return(r, id << IORING_CQE_BUFFER_SHIFT);
	return 0;
}

static int check_opts(const struct ring_opts *in, struct ring_opts *o, char *why, size_t size)
{
	*o = *in;
	o->entries = o->entries ? o->entries : ENTRIES;
	o->buf_count = o->buf_count ? o->buf_count : BUF_COUNT;
	o->buf_size = o->buf_size ? o->buf_size : BUF_SIZE;
	o->inbox_size = o->inbox_size ? o->inbox_size : INBOX_SIZE;
	if (o->entries > ENTRIES_MAX)
		return fail(why, size, -EINVAL, "more than %d submission entries", ENTRIES_MAX);
	if (o->buf_count > BUF_COUNT_MAX || (o->buf_count & (o->buf_count - 1)))
		return fail(why, size, -EINVAL, "%u receive buffers: a power of two up to %d is needed",
			    o->buf_count, BUF_COUNT_MAX);
	return 0;
}

static int setup(struct ring *r, const struct ring_opts *o, char *why, size_t size)
{
	int ret;

	r->owner = pthread_self();
	r->own_thread = o->own_thread;
	r->ready_fd = -1;
	r->tasks_end = &r->tasks;
	r->flushers_end = &r->flushers;
	r->buf_count = o->buf_count;
	r->buf_size = o->buf_size;
	ret = inbox_init(&r->inbox, o->inbox_size);
	if (ret)
		return fail(why, size, ret, "inbox: %s", strerror(-ret));
	ret = uring_init(r, o, why, size);
	if (ret)
		goto no_uring;
	ret = bufs_init(r, why, size);
	if (ret)
		goto no_bufs;
	ring_clock(r);
	ret = o->own_thread ? ring_thread_start(r, o->cpu) : ring_start(r);
	if (!ret)
		return 0;
	fail(why, size, ret,
	     o->own_thread ? "the engine's thread does not start (cpu %d): %s" : "io_uring (cpu %d): %s",
	     o->cpu, strerror(-ret));
	io_uring_unregister_buf_ring(&r->uring, RING_BUF_GROUP);
	bufs_unmap(r);
no_bufs:
	io_uring_queue_exit(&r->uring);
no_uring:
	inbox_fini(&r->inbox);
	return ret;
}

int ring_new(const struct ring_opts *opts, struct ring **out, char *why, size_t why_size)
{
	struct ring_opts o;
	struct ring *r;
	int ret;

	if (why && why_size)
		why[0] = 0;
	ret = check_opts(opts, &o, why, why_size);
	if (ret)
		return ret;
	r = mem_alloc(sizeof *r);
	if (!r)
		return fail(why, why_size, -ENOMEM, "no memory");
	ret = setup(r, &o, why, why_size);
	if (ret) {
		mem_free(r, sizeof *r);
		return ret;
	}
	*out = r;
	return 0;
}

static void check_empty(const struct ring *r)
{
	assert(!r->streams && !r->closing);
	assert(!r->timers.count);
	assert(!r->tasks && !r->flushers && !r->quiet);
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	if (r->own_thread)
		ring_stop(r);
	else
		ring_drain(r);
	check_empty(r);
	io_uring_queue_exit(&r->uring);
	if (r->ready_fd >= 0)
		close(r->ready_fd);
	bufs_unmap(r);
	inbox_fini(&r->inbox);
	explicit_bzero(r->random, sizeof r->random);
	mem_free(r, sizeof *r);
}
