/* config_file.c: the small files that a configuration is made of, and lists of their names. */
#include "config.h"
#include "../ring/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FILE_FIRST = 16 << 10, FILE_MAX = 1 << 20 };

static int read_all(int fd, char **text, size_t *len)
{
	size_t cap = FILE_FIRST, n = 0;
	char *buf = mem_alloc(cap);
	int err = buf ? 0 : -ENOMEM;

	while (!err) {
		ssize_t k = read(fd, buf + n, cap - n - 1);
		char *more;

		if (k == 0)
			break;
		if (k < 0) {
			err = errno == EINTR ? 0 : -errno;
			continue;
		}
		n += (size_t)k;
		if (n < cap - 1)
			continue;
		more = cap < FILE_MAX ? mem_realloc(buf, cap * 2) : NULL;
		if (!more)
			err = cap < FILE_MAX ? -ENOMEM : -EFBIG;
		else
			buf = more;
		cap *= 2;
	}
	if (err) {
		mem_free(buf, 0);
		return err;
	}
	buf[n] = 0;
	*text = buf;
	*len = n;
	return 0;
}

int config_read_file(const char *path, char **text, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, text, len);
	close(fd);
	return err;
}

bool config_list_next(const char **list, char *out, size_t cap)
{
	size_t n;

	*list += strspn(*list, ",; \t\n");
	n = strcspn(*list, ",; \t\n");
	if (!n || n >= cap)
		return false;
	memcpy(out, *list, n);
	out[n] = 0;
	*list += n;
	return true;
}
