"""A cluster on paper: what was asked for, where everything lies, and its ceph.conf.

One cluster is one directory. `cluster.json` in it is the whole memory: the layout that was asked for plus what was
chosen for it (address, ports, ids, the folder of the admin sockets). Nothing here starts a process.
"""

import dataclasses
import json
import os
import random
import re
import shutil
import socket
import tempfile
import uuid

REPO = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
SUN_PATH_MAX = 107  # bytes of a unix socket's path
MIN_FREE = 2 << 30
MON_PORT = 3300
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Failure(Exception):
    """An error to be shown as one sentence."""


@dataclasses.dataclass
class Layout:
    name: str
    dir: str
    suite: str = "bookworm"
    store: str = "memstore"
    fs: str = "cephfs"
    keys: str = "default"
    mon: int = 1
    mgr: int = 1
    osd: int = 1
    mds: int = 1
    standby: int = 0
    settings: list = dataclasses.field(default_factory=list)
    addr: str = ""
    ports: list = dataclasses.field(default_factory=list)
    fsid: str = ""
    run: str = ""
    osd_ids: list = dataclasses.field(default_factory=list)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @property
    def conf(self):
        return self.path("ceph.conf")

    @property
    def keyring(self):
        return self.path("keyring")

    def daemons(self):
        """Names in starting order."""
        return (
            [f"mon.{c}" for c in LETTERS[: self.mon]]
            + [f"mgr.{c}" for c in LETTERS[: self.mgr]]
            + [f"osd.{n}" for n in range(self.osd)]
            + [f"mds.{c}" for c in LETTERS[: self.mds + self.standby]]
        )

    def save(self):
        with open(self.path("cluster.json.new"), "w") as f:
            json.dump(dataclasses.asdict(self), f, indent=1)
        os.rename(self.path("cluster.json.new"), self.path("cluster.json"))


def base_dir():
    return os.path.abspath(os.environ.get("CEPHRING_CLUSTERS") or os.path.join(REPO, "build-clusters"))


def load(where):
    try:
        with open(os.path.join(where, "cluster.json")) as f:
            return Layout(**json.load(f))
    except FileNotFoundError:
        raise Failure(f"no cluster in {where} (tools/devcluster start makes one; tools/devcluster list shows all)")
    except (ValueError, TypeError) as e:
        raise Failure(f"{where}/cluster.json is damaged ({e}): remove the directory, or restore the file")


def known():
    """Directories of the clusters under the base directory."""
    base = base_dir()
    names = sorted(os.listdir(base)) if os.path.isdir(base) else []
    return [os.path.join(base, n) for n in names if os.path.exists(os.path.join(base, n, "cluster.json"))]


def check(layout):
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", layout.name):
        raise Failure(f"name '{layout.name}': only letters, digits, '.', '_' and '-'")
    for what, least, most in (("mon", 1, 9), ("mgr", 1, 3), ("osd", 1, 64), ("mds", 0, 16), ("standby", 0, 8)):
        if not least <= getattr(layout, what) <= most:
            raise Failure(f"--{what} {getattr(layout, what)}: from {least} to {most}")
    if layout.standby and not layout.mds:
        raise Failure("--standby needs --mds")
    for s in layout.settings:
        if "=" not in s:
            raise Failure(f"--set {s}: wants key=value or section.key=value")


def check_space(where):
    os.makedirs(where, exist_ok=True)
    free = shutil.disk_usage(where).free
    if free < MIN_FREE:
        raise Failure(f"only {free >> 20} MiB free on the file system of {where}: {MIN_FREE >> 20} MiB are needed")


def prepare(layout):
    """Chooses what the asker leaves open, and makes the directory."""
    check(layout)
    check_space(layout.dir)
    layout.fsid = str(uuid.uuid4())
    layout.osd_ids = [str(uuid.uuid4()) for _ in range(layout.osd)]
    layout.ports = list(range(MON_PORT, MON_PORT + layout.mon))
    layout.addr = choose_addr(layout.ports)
    layout.run = choose_run(layout)
    for d in ["log", "pid", "crash"]:
        os.makedirs(layout.path(d), exist_ok=True)
    for d in layout.daemons():
        os.makedirs(layout.path(*d.split(".", 1)), exist_ok=True)
    layout.save()


