/* Where values come from, which source wins, and what the errors say. Files are made in a directory of the
 * test's own; the environment is the test process's own too. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>
#include "api/config.h"

#define KEY_TEXT  "AQBSdFhcAAAAABAAMDEyMzQ1Njc4OWFiY2RlZg==" /* 0123456789abcdef */
#define KEY2_TEXT "AQBSdFhcAAAAABAAZmVkY2JhOTg3NjU0MzIxMA==" /* fedcba9876543210 */

static char dir[64];
static cephring_config *c;

static void setup(void)
{
	static const char *const names[] = { "CEPH_CONF", "CEPH_KEYRING", "CEPH_ARGS" };

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		unsetenv(names[i]);
	strcpy(dir, "/tmp/cephring-config-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
	setenv("HOME", dir, 1);
	cr_assert_eq(cephring_config_new(&c), 0);
}

static void teardown(void)
{
	char line[128];

	cephring_config_free(c);
	snprintf(line, sizeof line, "rm -rf '%s'", dir);
	cr_expect_eq(system(line), 0);
}

TestSuite(config, .init = setup, .fini = teardown);

/* A path in the directory; valid until the fourth call after it. */
static const char *path(const char *name)
{
	static char out[4][128];
	static unsigned n;
	char *p = out[n++ % 4];

	snprintf(p, sizeof out[0], "%s/%s", dir, name);
	return p;
}

static const char *put(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	cr_assert(f);
	fputs(text, f);
	fclose(f);
	return path(name);
}

static void expect(const char *key, const char *value, const char *origin)
{
	const char *from = "";
	const char *got = cephring_config_get(c, key, &from);

	cr_assert(got, "%s is not known", key);
	cr_expect_str_eq(got, value, "%s = %s", key, got);
	cr_expect(strstr(from, origin), "%s comes from %s", key, from);
}

static void expect_words(const char *a, const char *b)
{
	cr_expect(strstr(cephring_config_error(c), a), "no \"%s\" in: %s", a, cephring_config_error(c));
	cr_expect(strstr(cephring_config_error(c), b), "no \"%s\" in: %s", b, cephring_config_error(c));
}

/* ---- sources ---- */

Test(config, defaults_stand_before_anything_is_said)
{
	expect("client_mount_timeout", "300", "default");
	expect("ms_mon_client_mode", "secure crc", "default");
	expect("name", "client.admin", "default");
	expect("mon host", "", "default");
	expect("keyring",
	       "/etc/ceph/ceph.client.admin.keyring,/etc/ceph/ceph.keyring,/etc/ceph/keyring,/etc/ceph/"
	       "keyring.bin",
	       "default");
}

Test(config, options_beat_the_environment_beats_the_file)
{
	put("a.conf",
	    "[global]\nmon_host = 10.0.0.1\nclient_fs = file\nms_client_mode = crc\nkey = " KEY_TEXT "\n");
	setenv("CEPH_CONF", path("a.conf"), 1);
	setenv("CEPH_ARGS", "--client_fs=environment --ms-client-mode secure", 1);
	cr_assert_eq(cephring_config_set(c, "ms client mode", "crc secure"), 0);
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	expect("mon_host", "10.0.0.1", "a.conf [global] line 2");
	expect("client_fs", "environment", "env CEPH_ARGS");
	expect("ms_client_mode", "crc secure", "option");
	expect("conf", path("a.conf"), "env CEPH_CONF");
}

Test(config, arguments_beat_the_other_variables)
{
	put("a.conf", "mon_host = 10.0.0.1\n");
	put("b.conf", "[global]\nmon_host = 10.0.0.2\n");
	put("ring", "[client.admin]\nkey = " KEY_TEXT "\n");
	setenv("CEPH_CONF", path("a.conf"), 1);
	setenv("CEPH_KEYRING", path("nowhere"), 1);
	setenv("CEPH_ARGS", "-c b.conf -k ring --setuser ceph --osd-whatever 3", 1);
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	expect("mon_host", "10.0.0.2", "b.conf");
	expect("keyring", "ring", "env CEPH_ARGS");
}

Test(config, sections_of_the_entity_rule)
{
	put("ceph.conf",
	    "[client.joe]\nclient_fs = joes\n[client]\nclient_fs = clients\nclient_mount_timeout = 5m\n"
	    "[global]\nclient_fs = all\nmon_host = 10.0.0.1\nkey = " KEY_TEXT "\n");
	cr_assert_eq(cephring_config_set(c, "name", "client.joe"), 0);
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	expect("client_fs", "joes", "[client.joe] line 2");
	expect("client_mount_timeout", "5m", "[client] line 5");
	cr_expect_eq(config_u64(c, OPT_CLIENT_MOUNT_TIMEOUT), 300ull * 1000000000);
	cr_assert_eq(cephring_config_set(c, "id", "jim"), 0);
	cr_assert_eq(cephring_config_load(c), 0);
	expect("client_fs", "clients", "[client] line 4");
	expect("name", "client.jim", "option");
}

Test(config, a_daemon_has_its_own_sections)
{
	put("ceph.conf", "[client]\nclient_fs = clients\n[mgr]\nclient_fs = $type.$id\nkey = " KEY_TEXT "\n"
			 "[global]\nmon_host = 10.0.0.1\n");
	cr_assert_eq(cephring_config_set(c, "name", "mgr.a.b"), 0);
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	expect("client_fs", "mgr.a.b", "[mgr] line 4");
	expect("id", "a.b", "option");
}

Test(config, a_load_forgets_the_one_before)
{
	put("ceph.conf", "[global]\nmon_host = 10.0.0.1\nkey = " KEY_TEXT "\nclient_fs = old\n");
	setenv("CEPH_ARGS", "--ms_client_mode crc", 1);
	cr_assert_eq(cephring_config_load(c), 0);
	put("ceph.conf", "[global]\nmon_host = 10.0.0.2\nkey = " KEY_TEXT "\n");
	unsetenv("CEPH_ARGS");
	cr_assert_eq(cephring_config_load(c), 0);
	expect("mon_host", "10.0.0.2", "ceph.conf");
	expect("client_fs", "", "default");
	expect("ms_client_mode", "crc secure", "default");
}

Test(config, the_environment_is_read_in_load_only)
{
	setenv("CEPH_ARGS", "--client_fs x", 1);
	cr_assert_eq(cephring_config_set(c, "mon_host", "10.0.0.1"), 0);
	expect("client_fs", "", "default");
}

Test(config, other_names_and_spellings_are_known)
{
	cr_assert_eq(cephring_config_set(c, "client mds-namespace", "two"), 0);
	expect("client_fs", "two", "option");
	cr_assert_eq(cephring_config_set(c, "user", "joe"), 0);
	expect("id", "joe", "option");
}

/* ---- what is wrong is said ---- */

Test(config, a_bad_option_changes_nothing)
{
	static const char *const bad[][2] = {
		{ "client_mount_timeout", "soon" },
		{ "client_mount_timeout", "-1" },
		{ "client_mount_timeout", "2 weeks" },
		{ "ms_client_mode", "fast" },
		{ "ms_mon_client_mode", "" },
		{ "name", "admin" },
		{ "name", "gateway.1" },
		{ "name", "client." },
		{ "id", "" },
		{ "cluster", "../x" },
		{ "cephring_cache_bytes", "1" },
		{ "cephring_max_ops", "1.5" },
		{ "client_quota", "perhaps" },
		{ "client_acl_type", "nfs4" },
		{ "rados_replica_read_policy", "any" },
		{ "crush_location", "root=default host" },
		{ "auth_client_required", "cephx, magic" },
		{ "no_such_option", "1" },
	};

	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_expect_eq(cephring_config_set(c, bad[i][0], bad[i][1]), -EINVAL, "%s = %s", bad[i][0],
			     bad[i][1]);
		expect_words(bad[i][0], "");
	}
	expect("client_mount_timeout", "300", "default");
	expect("ms_client_mode", "crc secure", "default");
	expect("name", "client.admin", "default");
}

