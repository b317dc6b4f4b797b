#!/usr/bin/python3
"""What a Python program does with python3-cephfs: each line a step and its result, tab between."""

import errno
import os
import stat
import sys

import cephfs


def step(name, call, *args, **more):
    try:
        value = call(*args, **more)
    except cephfs.Error as e:
        code = getattr(e, "errno", None) or e.args[0]
        value = f"{type(e).__name__} {errno.errorcode.get(abs(code), code) if isinstance(code, int) else code}"
    if isinstance(value, int) and not isinstance(value, bool) and name.startswith("open"):
        print(f"{name}\topen")
    else:
        print(f"{name}\t{value!r}")
    return value


def names(fs, path):
    with fs.opendir(path) as d:
        found = []
        e = d.readdir()
        while e:
            found.append((e.d_name, e.is_dir()))
            e = d.readdir()
        return sorted(found)


def statx(fs, path):
    st = fs.statx(path, cephfs.CEPH_STATX_SIZE | cephfs.CEPH_STATX_MODE, 0)
    return st["size"], oct(st["mode"])


def main():
    fs = cephfs.LibCephFS(auth_id="admin", conffile=os.environ["CEPH_CONF"])
    step("conf_get", fs.conf_get, "client_permissions")
    step("conf_set", fs.conf_set, "keyring", os.environ["CEPH_KEYRING"])
    step("mount", fs.mount)
    step("version", fs.version)
    top = f"/python-{sys.argv[1]}".encode()
    step("mkdir", fs.mkdir, top, 0o755)
    step("mkdir again", fs.mkdir, top, 0o755)
    step("chdir", fs.chdir, top)
    step("mkdirs", fs.mkdirs, b"a/b/c", 0o755)
    fd = step("open", fs.open, b"f", "w+", 0o644)
    step("write", fs.write, fd, b"hello world", 0)
    step("read", fs.read, fd, 0, 100)
    step("lseek", fs.lseek, fd, 0, os.SEEK_END)
    step("ftruncate", fs.ftruncate, fd, 5)
    step("fsync", fs.fsync, fd, False)
    step("fstat", lambda: fs.fstat(fd).st_size)
    step("fallocate", fs.fallocate, fd, 0, 100)
    step("close", fs.close, fd)
    step("close again", fs.close, fd)
    step("stat", lambda: (fs.stat(b"f").st_size, stat.S_ISREG(fs.stat(b"f").st_mode), fs.stat(b"f").st_nlink))
    step("statx", statx, fs, b"f")
    step("stat none", fs.stat, b"none")
    step("open none", fs.open, b"none", "r", 0)
    step("symlink", fs.symlink, b"f", b"s")
    step("readlink", fs.readlink, b"s", 100)
    step("lstat", lambda: stat.S_ISLNK(fs.lstat(b"s").st_mode))
    step("link", fs.link, b"f", b"hard")
    step("rename", fs.rename, b"hard", b"renamed")
    step("names", names, fs, b".")
    step("chmod", fs.chmod, b"f", 0o600)
    step("chown", fs.chown, b"f", 1000, 1000)
    step("utime", fs.utime, b"f", (1000000000, 1100000000))
    step("mtime", lambda: int(fs.stat(b"f").st_mtime.timestamp()))
    step("setxattr", fs.setxattr, b"f", "user.k", b"value", 0)
    step("getxattr", fs.getxattr, b"f", "user.k")
    step("listxattr", fs.listxattr, b"f")
    step("removexattr", fs.removexattr, b"f", "user.k")
    step("getxattr none", fs.getxattr, b"f", "user.k")
    step("layout", fs.getxattr, b"f", "ceph.file.layout")
    step("quota", fs.setxattr, b"a", "ceph.quota.max_files", b"5", 0)
    step("quota read", fs.getxattr, b"a", "ceph.quota.max_files")
    step("default pool", fs.get_default_pool)
    step("statfs", lambda: fs.statfs(b"/")["f_bsize"])
    step("snapshot", fs.mksnap, b"a", b"one", 0o755, {"who": "python"})
    step("snap_info", lambda: fs.snap_info(b"a/.snap/one")["metadata"])
    step("snapshots", names, fs, b"a/.snap")
    step("rmsnap", fs.rmsnap, b"a", b"one")
    step("rmdir full", fs.rmdir, b"a")
    for name in (b"a/b/c", b"a/b", b"a"):
        step(f"rmdir {name.decode()}", fs.rmdir, name)
    for name in (b"s", b"renamed", b"f"):
        step(f"unlink {name.decode()}", fs.unlink, name)
    step("chdir back", fs.chdir, b"/")
    step("rmdir", fs.rmdir, top)
    step("sync_fs", fs.sync_fs)
    step("unmount", fs.unmount)
    step("mkdir unmounted", lambda: fs.mkdir(b"/x", 0o755))
    step("shutdown", fs.shutdown)


main()