def choose_run(layout):
    """Admin sockets lie in the cluster's directory, unless that makes their paths too long for a socket."""
    run = layout.path("run")
    if len(os.path.join(run, "client.admin.4194304.asok")) <= SUN_PATH_MAX:
        os.makedirs(run, exist_ok=True)
        return run
    return tempfile.mkdtemp(prefix="cephring-run-")


def choose_addr(ports):
    """An address of loopback that is this cluster's alone: where a killed daemon listened no other cluster's may take
    its place, or clients that look for it would meet a stranger."""
    taken = {load(d).addr for d in known()}
    for _ in range(1000):
        addr = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}.1"
        if addr not in taken and all(port_is_free(addr, p) for p in ports):
            return addr
    raise Failure(f"TCP ports {ports[0]} to {ports[-1]} are taken on every address of loopback that was tried")


def port_is_free(addr, port):
    with socket.socket() as s:
        try:
            s.bind((addr, port))
        except OSError:
            return False
    return True


def mon_host(layout):
    return ",".join(f"[v2:{layout.addr}:{p}/0]" for p in layout.ports)


# What makes a one-node cluster quiet, quick and confined to loopback. Timeouts that clients see stay as in the field.
GLOBAL = """
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
ms_bind_msgr1 = false
ms_bind_ipv6 = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_max_pg_per_osd = 2000
mon_warn_on_pool_no_redundancy = false
mon_warn_on_pool_no_app = false
mon_warn_on_insecure_global_id_reclaim = false
mon_warn_on_insecure_global_id_reclaim_allowed = false
mon_warn_on_slow_ping_ratio = 0
mon_pg_warn_min_per_osd = 0
log_to_stderr = false
err_to_stderr = true
log_to_syslog = false
"""
MON = """
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
mon_election_timeout = 1
mon_data_avail_crit = 1
mon_data_avail_warn = 2
mon_clock_drift_allowed = 1
mgr_initial_modules =
"""
MGR = """
mgr_stats_period = 1
mgr_tick_period = 1
mgr_disabled_modules = alerts,influx,insights,iostat,localpool,mirroring,nfs,osd_perf_query,osd_support,prometheus,restful,selftest,snap_schedule,stats,telegraf,test_orchestrator,zabbix
"""
OSD = """
osd_heartbeat_use_min_delay_socket = false
osd_mclock_skip_benchmark = true
osd_memory_target = 939524096
bluestore_block_size = 8589934592
memstore_device_bytes = 4294967296
"""


def write_conf(layout):
    sections = {"global": "", "mon": "", "mgr": "", "osd": "", "mds": "", "client": ""}
    sections["global"] = f"fsid = {layout.fsid}\nmon_host = {mon_host(layout)}\npublic_addr = {layout.addr}\ncluster_addr = {layout.addr}" + GLOBAL
    # a clean end is what writes a memstore to disk, and the fast one skips it
    fast = "false" if layout.store == "memstore" else "true"
    sections["mon"] = MON
    sections["mgr"] = MGR
    sections["osd"] = OSD + f"osd_objectstore = {layout.store}\nosd_fast_shutdown = {fast}\n"
    for kind in ("mon", "mgr", "osd", "mds"):
        sections[kind] += (
            f"{kind}_data = {layout.path(kind)}/$id\n"
            f"admin_socket = {layout.run}/$name.asok\n"
            f"log_file = {layout.path('log')}/$name.log\n"
            f"crash_dir = {layout.path('crash')}\n"
        )
    sections["mon"] += f"mon_cluster_log_file = {layout.path('log')}/cluster.log\n"
    sections["client"] = f"keyring = {layout.keyring}\nlog_file = /dev/null\n"
    sections["client.second"] = f"keyring = {layout.path('second.keyring')}\n"
    with open(layout.conf, "w") as f:
        f.write(f"# cluster '{layout.name}': made by tools/devcluster\n")
        for name, body in _with_settings(sections, layout.settings).items():
            f.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in body.items()) + "\n")


def _with_settings(sections, settings):
    """{section: {key: value}}, in which what was asked for takes the place of what we chose."""
    parsed = {}
    for name, body in sections.items():
        pairs = (line.split("=", 1) for line in body.strip().splitlines())
        parsed[name] = {key.strip(): value.strip() for key, value in pairs}
    for s in settings:
        key, value = s.split("=", 1)
        section, _, key = key.strip().rpartition(".")
        parsed.setdefault(section or "global", {})[key.replace(" ", "_")] = value.strip()
    return parsed