Test(config, a_bad_value_in_the_file_is_named_with_its_line)
{
	put("ceph.conf", "[global]\nmon_host = 10.0.0.1\n\nclient_mount_timeout = never\n");
	cr_expect_eq(cephring_config_load(c), -EINVAL);
	expect_words("ceph.conf [global] line 4", "client_mount_timeout = \"never\"");
	cr_assert_eq(cephring_config_set(c, "client_mount_timeout", "9"), 0, "an option mends it");
	cr_assert_eq(cephring_config_set(c, "key", KEY_TEXT), 0);
	cr_expect_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
}

Test(config, a_bad_place_in_the_file_is_named_with_its_line)
{
	put("ceph.conf", "[global]\nmon_host = 10.0.0.1\ncrush_location = host\n");
	cr_expect_eq(cephring_config_load(c), -EINVAL);
	expect_words("crush_location = \"host\" (conf ceph.conf [global] line 3)", "not a list of type=name");
	cr_assert_eq(cephring_config_set(c, "crush_location", "root=default host=a"), 0);
	cr_assert_eq(cephring_config_set(c, "key", KEY_TEXT), 0);
	cr_expect_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
}

Test(config, a_broken_file_is_named_with_its_line)
{
	put("ceph.conf", "[global]\nmon_host = 10.0.0.1\n[client\n");
	cr_expect_eq(cephring_config_load(c), -EINVAL);
	expect_words("ceph.conf line 3", "");
}

