/* test_command_osdmap.c: `cephring osdmap` against what Ceph's own tools say of the maps of
 * tests/data/osdmaps.
 */
#include "messages.h"

#include <dirent.h>
#include <jansson.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MAPS TEST_DATA "/osdmaps/"

/* What a run printed, stderr included; free(). */
static char *run(const char *args, int *status)
{
	enum { OUTPUT_MAX = 4 << 20 };
	char *command, *out = malloc(OUTPUT_MAX);
	size_t len;
	FILE *f;

	cr_assert(out && asprintf(&command, "%s osdmap %s 2>&1", CEPHRING_TOOL, args) > 0);
	f = popen(command, "r");
	cr_assert(f);
	len = fread(out, 1, OUTPUT_MAX - 1, f);
	out[len] = 0;
	*status = pclose(f);
	*status = WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
	free(command);
	return out;
}

/* The lines of an expectation that begin with `kind`, or do not; free(). */
static char *expectation(const char *map, const char *kind, bool those)
{
	char path[512], *text, *out, *save = NULL;
	size_t gz_len, len;
	uint8_t *gz;
	FILE *f;

	snprintf(path, sizeof(path), "osdmaps/%s.expect.gz", map);
	gz = test_file(path, &gz_len);
	text = (char *)test_gunzip(gz, gz_len, &len);
	text[len] = 0;
	f = open_memstream(&out, &len);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, kind, strlen(kind)) == those)
			fprintf(f, "%s\n", line);
	fclose(f);
	free(text);
	free(gz);
	return out;
}

static void same_text(const char *got, const char *want, const char *what)
{
	size_t at = 0;

	while (got[at] && got[at] == want[at])
		at++;
	cr_assert(got[at] == want[at], "%s, at byte %zu:\n got %.200s\nwant %.200s", what, at, got + at,
		  want + at);
}

static void check_groups(const char *map)
{
	char args[512], *got, *want = expectation(map, "obj ", false);
	int status;

	snprintf(args, sizeof(args), MAPS "%s.osdmap", map);
	got = run(args, &status);
	cr_assert_eq(status, 0);
	same_text(got, want, map);
	free(got);
	free(want);
}

/* Maps whose names begin before "d", or those from there on: two tests, for two time limits. */
static unsigned check_maps(bool first)
{
	DIR *dir = opendir(MAPS);
	unsigned maps = 0;
	struct dirent *e;
	char *dot;

	cr_assert(dir);
	while ((e = readdir(dir))) {
		dot = strstr(e->d_name, ".osdmap");
		if (!dot || (e->d_name[0] < 'd') != first)
			continue;
		*dot = 0;
		check_groups(e->d_name);
		maps++;
	}
	closedir(dir);
	return maps;
}

Test(command_osdmap, pools_and_groups_of_maps_before_d)
{
	cr_assert_gt(check_maps(true), 20);
}

Test(command_osdmap, pools_and_groups_of_maps_from_d)
{
	cr_assert_gt(check_maps(false), 20);
}

static void check_objects(const char *map)
{
	char *want = expectation(map, "obj ", true), *copy = strdup(want), *save = NULL, *args, *got,
	     name[128];
	long long pool;
	int status;
	size_t len;
	FILE *f = open_memstream(&args, &len);

	cr_assert(strlen(want), "%s has objects", map);
	fprintf(f, MAPS "%s.osdmap", map);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		cr_assert_eq(sscanf(line, "obj %lld %127s", &pool, name), 2);
		fprintf(f, " --object %lld '%s'", pool, name);
	}
	fclose(f);
	got = run(args, &status);
	cr_assert_eq(status, 0);
	same_text(got, want, map);
	free(got);
	free(args);
	free(copy);
	free(want);
}

Test(command_osdmap, objects)
{
	check_objects("alg_straw2");
	check_objects("odd_pg_nums");
	check_objects("upmaps");
	check_objects("chain_tentacle.e208");
}

