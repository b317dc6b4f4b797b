/* session.c: the client's identity among the servers, commands to them, callbacks. */
#include "compat.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_INPUT_MAX = 32 << 20 };

uint64_t ceph_get_instance_id(struct ceph_mount_info *cm)
{
	struct inside_mount info;

	ENTER_ELSE(cm, 0);
	return inside_mount_info(cm->m, &info) ? 0 : info.client_id;
}

int64_t ceph_get_fs_cid(struct ceph_mount_info *cm)
{
	struct inside_mount info;
	int err;

	ENTER(cm);
	err = inside_mount_info(cm->m, &info);
	return err ? err : info.fscid;
}

/* What a blocklist entry names: the address as servers see it, and the nonce. */
int ceph_getaddrs(struct ceph_mount_info *cm, char **addrs)
{
	int err;

	ENTER(cm);
	if (!addrs)
		return -EFAULT;
	*addrs = malloc(INSIDE_ADDRS_MAX);
	if (!*addrs)
		return -ENOMEM;
	err = inside_addrs(cm->m, *addrs);
	if (err) {
		free(*addrs);
		*addrs = NULL;
	}
	return err;
}

/* A copy that ceph_buffer_free() takes; NULL of nothing. */
static int give(const void *p, size_t len, char **out, size_t *out_len)
{
	if (out_len)
		*out_len = len;
	if (!out)
		return 0;
	*out = len ? malloc(len) : NULL;
	if (len && !*out)
		return -ENOMEM;
	if (len)
		memcpy(*out, p, len);
	return 0;
}

/* Commands may be given before a mount: then there is one for as long as it takes. */
static int command_mount(struct ceph_mount_info *cm, cephring_mount **out)
{
	int state = STATE_READY, err;

	if (!cm || !atomic_compare_exchange_strong(&cm->state, &state, STATE_BUSY))
		return -ENOTCONN;
	err = mount_make(cm, NULL, NULL, out);
	atomic_store(&cm->state, STATE_READY);
	return err;
}

int ceph_mds_command(struct ceph_mount_info *cm, const char *mds, const char **cmd, size_t cmdlen,
		     const char *inbuf, size_t inbuflen, char **outbuf, size_t *outbuflen, char **outs,
		     size_t *outslen)
{
	struct user u __attribute__((cleanup(user_leave))) = user_enter(cm);
	struct inside_answer answer = { 0 };
	cephring_mount *m = u.cm ? cm->m : NULL;
	int err, kept;

	give(NULL, 0, outbuf, outbuflen);
	give(NULL, 0, outs, outslen);
	if (!mds || (!cmd && cmdlen) || (!inbuf && inbuflen))
		return -EFAULT;
	if (cmdlen > UINT32_MAX || inbuflen > COMMAND_INPUT_MAX)
		return -EMSGSIZE;
	if (!m && (err = command_mount(cm, &m)))
		return err;
	err = inside_command(m, mds, cmd, (uint32_t)cmdlen, inbuf, (uint32_t)inbuflen, &answer);
	if (!u.cm)
		cephring_sync_unmount(m);
	kept = give(answer.out, answer.out_len, outbuf, outbuflen);
	kept = give(answer.said, answer.said_len, outs, outslen) ? -ENOMEM : kept;
	inside_answer_free(&answer);
	return kept ? kept : err;
}

void ceph_buffer_free(char *buf)
{
	free(buf);
}

/* ---- reclaiming what a client of the same uuid left behind ---- */

/* What an open session was opened with stands. */
static bool told_in_time(struct ceph_mount_info *cm)
{
	if (cm && atomic_load(&cm->state) > STATE_READY)
		GAP("uuid or timeout of a session that is open");
	return cm && atomic_load(&cm->state) <= STATE_READY;
}

void ceph_set_uuid(struct ceph_mount_info *cm, const char *uuid)
{
	char *copy;

	if (!told_in_time(cm) || !uuid || !*uuid || !(copy = strdup(uuid)))
		return;
	free(cm->uuid);
	cm->uuid = copy;
}

void ceph_set_session_timeout(struct ceph_mount_info *cm, unsigned timeout)
{
	if (told_in_time(cm)) /* 0 is told, and means: not because of silence */
		cm->session_timeout = timeout ? (int)(timeout < INT_MAX ? timeout : INT_MAX) : -1;
}

int ceph_start_reclaim(struct ceph_mount_info *cm, const char *uuid, unsigned flags)
{
	cephring_mount *none = NULL;
	int err;

	if (!cm || !uuid || !*uuid || (cm->uuid && !strcmp(cm->uuid, uuid)))
		return -EINVAL;
	err = ceph_init(cm);
	if (err)
		return err;
	/* to take a session over, with all it has, is what no MDS knows */
	return flags == CEPH_RECLAIM_RESET ? mount_make(cm, NULL, uuid, &none) : -EINVAL;
}

void ceph_finish_reclaim(struct ceph_mount_info *cm)
{
	(void)cm;
}

/* ---- callbacks: what is NULL stays as it was ---- */

void ceph_ll_register_callbacks(struct ceph_mount_info *cm, struct ceph_client_callback_args *args)
{
	int err;

	ENTER_ELSE(cm, );
	if (!args)
		return;
	__atomic_store_n(&cm->callbacks.handle, args->handle, __ATOMIC_RELEASE);
	if (args->umask_cb)
		__atomic_store_n(&cm->callbacks.umask_cb, args->umask_cb, __ATOMIC_RELEASE);
	if (args->ino_cb)
		__atomic_store_n(&cm->callbacks.ino_cb, args->ino_cb, __ATOMIC_RELEASE);
	if (args->ino_release_cb)
		__atomic_store_n(&cm->callbacks.ino_release_cb, args->ino_release_cb, __ATOMIC_RELEASE);
	if (args->dentry_cb)
		__atomic_store_n(&cm->callbacks.dentry_cb, args->dentry_cb, __ATOMIC_RELEASE);
	if (args->switch_intr_cb)
		__atomic_store_n(&cm->callbacks.switch_intr_cb, args->switch_intr_cb, __ATOMIC_RELEASE);
	if (args->remount_cb)
		__atomic_store_n(&cm->callbacks.remount_cb, args->remount_cb, __ATOMIC_RELEASE);
	if (!args->ino_cb && !args->ino_release_cb && !args->dentry_cb && !args->remount_cb)
		return;
	err = callbacks_begin(cm);
	if (err)
		compat_log(CEPHRING_LOG_ERROR,
			   "ino_cb, ino_release_cb, dentry_cb, remount_cb: never called: %s", strerror(-err));
}