Test(config, a_file_that_was_asked_for_must_be_there)
{
	cr_assert_eq(cephring_config_set(c, "conf", path("none.conf")), 0);
	cr_expect_eq(cephring_config_load(c), -ENOENT);
	expect_words("none.conf", "option");
}

Test(config, broken_arguments_are_an_error)
{
	setenv("CEPH_ARGS", "--id 'joe", 1);
	cr_expect_eq(cephring_config_load(c), -EINVAL);
	expect_words("CEPH_ARGS", "quote");
}

Test(config, no_monitor_is_an_error_that_tells_where_was_looked)
{
	cr_assert_eq(cephring_config_set(c, "key", KEY_TEXT), 0);
	cr_expect_eq(cephring_config_load(c), -ENOENT);
	expect_words("mon_host is not set", "DNS SRV");
}

Test(config, only_msgr1_monitors_are_an_error)
{
	cr_assert_eq(cephring_config_set(c, "mon_host", "10.0.0.1:6789,v1:10.0.0.2:6789/0"), 0);
	cr_expect_eq(cephring_config_load(c), -EPROTONOSUPPORT);
	expect_words("msgr1", "10.0.0.1:6789");
}

Test(config, a_monitor_that_makes_no_sense_is_an_error)
{
	cr_assert_eq(cephring_config_set(c, "mon_host", "10.0.0.1, [::1"), 0);
	cr_expect_eq(cephring_config_load(c), -EINVAL);
	expect_words("[::1", "mon_host (option)");
}

/* ---- the key ---- */

static void secret_is(const char *secret)
{
	cr_assert(c->have_key);
	cr_expect_eq(c->key.type, KEY_AES128);
	cr_expect(!memcmp(c->key.secret, secret, 16));
}

Test(config, a_missing_keyring_names_every_file_tried)
{
	char list[300];

	snprintf(list, sizeof list, "%s,%s", path("no.keyring"),
		 put("other.keyring", "[client.other]\nkey = " KEY_TEXT "\n"));
	cr_assert_eq(cephring_config_set(c, "mon_host", "10.0.0.1"), 0);
	cr_assert_eq(cephring_config_set(c, "keyring", list), 0);
	cr_expect_eq(cephring_config_load(c), -ENOENT);
	expect_words("client.admin", "no.keyring (No such file or directory)");
	expect_words("other.keyring (has no key of it)", "option");
}

Test(config, an_unreadable_keyring_is_EACCES)
{
	const char *file = put("k.keyring", "[client.admin]\nkey = " KEY_TEXT "\n");

	cr_assert_eq(chmod(file, 0), 0);
	cr_assert_eq(chmod(dir, 0755), 0);
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0); /* root may read all */
	cephring_config_set(c, "mon_host", "10.0.0.1");
	cephring_config_set(c, "keyring", file);
	cr_expect_eq(cephring_config_load(c), -EACCES);
	expect_words("k.keyring (Permission denied)", "client.admin");
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
}

