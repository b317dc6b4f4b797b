/* cluster: --mds 2 --standby 1; timeout: 240 */
/* The drop-in beside the real libcephfs: commands to MDSs, by rank, name, gid and all at once, good ones and
 * bad ones, before a mount and in it; and on ours alone: while an MDS hangs, and is then killed. */
#include "twice.h"
#include <pthread.h>
#include <signal.h>

static const struct twice_known known[] = {
	/* daemons that hold no rank are not in the file system's own map */
	{ "ask(cm, spare, version)", "0", "-ENOENT" },
	{ NULL, NULL, NULL },
};

static const char version[] = "{\"prefix\": \"version\", \"format\": \"json\"}";
static const char sessions[] = "{\"prefix\": \"session ls\", \"format\": \"json\"}";

/* Daemons by name: who holds rank 0 and 1, and who holds none. */
static char *first, *other, *spare;

static char *out, *outs;
static size_t out_len, outs_len;

static int ask_with(struct ceph_mount_info *cm, const char *mds, const char **words, size_t count,
		    const char *in, size_t in_len)
{
	if (out)
		ceph_buffer_free(out);
	if (outs)
		ceph_buffer_free(outs);
	out = outs = NULL;
	out_len = outs_len = 0;
	return ceph_mds_command(cm, mds, words, count, in, in_len, &out, &out_len, &outs, &outs_len);
}

static int ask(struct ceph_mount_info *cm, const char *mds, const char *what)
{
	return ask_with(cm, mds, &what, 1, NULL, 0);
}

static int printed(const char *word)
{
	return out && memmem(out, out_len, word, strlen(word)) != NULL;
}

static void asks(struct ceph_mount_info *cm)
{
	const char *two[] = { "{\"prefix\": ", "\"version\"}" };
	char gid[32], own[64], *at;

	R(ask(cm, "0", version));
	R(printed("\"version\""));
	say_text("said", outs, (long long)outs_len);
	R(ask(cm, "1", version));
	R(ask(cm, "cephfs:1", version));
	R(ask(cm, "nofs:1", version));
	R(ask(cm, first, version));
	R(printed("\"version\""));
	R(ask(cm, "0", sessions));
	snprintf(own, sizeof own, "\"id\":%llu", (unsigned long long)ceph_get_instance_id(cm));
	R(printed(own));
	snprintf(own, sizeof own, "\"pid\":\"%d\"", (int)getpid());
	say(printed(own), "whose process it is");
	R(ask(cm, first, "{\"prefix\": \"status\", \"format\": \"json\"}"));
	at = out ? memmem(out, out_len, "\"id\":", 5) : NULL;
	snprintf(gid, sizeof gid, "%llu", at ? strtoull(at + 5, NULL, 10) : 0);
	R(printed("\"whoami\":"));
	R(ask(cm, gid, version));
	R(ask(cm, "*", version));
	R(printed("\"version\""));
	R(ask_with(cm, "0", two, 2, "input", 5));
	R(ask(cm, "77", version));
	R(ask(cm, "nobody", version));
	R(ask(cm, "", version));
	R(ask(cm, spare, version));
	R(ask(cm, "0", "{\"prefix\": \"no such command\"}"));
	R(out_len);
	R(outs_len > 0);
	R(ask(cm, "0", "no json"));
	R(ask(cm, "0", ""));
	R(ask_with(cm, "0", NULL, 0, NULL, 0));
	R(ask(cm, "0", "{\"prefix\": \"config get\"}"));
	R(ask(cm, "*", "{\"prefix\": \"no such command\"}"));
	R(ceph_mds_command(cm, "0", &(const char *){ version }, 1, NULL, 0, NULL, NULL, NULL, NULL));
}

static int begin(struct ceph_mount_info **cm)
{
	char ring[4096];
	int r = ceph_create(cm, "second");

	snprintf(ring, sizeof ring, "%s/second.keyring", getenv("CLUSTER_DIR"));
	r = r ? r : ceph_conf_read_file(*cm, getenv("CEPH_CONF"));
	return r ? r : ceph_conf_set(*cm, "keyring", ring);
}

