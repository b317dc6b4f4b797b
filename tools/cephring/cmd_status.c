/* cmd_status.c: `cephring status`: what this client sees of the cluster: monitors, sessions, maps, negotiated
 * modes.
 *
 * The library's debug views are JSON already; here they are checked, and laid out for people unless --json is
 * given.
 */
#include "json.h"
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void print(struct tool *t, const char *what, const char *text)
{
	json_error_t err;
	json_t *v = json_loads(text, JSON_DECODE_ANY, &err);

	if (!v) {
		tool_fail(t, what, strlen(what), -EBADMSG, err.text);
		return;
	}
	if (t->json) {
		json_print(v);
		return;
	}
	view_print(v);
	json_decref(v);
}

void cmd_status(struct tool *t, int argc, char **argv)
{
	struct argp argp = { NULL,
			     args_option,
			     "[status|sessions|requests|caps|data]",
			     "Shows what this client sees: monitors, sessions, maps, negotiated modes; or "
			     "one view more closely.",
			     NULL,
			     NULL,
			     NULL };
	const char *what;
	struct args a;
	char *text;
	int err;

	args_read(&a, t, &argp, argc, argv, NULL);
	args_need(&a, 0, 1);
	what = a.count ? a.list[0] : "status";
	if (!tool_connect(t))
		return;
	err = cephring_dump(t->mount, what, &text);
	if (err < 0) {
		tool_fail(t, what, strlen(what), err, err == -EINVAL ? "no such view" : NULL);
		return;
	}
	print(t, what, text);
	cephring_text_free(text);
}
