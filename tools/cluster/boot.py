"""From an empty directory to HEALTH_OK.

All keys are made before the first monitor starts and go into its store with `ceph-mon --mkfs`, and OSDs make their
stores without a monitor: so every slow step runs beside the others, and no key has to be asked for.
"""

import os
import shlex
import subprocess
import time

from . import layout as lay
from . import procs
from .agent import Agent
from .layout import LETTERS, Failure

CAPS = {
    "client.admin": ["mon", "allow *", "mgr", "allow *", "osd", "allow *", "mds", "allow *"],
    "mgr": ["mon", "allow profile mgr", "osd", "allow *", "mds", "allow *"],
    "osd": ["mon", "allow profile osd", "mgr", "allow profile osd", "osd", "allow *"],
    "mds": ["mon", "allow profile mds", "mgr", "allow profile mds", "osd", "allow rw tag cephfs *=*", "mds", "allow"],
}
OLD_CLIENT = "client.second"  # for a client of this machine's own Ceph, which knows no aes256k
POLL_S = 0.1

# Types of keys. With `mixed` the old client's key and all tickets are of type 1, the other keys of the suite's default
# type; with `aes` all are of type 1. A Ceph that has one type only has no options for them.
OLD_KEYS = {
    "default": "",
    "mixed": "--auth-service-cipher aes --auth-allowed-ciphers aes,aes256k --auth-preferred-cipher aes256k",
    "aes": "--auth-service-cipher aes --auth-allowed-ciphers aes,aes256k --auth-preferred-cipher aes",
}


def create(layout, suite, say, timeout):
    """Makes the stores and starts everything, up to HEALTH_OK."""
    lay.write_conf(layout)
    say("keys and stores")
    _make_stores(layout, suite)
    first = [d for d in layout.daemons() if not d.startswith("osd.")]
    for d in first:
        procs.start(layout, suite, d)
    say("monitors")
    with Agent(layout, suite, timeout) as agent:
        _connect(layout, agent)
        for n, ident in enumerate(layout.osd_ids):
            agent.call("osd new", uuid=ident, id=n)
            procs.start(layout, suite, f"osd.{n}")
        # would make a pool of its own some seconds later
        agent.call("config set", who="mgr", name="mgr/devicehealth/enable_monitoring", value="false", force=True)
        _make_fs(layout, agent)
        wait_healthy(layout, agent, say, timeout)


def resume(layout, suite, say, timeout):
    """Starts what is not running of a cluster that exists."""
    for d in layout.daemons():
        if not procs.pid(layout, d):
            procs.start(layout, suite, d)
    say("monitors")
    with Agent(layout, suite, timeout) as agent:
        _connect(layout, agent)
        wait_healthy(layout, agent, say, timeout)


def _entities(layout):
    """(entity, keyring file, caps) of every key but the monitors'."""
    user = ["mds", "allow rw", "mon", "allow r", "osd", f"allow rw tag cephfs data={layout.fs}"]
    yield "client.admin", layout.path("admin.keyring"), CAPS["client.admin"]
    yield "client.user", layout.path("user.keyring"), user
    yield OLD_CLIENT, layout.path("second.keyring"), CAPS["client.admin"]
    for d in layout.daemons():
        kind, ident = d.split(".", 1)
        if kind != "mon":
            yield d, layout.path(kind, ident, "keyring"), CAPS[kind]


