"""Where a cluster's programs come from: this machine's packages, or a root directory with another Debian suite.

Such a root is made once by debootstrap and kept. Programs run in it through chroot within a mount name space of their
own, in which the cluster's directory is bound at the same path: nothing stays mounted when they end.
"""

import fcntl
import os
import re
import shlex
import shutil
import subprocess

from .layout import REPO, Failure, check_space

PACKAGES = ["ceph-mon", "ceph-mgr", "ceph-osd", "ceph-mds", "ceph-common", "python3-rados"]
PROGRAMS = {
    "ceph-mon": "ceph-mon",
    "ceph-mgr": "ceph-mgr",
    "ceph-osd": "ceph-osd",
    "ceph-mds": "ceph-mds",
    "ceph": "ceph-common",
    "ceph-authtool": "ceph-common",
    "monmaptool": "ceph-base",
}
HOST = "bookworm"
SUITES = [HOST, "trixie", "sid"]
FALLBACK_MIRROR = "http://deb.debian.org/debian"


class HostSuite:
    name = HOST

    def check(self):
        missing = sorted({pkg for prog, pkg in PROGRAMS.items() if not shutil.which(prog)})
        if missing:
            raise Failure(f"missing Debian packages: {' '.join(missing)} (./dev setup installs them)")

    def argv(self, layout, argv):
        return argv


class RootSuite:
    def __init__(self, name):
        self.name = name
        self.root = os.path.join(roots_dir(), name)

    def check(self):
        if os.geteuid() != 0:
            raise Failure(f"--suite {self.name} runs the daemons in a root of its own: that needs root")
        make_root(self.name, self.root)

    def argv(self, layout, argv):
        binds = [layout.dir] + ([layout.run] if not layout.run.startswith(layout.dir + "/") else [])
        script = "".join(
            f"mkdir -p {shlex.quote(self.root + d)} && mount --bind {shlex.quote(d)} {shlex.quote(self.root + d)} && "
            for d in binds
        )
        return enter(self.root, script, argv)


def find(name):
    if name not in SUITES:
        raise Failure(f"--suite {name}: one of {', '.join(SUITES)}")
    return HostSuite() if name == HOST else RootSuite(name)


def roots_dir():
    return os.path.abspath(os.environ.get("CEPHRING_ROOTS") or os.path.join(REPO, "build-roots"))


def enter(root, mounts, argv):
    """A command line that becomes `argv` inside `root`: every step is an exec, so the pid stays the same."""
    r = shlex.quote(root)
    script = (
        f"mount -t proc proc {r}/proc && mount --rbind /dev {r}/dev && mount --rbind /sys {r}/sys && {mounts}"
        f'exec chroot {r} "$@"'
    )
    env = ["env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root"]
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"] + env + argv


