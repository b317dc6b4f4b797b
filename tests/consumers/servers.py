"""Debian's file servers on CephFS, each on the real libcephfs or on the drop-in: their settings, starting, stopping.

The consumers' script and the benchmark of the drop-in share them.
"""

import os
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.realpath(__file__))
RUN = os.path.join(HERE, "..", "..", "tools", "cephring-run")
LISTENS_S = 20
ENDS_S = 20


def on(library, log, argv):
    """The command on that library; None: the real one."""
    return [RUN, "--library", library, "--log", log, *argv] if library else argv


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(argv, port, log):
    """The server, when it listens; None: it does not."""
    with open(log, "w") as out:
        p = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    until = time.monotonic() + LISTENS_S
    while time.monotonic() < until and p.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return p
        except OSError:
            time.sleep(0.1)
    stop(p)
    return None


def stop(p):
    if p.poll() is None:
        p.terminate()
    try:
        p.wait(ENDS_S)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()


def samba(where, port):
    """The command of an smbd whose files are in the directory `where`: the root of CephFS as //127.0.0.1/share."""
    subs = ("lock", "state", "cache", "pid", "private", "ncalrpc", "log")
    at = {sub: os.path.join(where, sub) for sub in subs}
    for sub in at.values():
        os.makedirs(sub, exist_ok=True)
    conf = os.path.join(where, "smb.conf")
    with open(conf, "w") as f:
        f.write(
            f"""[global]
workgroup = W
server role = standalone server
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = {port}
server min protocol = NT1
lock directory = {at["lock"]}
state directory = {at["state"]}
cache directory = {at["cache"]}
pid directory = {at["pid"]}
private dir = {at["private"]}
ncalrpc dir = {at["ncalrpc"]}
log file = {at["log"]}/log.%m
map to guest = Bad User
guest account = root
load printers = no
disable spoolss = yes
[share]
path = /
vfs objects = ceph
ceph:config_file = {os.environ["CEPH_CONF"]}
ceph:user_id = admin
kernel share modes = no
read only = no
guest only = yes
guest ok = yes
create mask = 0644
"""
        )
    return ["/usr/sbin/smbd", "-F", "-s", conf, "--no-process-group", "--debug-stdout"]


def ganesha(where, port, version=4):
    """The command of a Ganesha whose files are in the directory `where`: the root of CephFS as nfs://127.0.0.1/ceph.
    Version 3 wants a portmapper."""
    recovery, conf = os.path.join(where, "recovery"), os.path.join(where, "ganesha.conf")
    os.makedirs(recovery, exist_ok=True)
    with open(conf, "w") as f:
        f.write(
            f"""NFS_CORE_PARAM {{ Protocols = {version}; NFS_Port = {port}; Bind_addr = 127.0.0.1; Enable_NLM = false;
Enable_RQUOTA = false; Enable_UDP = false; mount_path_pseudo = true; Plugins_Dir = "/usr/lib/x86_64-linux-gnu/ganesha"; }}
NFSV4 {{ Graceless = true; Grace_Period = 1; Lease_Lifetime = 5; RecoveryBackend = fs; RecoveryRoot = "{recovery}"; }}
NFS_KRB5 {{ Active_krb5 = false; }}
CEPH {{ Ceph_Conf = "{os.environ["CEPH_CONF"]}"; }}
EXPORT {{ Export_ID = 1; Path = "/"; Pseudo = "/ceph"; Access_Type = RW; Squash = None; SecType = sys; Protocols = {version};
Transports = TCP; FSAL {{ Name = CEPH; User_Id = "admin"; }} }}
"""
        )
    log, pid = os.path.join(where, "ganesha.log"), os.path.join(where, "ganesha.pid")
    return ["/usr/bin/ganesha.nfsd", "-F", "-f", conf, "-L", log, "-p", pid]


def nfs_url(port, path="", version=4):
    """As libnfs wants it."""
    return f"nfs://127.0.0.1/ceph{path}?version={version}&nfsport={port}&uid=0&gid=0"


def nfs_tree(verb, url, there, here):
    """The command that copies a tree by NFS: put, get."""
    return ["/usr/bin/python3", os.path.join(HERE, "nfs_tree.py"), verb, url, there, here]