def _make_stores(layout, suite):
    q = shlex.quote
    mon_ring = layout.path("mon.keyring")
    lines = [
        "set -e",
        "umask 077",
        "old= maps=",
        "if monmaptool --help 2>&1 | grep -q -e --auth-service-cipher; then",
        f"old='--key-type aes' maps='{OLD_KEYS[layout.keys]}'",
        "fi",
        f"ceph-authtool -C {q(mon_ring)} -g {_key_type(layout, 'mon.')} -n mon. --cap mon 'allow *' >&2 &",
    ]
    rings = [mon_ring]
    for entity, ring, caps in _entities(layout):
        given = " ".join(f"--cap {kind} {q(cap)}" for kind, cap in zip(caps[::2], caps[1::2]))
        lines.append(f"ceph-authtool -C {q(ring)} -g {_key_type(layout, entity)} -n {entity} {given} >&2 &")
        rings.append(ring)
    lines.append("wait")
    lines.append(f"cat {' '.join(map(q, rings))} > {q(layout.path('all.keyring'))}")
    lines.append(f"cat {' '.join(map(q, rings[1:4]))} > {q(layout.keyring)}")
    adds = " ".join(f"--addv {c} '[v2:{layout.addr}:{p}/0]'" for c, p in zip(LETTERS, layout.ports))
    monmap = layout.path("monmap")
    lines.append(f"monmaptool --create --clobber --fsid {layout.fsid} {adds} $maps {q(monmap)} >&2")
    conf = f"-c {q(layout.conf)}"
    for c in LETTERS[: layout.mon]:
        lines.append(f"ceph-mon --mkfs {conf} -i {c} --monmap {q(monmap)} --keyring {q(layout.path('all.keyring'))} &")
        lines.append('pids="$pids $!"')
    for n, ident in enumerate(layout.osd_ids):
        lines.append(f"ceph-osd --mkfs {conf} -i {n} --no-mon-config --osd-uuid {ident} --monmap {q(monmap)} &")
        lines.append('pids="$pids $!"')
    lines.append("for p in $pids; do wait $p; done")
    done = subprocess.run(
        suite.argv(layout, ["sh", "-c", "\n".join(lines)]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd="/",
    )
    with open(layout.path("log", "mkfs.out"), "w") as f:
        f.write(done.stdout)
    if done.returncode:
        raise Failure(f"making the stores failed:\n{_indent(done.stdout)}")
    os.unlink(layout.path("all.keyring"))


def _key_type(layout, entity):
    """The shell's $old where the key has to be of type 1."""
    return "$old" if layout.keys == "aes" or (layout.keys == "mixed" and entity == OLD_CLIENT) else ""


def _make_fs(layout, agent):
    if not layout.mds:
        return
    meta, data = f"{layout.fs}.meta", f"{layout.fs}.data"
    for pool in (meta, data):
        agent.call("osd pool create", pool=pool, pg_num=8, pgp_num=8)
    agent.call("fs new", fs_name=layout.fs, metadata=meta, data=data)
    if layout.mds > 1:
        agent.call("fs set", fs_name=layout.fs, var="max_mds", val=str(layout.mds))
    agent.call("fs set", fs_name=layout.fs, var="standby_count_wanted", val=str(layout.standby))


def _connect(layout, agent):
    try:
        agent.connect()
    except Failure as e:
        dead = _dead(layout)
        raise Failure(dead if dead else str(e))


def wait_healthy(layout, agent, say, timeout):
    end = time.monotonic() + timeout
    said = None
    while True:
        procs.reap()
        dead = _dead(layout)
        if dead:
            raise Failure(dead)
        status = agent.call("status")
        _mute(layout, agent, status["health"])
        lacks = _lacks(layout, status)
        if not lacks:
            return
        if lacks != said:
            say(lacks)
            said = lacks
        if time.monotonic() > end:
            detail = agent.call("health", detail="detail")
            raise Failure(f"not healthy after {timeout:.0f} s: {lacks}\n{_indent(str(detail))}")
        time.sleep(POLL_S)


def _mute(layout, agent, health):
    """Silences what no client can notice: keys of type 1 where the layout asks for them, and modules of the manager
    that the suite's Python cannot load (18.2.7 of trixie loads none: PyO3 there knows no subinterpreters)."""
    for code, check in health.get("checks", {}).items():
        unimportant = code == "MGR_MODULE_DEPENDENCY"
        wanted = code.startswith("AUTH_INSECURE_") and layout.keys != "default"
        if (unimportant or wanted) and not check.get("muted"):
            agent.call("health mute", code=code, sticky=True)


def _lacks(layout, status):
    """What is missing to a whole cluster, in words; empty when nothing is."""
    mons = len(status.get("quorum_names", []))
    if mons < layout.mon:
        return f"{mons} of {layout.mon} monitors in quorum"
    osdmap = status["osdmap"]
    up = osdmap.get("osdmap", osdmap)["num_up_osds"]
    if up < layout.osd:
        return f"{up} of {layout.osd} OSDs up"
    if not status["mgrmap"]["available"]:
        return "manager not active yet"
    fsmap = status["fsmap"]
    active = sum(1 for m in fsmap.get("by_rank", []) if m["status"] == "up:active")
    if active < layout.mds:
        return f"{active} of {layout.mds} MDS ranks active"
    if fsmap.get("up:standby", 0) < layout.standby:
        return f"{fsmap.get('up:standby', 0)} of {layout.standby} MDS on standby"
    states = {s["state_name"]: s["count"] for s in status["pgmap"].get("pgs_by_state", [])}
    if set(states) != {"active+clean"} and layout.mds:
        return "placement groups: " + (", ".join(f"{n} {s}" for s, n in states.items()) or "not counted yet")
    health = status["health"]
    if health["status"] != "HEALTH_OK":
        words = [c["summary"]["message"] for c in health.get("checks", {}).values()]
        return f"{health['status']}: {'; '.join(words)}"
    return ""


def _dead(layout):
    """Words about a daemon that ended by itself, with the end of its output; None when all run."""
    for d in layout.daemons():
        if os.path.exists(layout.path("pid", d)) and not procs.pid(layout, d):
            return f"{d} ended by itself ({layout.path('log', d + '.log')}); it said:\n{_indent(_tail(layout, d))}"
    return None


def _tail(layout, daemon):
    words = ""
    for name in (f"{daemon}.out", f"{daemon}.log"):
        try:
            with open(layout.path("log", name), errors="replace") as f:
                words = "".join(f.readlines()[-8:])
        except FileNotFoundError:
            continue
        if words.strip():
            return words
    return "(nothing)"


def _indent(text):
    return "\n".join("    " + line for line in text.strip().splitlines()[-20:])