/* ---- ours alone ---- */

static struct ceph_mount_info *shared;

static void *ask_the_other(void *arg)
{
	const char *what = version;

	(void)arg;
	return (void *)(intptr_t)ceph_mds_command(shared, other, &what, 1, NULL, 0, NULL, NULL, NULL, NULL);
}

static void its_daemon(const char *verb, const char *name)
{
	char *path = getenv("LD_LIBRARY_PATH");

	path = path ? strdup(path) : NULL;
	unsetenv("LD_LIBRARY_PATH");
	devcluster("%s mds.%s", verb, name);
	if (path)
		setenv("LD_LIBRARY_PATH", path, 1);
	free(path);
}

/* An MDS that does not answer: an unmount ends the command, and so does the daemon's end. */
static void hangs(void)
{
	pthread_t t;
	void *res;

	OURS(begin(&shared) || ceph_mount(shared, "/"), 0);
	OURS(ask(shared, other, version), 0); /* there is a session */
	its_daemon("pause", other);
	pthread_create(&t, NULL, ask_the_other, NULL);
	usleep(300000);
	OURS(ceph_unmount(shared), 0);
	pthread_join(t, &res);
	OURS((intptr_t)res, -ESHUTDOWN);
	its_daemon("resume", other);
	OURS(ceph_mount(shared, "/"), 0);
	OURS(ask(shared, other, version), 0);
	its_daemon("pause", other);
	pthread_create(&t, NULL, ask_the_other, NULL);
	usleep(300000);
	its_daemon("kill", other); /* the standby takes its rank over */
	pthread_join(t, &res);
	OURS((intptr_t)res, -ETIMEDOUT);
	OURS(ceph_unmount(shared), 0);
	OURS(ceph_release(shared), 0);
}

/* By the cluster's own word: "cephfs:2 {0=b=up:active,1=a=up:active} 1 up:standby". */
static void find_names(void)
{
	char line[512], zero[2] = "", one[2] = "";
	const char *at;
	FILE *f;

	snprintf(line, sizeof line, "'%s' ceph mds stat 2>/dev/null", getenv("DEVCLUSTER"));
	f = popen(line, "r");
	while (f && fgets(line, sizeof line, f))
		if ((at = strstr(line, "{0=")))
			sscanf(at, "{0=%1s=up:active,1=%1s=", zero, one);
	if (f)
		pclose(f);
	if (!one[0])
		tap_die("the names of the MDSs");
	setenv("MDS_FIRST", zero, 1);
	setenv("MDS_OTHER", one, 1);
	for (char name[2] = "a"; name[0] <= 'c'; name[0]++)
		if (strcmp(name, zero) && strcmp(name, one))
			setenv("MDS_SPARE", name, 1);
}

static void checks(struct ceph_mount_info *cm)
{
	struct ceph_mount_info *fresh;

	R(begin(&fresh));
	R(ask(fresh, "0", version));
	R(ceph_init(fresh));
	R(ask(fresh, "0", version));
	R(printed("\"version\""));
	R(ask(fresh, "nobody", version));
	R(ceph_is_mounted(fresh));
	R(ceph_mount(fresh, twice_root()));
	asks(fresh);
	R(ceph_unmount(fresh));
	R(ceph_release(fresh));
	OURS(ask(cm, NULL, version), -EFAULT);
	OURS(ask_with(cm, "0", NULL, 1, NULL, 0), -EFAULT);
	OURS(ask(NULL, "0", version), -ENOTCONN);
	if (on_ours)
		hangs();
}

int main(int argc, char **argv)
{
	if (argc == 1)
		find_names();
	first = getenv("MDS_FIRST");
	other = getenv("MDS_OTHER");
	spare = getenv("MDS_SPARE");
	return twice_main(argc, argv, checks, known);
}
