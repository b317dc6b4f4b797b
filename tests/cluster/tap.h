/* tap.h: what a cluster test says. Each claim is one TAP line; tap_end() states the plan, and a test that
 * ends before it has failed. Also the devcluster command, for tests that kill, pause or ask daemons.
 *
 * The first line of a test names its cluster: "cluster: --mds 2 --mon 3", after it "; timeout: 300" where 120
 * s are too few. The environment has CEPH_CONF, CEPH_KEYRING, CLUSTER_NAME, CLUSTER_DIR, CLUSTER_SUITE and
 * DEVCLUSTER. */
#pragma once
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failures;

/* One claim; returns `ok`. A name must not depend on what happened. */
__attribute__((format(printf, 2, 3), unused)) static int tap_ok(int ok, const char *name, ...)
{
	va_list ap;

	printf("%s %d - ", ok ? "ok" : "not ok", ++tap_count);
	va_start(ap, name);
	vprintf(name, ap);
	va_end(ap);
	putchar('\n');
	if (!ok)
		tap_failures++;
	fflush(stdout);
	return ok;
}

/* Two numbers are equal; shows both where they are not. */
__attribute__((unused)) static int tap_eq(long long got, long long want, const char *name)
{
	if (!tap_ok(got == want, "%s", name))
		printf("# got %lld (%s), wanted %lld (%s)\n", got, got < 0 ? strerror((int)-got) : "", want,
		       want < 0 ? strerror((int)-want) : "");
	fflush(stdout);
	return got == want;
}

/* Words for whoever reads a failure. */
__attribute__((format(printf, 1, 2), unused)) static void tap_note(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* Nothing further can be tested: a failure, and the end. */
__attribute__((noreturn, unused)) static void tap_die(const char *why)
{
	tap_ok(0, "%s", why);
	printf("1..%d\n", tap_count);
	exit(1);
}

/* The value to return from main(). */
__attribute__((unused)) static int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures ? 1 : 0;
}

/* Runs `$DEVCLUSTER ARGS` on this test's cluster, like devcluster("kill mon.b"); its exit code. */
__attribute__((format(printf, 1, 2), unused)) static int devcluster(const char *fmt, ...)
{
	const char *program = getenv("DEVCLUSTER");
	char args[1024], line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	if (!program)
		tap_die("DEVCLUSTER is not set: run this through ./dev test cluster");
	snprintf(line, sizeof(line), "'%s' %s >&2", program, args);
	return system(line);
}