Test(config, a_broken_key_in_a_keyring_is_named_with_its_line)
{
	cephring_config_set(c, "mon_host", "10.0.0.1");
	cephring_config_set(c, "keyring", put("k.keyring", "[client.admin]\n\nkey = AQ*\n"));
	cr_expect_eq(cephring_config_load(c), -EINVAL);
	expect_words("k.keyring (line 3", "");
}

Test(config, keyrings_are_looked_through_in_order)
{
	put("one", "[client.other]\nkey = " KEY_TEXT "\n");
	put("two", "[client.joe]\nkey = " KEY2_TEXT "\n");
	put("ceph.conf", "[global]\nmon_host = 10.0.0.1\nkeyring = none, one, two\n");
	cephring_config_set(c, "id", "joe");
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	secret_is("fedcba9876543210");
}

Test(config, variables_in_the_keyrings_name_are_expanded)
{
	put("mine.client.joe.keyring", "[client.joe]\nkey = " KEY_TEXT "\n");
	put("mine.conf", "[client]\nmon_host = 10.0.0.1\nkeyring = $home/$cluster.$name.keyring\n");
	cephring_config_set(c, "cluster", "mine");
	cephring_config_set(c, "id", "joe");
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	expect("keyring", path("mine.client.joe.keyring"), "mine.conf [client] line 3");
	secret_is("0123456789abcdef");
}

Test(config, the_key_comes_from_the_highest_source)
{
	put("ring", "[client.admin]\nkey = " KEY_TEXT "\n");
	put("file", KEY2_TEXT "\n");
	put("ceph.conf", "[global]\nmon_host = 10.0.0.1\nkey = " KEY2_TEXT "\n");
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	secret_is("fedcba9876543210");
	setenv("CEPH_KEYRING", path("ring"), 1);
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	secret_is("0123456789abcdef");
	cephring_config_set(c, "keyfile", path("file"));
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	secret_is("fedcba9876543210");
	cephring_config_set(c, "key", KEY_TEXT);
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	secret_is("0123456789abcdef");
}

static void show(void *arg, const char *key, const char *value, const char *origin)
{
	unsigned *count = arg;

	(*count)++;
	cr_expect(!strstr(value, KEY_TEXT), "%s shows the key", key);
	cr_expect(origin[0]);
}

Test(config, secrets_are_not_shown)
{
	unsigned count = 0;

	expect("key", "", "default");
	cephring_config_set(c, "key", KEY_TEXT);
	expect("key", "(set)", "option");
	cephring_config_each(c, show, &count);
	cr_expect_eq(count, OPT_COUNT);
	cephring_config_set(c, "mon_host", "10.0.0.1");
	cephring_config_set(c, "key", "QUJD");
	cr_expect_eq(cephring_config_load(c), -EINVAL);
	cr_expect(!strstr(cephring_config_error(c), "QUJD"), "an error does not show it either");
}

Test(config, auth_none_by_choice_needs_no_key)
{
	cephring_config_set(c, "mon_host", "10.0.0.1");
	cephring_config_set(c, "keyring", path("none"));
	cr_expect_eq(cephring_config_load(c), -ENOENT);
	cephring_config_set(c, "auth_client_required", "none");
	cr_expect_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	cr_expect_not(c->have_key);
	cephring_config_set(c, "auth_client_required", "cephx");
	cr_expect_eq(cephring_config_load(c), -ENOENT);
}

/* ---- for the monitor client ---- */