def make_root(suite, root):
    """Makes the root directory if it is not there yet. Appears under its name only when complete."""
    if os.path.exists(root):
        return
    if not shutil.which("debootstrap"):
        raise Failure("missing Debian package: debootstrap (./dev setup installs it)")
    os.makedirs(roots_dir(), exist_ok=True)
    with open(root + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody else may be making it right now
        if os.path.exists(root):
            return
        check_space(roots_dir())
        print(f"making a root with Debian {suite} and its Ceph in {root} (once; some minutes)", flush=True)
        part = root + ".part"
        log = root + ".log"
        subprocess.run(["rm", "-rf", "--one-file-system", part], check=True)
        with open(log, "w") as out:
            _bootstrap(suite, part, out)
        os.rename(part, root)


def _bootstrap(suite, part, out):
    mirror = host_mirror()
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
    env.update({k: v for k, v in _apt_proxies().items() if k not in env})
    _run(
        ["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, part, mirror],
        env,
        out,
        f"debootstrap of Debian {suite} from {mirror} failed",
    )
    _configure(suite, part, mirror)
    apt = ["apt-get", "-y", "-q", "--no-install-recommends"]
    _run(enter(part, "", apt + ["update"]), env, out, f"apt-get update for Debian {suite} failed")
    _run(
        enter(part, "", apt + ["install"] + PACKAGES),
        env,
        out,
        f"Debian {suite} has no installable Ceph today (its packages may be in transition: try another day, or --suite "
        + ("trixie" if suite == "sid" else "sid")
        + ")",
    )
    _run(enter(part, "", ["apt-get", "clean"]), env, out, "apt-get clean failed")


def _configure(suite, root, mirror):
    files = {
        "etc/apt/sources.list": f"deb {mirror} {suite} main\n",
        "etc/apt/apt.conf.d/90host": "\n".join(_apt_transport(root)) + "\n",
        "etc/dpkg/dpkg.cfg.d/90small": "force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n"
        "path-exclude=/usr/share/locale/*\n",
        # no package's script may start a service
        "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    }
    for name, text in files.items():
        with open(os.path.join(root, name), "w") as f:
            f.write(text)
    os.chmod(os.path.join(root, "usr/sbin/policy-rc.d"), 0o755)
    for name in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"):
        if os.path.exists(name):
            os.makedirs(os.path.dirname(root + name), exist_ok=True)
            shutil.copy(name, root + name)


def _run(argv, env, out, failure):
    if subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode == 0:
        return
    out.flush()
    with open(out.name, errors="replace") as f:
        tail = "".join(f.readlines()[-12:])
    raise Failure(f"{failure}\n  log: {out.name}, its end:\n{re.sub('^', '    ', tail, flags=re.M).rstrip()}")


def host_mirror():
    """The mirror that this machine's own sources name for the main archive."""
    codename = HOST
    for line in _lines("/etc/os-release"):
        if line.startswith("VERSION_CODENAME="):
            codename = line.split("=", 1)[1].strip().strip('"')
    for uri, suite in _host_sources():
        if suite == codename and uri.startswith(("http://", "https://", "file:")):
            return uri.rstrip("/")
    return FALLBACK_MIRROR


def _host_sources():
    """(URI, suite) of every enabled binary source with a component main."""
    parts = "/etc/apt/sources.list.d"
    names = ["/etc/apt/sources.list"] + [os.path.join(parts, n) for n in sorted(_listdir(parts))]
    for name in names:
        if name.endswith(".sources"):
            yield from _deb822(name)
        elif name.endswith(".list"):
            for line in _lines(name):
                m = re.match(r"\s*deb\s+(?:\[[^]]*\]\s*)?(\S+)\s+(\S+)\s+(.*)", line)
                if m and "main" in m[3].split():
                    yield m[1], m[2]


def _deb822(name):
    text = "".join(line for line in _lines(name) if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        fields = dict(re.findall(r"(?m)^([A-Za-z-]+):[ \t]*(.*)$", unfolded))
        if "deb" not in fields.get("Types", "").split() or "main" not in fields.get("Components", "").split():
            continue
        if fields.get("Enabled", "yes").strip().lower() in ("no", "false"):
            continue
        for uri in fields.get("URIs", "").split():
            for suite in fields.get("Suites", "").split():
                yield uri, suite


def _apt_dump():
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True)
    return re.findall(r'(?m)^(\S+) "(.*)";$', done.stdout)


def _apt_proxies():
    """apt's proxies as the variables that debootstrap's wget knows."""
    names = {"acquire::http::proxy": "http_proxy", "acquire::https::proxy": "https_proxy"}
    return {names[k.lower()]: v for k, v in _apt_dump() if k.lower() in names and v and v != "DIRECT"}


def _apt_transport(root):
    """This machine's proxy, certificate and date settings for the root's apt; named files are copied along."""
    for key, value in _apt_dump():
        if not re.match(r"(?i)acquire::(https?::|check-)", key) or not value:
            continue
        if value.startswith("/") and os.path.isfile(value):
            os.makedirs(os.path.dirname(root + value), exist_ok=True)
            shutil.copy(value, root + value)
        yield f'{key} "{value}";'


def _lines(name):
    try:
        with open(name) as f:
            return f.readlines()
    except OSError:
        return []


def _listdir(name):
    try:
        return os.listdir(name)
    except OSError:
        return []
