#!/usr/bin/python3
"""A tree of files into an NFS server or out of it, by libnfs, in one process: put|get URL PATH-THERE DIRECTORY-HERE."""

import ctypes
import os
import sys

libnfs = ctypes.CDLL("libnfs.so.13")
libnfs.nfs_init_context.restype = ctypes.c_void_p
libnfs.nfs_get_error.restype = ctypes.c_char_p
CHUNK = 1 << 20
PIECE = 2000  # more in one write libnfs 4.0.0 does not encode for NFSv4, nor what is no multiple of 4
DIRECTORY = 0o040000


class Url(ctypes.Structure):
    _fields_ = [("server", ctypes.c_char_p), ("path", ctypes.c_char_p), ("file", ctypes.c_char_p)]


class Entry(ctypes.Structure):
    pass


Entry._fields_ = [  # the first of struct nfsdirent
    ("next", ctypes.POINTER(Entry)), ("name", ctypes.c_char_p), ("inode", ctypes.c_uint64), ("type", ctypes.c_uint32),
    ("mode", ctypes.c_uint32), ("size", ctypes.c_uint64),
]
for name, args, result in (
    ("nfs_parse_url_dir", [ctypes.c_void_p, ctypes.c_char_p], ctypes.POINTER(Url)),
    ("nfs_readdir", [ctypes.c_void_p, ctypes.c_void_p], ctypes.POINTER(Entry)),
    ("nfs_closedir", [ctypes.c_void_p, ctypes.c_void_p], None),
    ("nfs_read", [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_char_p], ctypes.c_int),
    ("nfs_write", [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_char_p], ctypes.c_int),
):
    function = getattr(libnfs, name)
    function.argtypes, function.restype = args, result


class Server:
    def __init__(self, url):
        self.nfs = ctypes.c_void_p(libnfs.nfs_init_context())
        parsed = libnfs.nfs_parse_url_dir(self.nfs, url.encode())
        if not parsed:
            sys.exit(f"{url}: {libnfs.nfs_get_error(self.nfs).decode()}")
        self.call("nfs_mount", parsed.contents.server, parsed.contents.path)

    def call(self, name, *args):
        got = getattr(libnfs, name)(self.nfs, *args)
        if got < 0:
            sys.exit(f"{name} {args[0]}: {got}: {libnfs.nfs_get_error(self.nfs).decode()}")
        return got

    def handle(self, name, path, more):
        fh = ctypes.c_void_p()
        self.call(name, path.encode(), *more, ctypes.byref(fh))
        return fh

    def put(self, here, there):
        self.call("nfs_mkdir", there.encode())
        for e in sorted(os.scandir(here), key=lambda e: e.name):
            to = f"{there}/{e.name}"
            if e.is_dir():
                self.put(e.path, to)
                continue
            with open(e.path, "rb") as f:
                data = f.read()
            fh = self.handle("nfs_create", to, [os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644])
            for at in range(0, len(data), PIECE):
                piece = data[at : at + PIECE]
                if self.call("nfs_write", fh, len(piece), piece) != len(piece):
                    sys.exit(f"{to}: a short write")
            self.call("nfs_close", fh)

    def names(self, there):
        d, found = self.handle("nfs_opendir", there, []), []
        while e := libnfs.nfs_readdir(self.nfs, d):
            if e.contents.name not in (b".", b".."):
                found.append((e.contents.name.decode(), e.contents.mode & 0o170000 == DIRECTORY or e.contents.type == 2))
        libnfs.nfs_closedir(self.nfs, d)
        return sorted(found)

    def get(self, here, there):
        os.mkdir(here)
        for name, is_dir in self.names(there):
            if is_dir:
                self.get(f"{here}/{name}", f"{there}/{name}")
                continue
            fh = self.handle("nfs_open", f"{there}/{name}", [os.O_RDONLY])
            with open(f"{here}/{name}", "wb") as f:
                while n := self.call("nfs_read", fh, CHUNK, buffer):
                    f.write(buffer.raw[:n] if n == CHUNK else ctypes.string_at(buffer, n))
            self.call("nfs_close", fh)


buffer = ctypes.create_string_buffer(CHUNK)


def main():
    verb, url, there, here = sys.argv[1:]
    server = Server(url)
    (server.put if verb == "put" else server.get)(here, there)


if __name__ == "__main__":
    main()
