/* mds_names.c: capability sets and request names in the words that Ceph's people use. */
#include "mds.h"

/* Appends the letter of a group and one letter for each of its bits that is set. */
static char *group_text(char *p, char letter, const char *bits, uint32_t caps)
{
	if (!caps)
		return p;
	*p++ = letter;
	for (unsigned i = 0; bits[i]; i++)
		if (caps & (1u << i))
			*p++ = bits[i];
	return p;
}

const char *cap_text(uint32_t caps, char *buf)
{
	char *p = buf;

	if (caps & CAP_PIN)
		*p++ = 'p';
	p = group_text(p, 'A', "sx", caps >> 2 & 3);
	p = group_text(p, 'L', "sx", caps >> 4 & 3);
	p = group_text(p, 'X', "sx", caps >> 6 & 3);
	p = group_text(p, 'F', "sxcrwbal", caps >> 8);
	if (p == buf)
		*p++ = '-';
	*p = 0;
	return buf;
}

static const struct {
	uint32_t op;
	const char *name;
} op_names[] = {
	{ MDS_OP_LOOKUP, "lookup" },
	{ MDS_OP_GETATTR, "getattr" },
	{ MDS_OP_LOOKUPHASH, "lookuphash" },
	{ MDS_OP_LOOKUPPARENT, "lookupparent" },
	{ MDS_OP_LOOKUPINO, "lookupino" },
	{ MDS_OP_LOOKUPNAME, "lookupname" },
	{ MDS_OP_GETVXATTR, "getvxattr" },
	{ MDS_OP_GETFILELOCK, "getfilelock" },
	{ MDS_OP_OPEN, "open" },
	{ MDS_OP_READDIR, "readdir" },
	{ MDS_OP_LOOKUPSNAP, "lookupsnap" },
	{ MDS_OP_LSSNAP, "lssnap" },
	{ MDS_OP_SETXATTR, "setxattr" },
	{ MDS_OP_RMXATTR, "rmxattr" },
	{ MDS_OP_SETLAYOUT, "setlayout" },
	{ MDS_OP_SETATTR, "setattr" },
	{ MDS_OP_SETFILELOCK, "setfilelock" },
	{ MDS_OP_SETDIRLAYOUT, "setdirlayout" },
	{ MDS_OP_MKNOD, "mknod" },
	{ MDS_OP_LINK, "link" },
	{ MDS_OP_UNLINK, "unlink" },
	{ MDS_OP_RENAME, "rename" },
	{ MDS_OP_MKDIR, "mkdir" },
	{ MDS_OP_RMDIR, "rmdir" },
	{ MDS_OP_SYMLINK, "symlink" },
	{ MDS_OP_CREATE, "create" },
	{ MDS_OP_MKSNAP, "mksnap" },
	{ MDS_OP_RMSNAP, "rmsnap" },
	{ MDS_OP_RENAMESNAP, "renamesnap" },
	{ MDS_OP_READDIR_SNAPDIFF, "readdir_snapdiff" },
};

const char *mds_op_name(uint32_t op)
{
	for (unsigned i = 0; i < sizeof(op_names) / sizeof(op_names[0]); i++)
		if (op_names[i].op == op)
			return op_names[i].name;
	return "op";
}