/* The first maps of the chain as files in a folder, and a command line of them. */
static char *unpack(const char *folder, unsigned last)
{
	size_t gz_len, len, args_len;
	uint8_t *gz = test_file("osdmaps/chain_live.incs.gz", &gz_len), *all = test_gunzip(gz, gz_len, &len),
		*p = all;
	char path[512], *args;
	uint32_t size;
	FILE *f, *line = open_memstream(&args, &args_len);

	for (unsigned epoch = 1; epoch <= last; epoch++, p += 8 + size) {
		memcpy(&size, p + 4, 4);
		snprintf(path, sizeof(path), "%s/%u", folder, epoch);
		fprintf(line, "%s %s", epoch == 1 ? "" : " --incremental", path);
		f = fopen(path, "wb");
		cr_assert(f);
		cr_assert_eq(fwrite(p + 8, 1, size, f), size);
		fclose(f);
	}
	fclose(line);
	free(all);
	free(gz);
	return args;
}

Test(command_osdmap, incrementals)
{
	char folder[] = "/tmp/osdmap-XXXXXX", *args, *got, *want, path[64], *order;
	int status;

	cr_assert(mkdtemp(folder));
	args = unpack(folder, 45);
	got = run(args, &status);
	want = expectation("chain_live.e45", "obj ", false);
	cr_assert_eq(status, 0);
	same_text(got, want, "epoch 45");
	free(got);
	free(want);
	free(args);

	cr_assert_gt(asprintf(&order, "%s/1 -i %s/3", folder, folder), 0);
	got = run(order, &status);
	cr_assert_eq(status, 1, "epoch 2 was left out");
	cr_assert(strstr(got, "not for the epoch after"), "%s", got);
	free(got);
	free(order);
	for (unsigned epoch = 1; epoch <= 45; epoch++) {
		snprintf(path, sizeof(path), "%s/%u", folder, epoch);
		unlink(path);
	}
	cr_assert_eq(rmdir(folder), 0);
}

Test(command_osdmap, json)
{
	int status;
	char *got = run("--json " MAPS "ec_holes.osdmap", &status);
	json_t *all = json_loads(got, 0, NULL), *pool, *pg;

	cr_assert_eq(status, 0);
	cr_assert(json_is_array(all));
	pool = json_array_get(all, 0);
	cr_assert_eq(json_integer_value(json_object_get(pool, "pool")), 1);
	cr_assert_eq(json_array_size(json_object_get(pool, "pgs")), 256);
	pg = json_array_get(json_object_get(pool, "pgs"), 0);
	cr_assert_str_eq(json_string_value(json_object_get(pg, "pg")), "1.0");
	cr_assert_eq(json_array_size(json_object_get(pg, "acting")), 8);
	cr_assert(json_is_null(json_array_get(json_object_get(pg, "acting"), 4)), "a hole");
	cr_assert_eq(json_integer_value(json_object_get(pg, "acting_primary")), 2);
	json_decref(all);
	free(got);

	got = run("--json " MAPS "alg_straw2.osdmap --object 1 foo", &status);
	all = json_loads(got, 0, NULL);
	cr_assert_eq(status, 0);
	cr_assert_eq(json_array_size(all), 1);
	cr_assert_eq(json_integer_value(json_object_get(json_array_get(all, 0), "hash")), 0x7fc1f406);
	json_decref(all);
	free(got);
}

static void says(const char *args, int want, const char *words)
{
	int status;
	char *got = run(args, &status);

	cr_assert_eq(status, want, "%s: %d", args, status);
	cr_assert(strstr(got, words), "%s: %s", args, got);
	free(got);
}

Test(command_osdmap, what_goes_wrong)
{
	says("", 2, "too few arguments");
	says("a b", 2, "too many arguments");
	says("/nonexistent", 1, "No such file");
	says(MAPS "README.md", 1, "Bad message");
	says("/dev/null", 1, "Bad message");
	says(MAPS "alg_straw2.osdmap --object 77 foo", 1, "no such pool");
	says(MAPS "alg_straw2.osdmap --object p1", 2, "POOL and NAME");
	says(MAPS "alg_straw2.osdmap --object p1 foo", 0, "obj 1 foo");
	says(MAPS "alg_straw2.osdmap --incremental " MAPS "alg_straw2.osdmap", 1, "alg_straw2.osdmap: ");
}