Test(config, gives_what_the_monitor_client_wants)
{
	struct log log = { 0 };
	struct mon_opts o;

	cr_expect_eq(config_mon_opts(c, &o, &log), -EINVAL, "not before it is loaded");
	cephring_config_set(c, "mon_host",
			    "[v2:10.0.0.1:3301/0,v1:10.0.0.1:6789/0] v2:[fd00::1]:3300 10.0.0.3,10.0.0.3");
	cephring_config_set(c, "key", KEY_TEXT);
	cephring_config_set(c, "id", "joe");
	cephring_config_set(c, "ms_client_mode", "secure");
	cephring_config_set(c, "client_mount_timeout", "1500ms");
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	cr_assert_eq(config_mon_opts(c, &o, &log), 0);
	cr_expect_str_eq(o.entity, "client.joe");
	cr_assert_eq(o.addr_count, 3);
	cr_expect_eq(o.addrs[0].port, 3301);
	cr_expect_eq(o.addrs[1].family, AF_INET6);
	cr_expect_eq(o.addrs[2].port, 3300);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(o.addrs[i].type, ADDR_MSGR2);
	cr_expect_eq(o.mon_mode_count, 2);
	cr_expect_eq(o.mon_modes[0], CON_MODE_SECURE);
	cr_expect_eq(o.mon_modes[1], CON_MODE_CRC);
	cr_expect_eq(o.service_mode_count, 1);
	cr_expect_eq(o.service_modes[0], CON_MODE_SECURE);
	cr_expect_eq(o.timeout_ns, 1500000000ull);
	cr_expect(o.have_key && o.allow_cephx && o.allow_none);
	cephring_config_set(c, "client_fs", "x");
	cr_expect_eq(config_mon_opts(c, &o, &log), 0, "an option that no file depends on needs no new load");
	cephring_config_set(c, "id", "jim");
	cr_expect_eq(config_mon_opts(c, &o, &log), -EINVAL, "one that decides over keys does");
}

Test(config, names_of_monitors_are_resolved)
{
	cephring_config_set(c, "key", KEY_TEXT);
	cephring_config_set(c, "mon_host", "localhost:3311");
	cr_assert_eq(cephring_config_load(c), 0, "%s", cephring_config_error(c));
	cr_assert_geq(c->mon_count, 1);
	for (unsigned i = 0; i < c->mon_count; i++)
		cr_expect_eq(c->mon[i].port, 3311);
	cephring_config_set(c, "mon_host", "no-such-host.invalid");
	cr_expect_eq(cephring_config_load(c), -ENOENT);
	expect_words("no-such-host.invalid", "mon_host (option)");
}

/* ---- values ---- */

Test(options, sizes_and_times_have_units)
{
	uint64_t v;

	cr_expect(option_size("64M", &v) && v == 64 << 20);
	cr_expect(option_size("1.5 GiB", &v) && v == 3ull << 29);
	cr_expect(option_size("4096", &v) && v == 4096);
	cr_expect(option_size("2kb ", &v) && v == 2048);
	cr_expect_not(option_size("", &v));
	cr_expect_not(option_size("M", &v));
	cr_expect_not(option_size("1X", &v));
	cr_expect_not(option_size("1 M M", &v));
	cr_expect_not(option_size("inf", &v));
	cr_expect_not(option_size("99999999999T", &v));
	cr_expect(option_seconds("300", &v) && v == 300000000000ull);
	cr_expect(option_seconds("0.25", &v) && v == 250000000ull);
	cr_expect(option_seconds("500ms", &v) && v == 500000000ull);
	cr_expect(option_seconds("5 min", &v) && v == 300000000000ull);
	cr_expect(option_seconds("1h", &v) && v == 3600000000000ull);
	cr_expect_not(option_seconds("nan", &v));
	cr_expect_not(option_seconds("-5", &v));
	cr_expect_not(option_seconds("5 fortnights", &v));
	cr_expect(option_count("17", &v) && v == 17);
	cr_expect_not(option_count("17k", &v));
}

Test(options, modes_keep_their_order_and_come_once)
{
	uint32_t m[2];

	cr_expect_eq(option_modes("secure crc", m), 2);
	cr_expect(m[0] == CON_MODE_SECURE && m[1] == CON_MODE_CRC);
	cr_expect_eq(option_modes("crc,crc, secure,crc", m), 2);
	cr_expect(m[0] == CON_MODE_CRC && m[1] == CON_MODE_SECURE);
	cr_expect_eq(option_modes("CRC", m), 1);
	cr_expect_eq(option_modes("", m), 0);
	cr_expect_eq(option_modes("secure plain", m), 0);
}
