/* tool.h: where the cephring command is: beside the tests, as it was built. */
#pragma once
#include "tap.h"
#include <libgen.h>
#include <unistd.h>

static char tool[4200];

static void find_tool(void)
{
	char self[4096] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		tap_die("who am I?");
	snprintf(tool, sizeof(tool), "%s/../tools/cephring", dirname(self));
	if (access(tool, X_OK))
		tap_die("the command is not built");
}
