"""From a session to the rows of the tables: one for each workload and client; and what is asked of them."""

from .stats import median, percentile, rounded

ADMIN_THREADS = ("admin_socket",)  # answer our own questions
WINDOW_MOST = 1.3  # the time between two looks may be so many times that of the workload


def make(session):
    rows = {}
    for (workload, client), s in session.series.items():
        if s.rounds:
            rows[workload, client] = s.row(workload, client) | mds_part(s) | own_part(s)
    return rows


def mds_part(s):
    """What the MDSs and the machine did meanwhile, where that was looked at. CPU is None where the workload was too
    short for the time between the two looks to be its own."""
    seen = [(r, r["mds"]) for r in s.rounds if "mds" in r and r["ops"]]
    if not seen:
        return {}
    row = {
        "mds_us_op": rounded(median([m["seconds"] * 1e6 / r["ops"] for r, m in seen])),
        "mds_requests_op": rounded(sum(m["requests"] for _, m in seen) / sum(r["ops"] for r, _ in seen)),
        "client_cores": rounded(median([r["cpu_ns"] / r["wall_ns"] for r, _ in seen])),
    }
    own = [(r, m) for r, m in seen if m["window_ns"] <= WINDOW_MOST * r["wall_ns"]]
    return row | {
        "mds_cpu_us_op": rounded(median([mds_cpu_ns(m) / 1000 / r["ops"] for r, m in own])),
        "mds_cores": rounded(median([mds_cpu_ns(m) / m["window_ns"] for _, m in own])),
        "osd_cores": rounded(median([m.get("osd_ns", 0) / m["window_ns"] for _, m in own])),
        "osd_cpu_us_op": rounded(median([m.get("osd_ns", 0) / 1000 / r["ops"] for r, m in own])),
        "machine_busy": rounded(median([m["machine_busy"] for _, m in own])),
    }


def own_part(s):
    """What only some workloads have."""
    if s.of_rounds("entries"):
        return {"bytes_entry": rounded(median([r["resident_bytes"] / r["entries"] for r in s.rounds]))}
    if s.of_rounds("bytes"):
        return data_part(s)
    taken = sorted(t for r in s.rounds for t in r.get("taken", ()))
    return {"taken_us": rounded(percentile(taken, 50) / 1000)} if taken else {}


def data_part(s):
    """Of rows that move file data. The copied bytes are those that the client counts itself."""
    return {
        "mb_s": rounded(median([r["bytes"] * 1e3 / r["wall_ns"] for r in s.rounds])),
        "cpu_s_gib": rounded(median([r["cpu_ns"] / 1e9 * (1 << 30) / r["bytes"] for r in s.rounds])),
        "copied_byte": rounded(median([r["copied"] / r["bytes"] for r in s.rounds])),
    }


def mds_cpu_ns(mds):
    return sum(ns for name, ns in mds["cpu_ns"].items() if name not in ADMIN_THREADS)


def busy(session, workload, clients):
    """Who is busy: the client's core, and the MDS's busiest threads; shares of a core by client."""
    out = {}
    for client in clients:
        rounds = session.of(workload, client).rounds
        if not rounds:
            continue
        names = {name for r in rounds for name in r["mds"]["threads"]}
        share = {
            name: rounded(median([r["mds"]["threads"].get(name, 0) / r["wall_ns"] for r in rounds])) for name in names
        }
        out[client] = {
            "client_core": rounded(median([r["cpu_ns"] / r["wall_ns"] for r in rounds])),
            "mds_threads": dict(sorted(share.items(), key=lambda kv: -kv[1])[:4]),
        }
    return out


def at_most(what, value, limit):
    return {"what": what, "value": value, "limit": limit, "at_least": False,
            "met": None if value is None else value <= limit}


def at_least(what, value, limit):
    return {"what": what, "value": value, "limit": limit, "at_least": True,
            "met": None if value is None else value >= limit}

