"""The picture: for each workload a panel with the latency curve of every client, by gnuplot."""

import math
import shutil
import subprocess

COLOURS = {"libcephfs": "#c44e52", "cephring": "#2f6fb5", "floor": "#8a8a8a"}
WIDTHS = {"libcephfs": 2.2, "cephring": 2.2, "floor": 1.6}
COLUMNS = 4
PANEL = (330, 250)  # pixels
HEAD = 70


def curves(logs, workload, clients):
    """Latency over 1/(1-percentile), which spreads out the tail; the last line of a log has none and is no point."""
    parts = []
    for client in clients:
        path = logs.get((workload, client))
        if path:
            dash = " dt 2" if client == "floor" else ""
            parts.append(
                f"'{path}' using 4:($1 * 1e-6) with lines lw {WIDTHS.get(client, 2)} lc rgb "
                f"'{COLOURS.get(client, '#000000')}'{dash} notitle"
            )
    return parts


def legend(clients):
    """A line of its own above the panels."""
    text = []
    for i, client in enumerate(clients):
        x = 0.5 + (i - (len(clients) - 1) / 2) * 0.12
        colour = COLOURS.get(client, "#000000")
        dash = " dt 2" if client == "floor" else ""
        text.append(f"set arrow {i + 1} from screen {x - 0.05:.3f},LEGEND to screen {x - 0.025:.3f},LEGEND "
                    f"nohead lw 3 lc rgb '{colour}'{dash}")
        text.append(f"set label {i + 1} '{client}' at screen {x - 0.02:.3f},LEGEND left font ',12'")
    return text


def script(svg, title, logs, workloads, clients, marks):
    rows = max(1, math.ceil(len(workloads) / COLUMNS))
    width, height = COLUMNS * PANEL[0], rows * PANEL[1] + HEAD
    top = 1 - HEAD / height
    lines = [
        f"set terminal svg size {width},{height} font 'sans,11' background rgb 'white'",
        f"set output '{svg}'",
        f"LEGEND = {1 - 46 / height:.4f}",
        "set multiplot",
        "unset key",
        "set logscale xy",
        "set grid xtics ytics lc rgb '#e2e2e2'",
        "set border 3 lc rgb '#666666'",
        "set xtics nomirror ('0%%' 1, '50%%' 2, '90%%' 10, '99%%' 100, '99.9%%' 1000, '99.99%%' 10000) font ',9'",
        "set ytics nomirror font ',9'",
        "set format y '%.0s %cs'",
    ]
    for i, w in enumerate(workloads):
        row, column = divmod(i, COLUMNS)
        left, right = (column + 0.17) / COLUMNS, (column + 0.96) / COLUMNS
        high = top * (1 - (row + 0.13) / rows)
        low = top * (1 - (row + 0.87) / rows)
        lines += [
            f"set lmargin at screen {left:.4f}",
            f"set rmargin at screen {right:.4f}",
            f"set tmargin at screen {high:.4f}",
            f"set bmargin at screen {low:.4f}",
            f"set title '{marks.get(w, w)}' font ',11' offset 0,-0.6 noenhanced",
        ]
        if i == 0:
            lines += legend(clients)
            lines.append(f"set label 99 '{title}' at screen 0.5,{1 - 20 / height:.4f} center font ',14' noenhanced")
        lines.append("plot [1:*] " + ", ".join(curves(logs, w, clients)))
        if i == 0:
            lines += ["unset arrow", "unset label"]
    lines.append("unset multiplot")
    return "\n".join(lines) + "\n"


def draw(svg, title, logs, workloads, clients, marks):
    """True when there is a picture now; words when there is none."""
    if not shutil.which("gnuplot"):
        return "no picture: gnuplot is missing (package gnuplot-nox)"
    shown = [w for w in workloads if any((w, c) in logs for c in clients)]
    if not shown:
        return "no picture: nothing was measured"
    text = script(svg, title, logs, shown, clients, marks)
    done = subprocess.run(["gnuplot"], input=text, text=True, capture_output=True)
    return True if done.returncode == 0 else f"no picture: gnuplot: {done.stderr.strip()}"
