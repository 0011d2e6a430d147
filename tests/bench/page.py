# SPDX-License-Identifier: MIT
"""The report as a page: tables and plots in one file, without anything from
elsewhere."""
import html

import table

BAR, GAP, WIDTH, LABEL = 18, 4, 860, 250
COLOURS = ["#0b6e4f", "#5b7db1", "#8fa6cb", "#b07aa1", "#d08c60", "#9c9c9c"]
STYLE = """\
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ddd }
h3 { margin: 1.4rem 0 .2rem; font-size: 1rem }
table { border-collapse: collapse; font-size: 13px } td, th { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #eee }
td:first-child, th:first-child { text-align: left } svg text { font: 12px system-ui, sans-serif; fill: #222 }
.small { color: #666; font-size: 13px } .failed { color: #b00020 }
"""


def text(value):
    return html.escape(str(value))


def svg(width, height, parts):
    return (f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
            f'style="max-width:100%;height:auto">{"".join(parts)}</svg>')


def colour(report, name):
    return COLOURS[min(table.names(report).index(name), len(COLOURS) - 1)]


def bars(report, result):
    """One bar for each server, as long as its figure; beside it how many times as
    good we are."""
    rows = [(name, row) for name, row in result["servers"].items() if row.get("value")]
    most = max((row["value"] for _, row in rows), default=1)
    parts, y = [], 0
    for name, row in rows:
        long = max(2, row["value"] / most * (WIDTH - LABEL - 230))
        ours = result["servers"].get(table.OURS, {}).get("value")
        words = f"{table.number(row['value'])} {result['unit']}"
        if name != table.OURS and ours:
            ratio = ours / row["value"] if result["more"] else row["value"] / ours
            words += f" (we: {ratio:.1f}×)"
        if row.get("p99_ms") is not None:
            words += f", p99 {table.number(row['p99_ms'])} ms"
        parts.append(f'<text x="{LABEL - 8}" y="{y + 13}" text-anchor="end">{text(name)}</text>'
                     f'<rect x="{LABEL}" y="{y}" width="{long:.1f}" height="{BAR}" fill="{colour(report, name)}"/>'
                     f'<text x="{LABEL + long + 6:.1f}" y="{y + 13}">{text(words)}</text>')
        y += BAR + GAP
    return svg(WIDTH, max(y, 1), parts)


def lines(rows, sizes):
    """How many times as slow as with the first size, over the sizes: both axes
    are logarithmic."""
    import math
    left, right, top, bottom, height = 60, 330, 12, 30, 300
    most = max([1.3, *(t for row in rows for t in row["times"].values())]) * 1.1
    least = min([0.8, *(t for row in rows for t in row["times"].values())])
    low, high = math.log10(least), math.log10(most)
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])

    def x(n):
        return left + (math.log10(n) - first) / (last - first) * (WIDTH - left - right)

    def y(times):
        return top + (high - math.log10(times)) / (high - low) * (height - top - bottom)

    parts = [f'<line x1="{left}" x2="{WIDTH - right}" y1="{y(t):.1f}" y2="{y(t):.1f}" stroke="{c}" stroke-dasharray="4 3"/>'
             f'<text x="{left - 6}" y="{y(t) + 4:.1f}" text-anchor="end">{t}×</text>'
             for t, c in ((1, "#aaa"), (1.3, "#b00020"), (3, "#ddd"), (10, "#ddd"), (100, "#ddd")) if least <= t <= most]
    parts += [f'<text x="{x(n):.1f}" y="{height - 8}" text-anchor="middle">{n:,}</text>' for n in sizes]
    ends = []
    for i, row in enumerate(rows):
        points = [(x(int(n)), y(t)) for n, t in row["times"].items()]
        hue = i * 360 // max(1, len(rows))
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="hsl({hue} 60% 42%)" stroke-width="2"/>')
        if points:
            ends.append((points[-1][1], hue, row))
    at = 0
    for end, hue, row in sorted(ends, key=lambda e: e[0]):
        at = max(end + 4, at + 15)  # no word on another
        parts.append(f'<text x="{WIDTH - right + 8}" y="{at:.1f}" style="fill:hsl({hue} 60% 32%)">'
                     f'{text(row["title"].split(": ", 1)[1])}: {list(row["times"].values())[-1]:.2f}×</text>')
    return svg(WIDTH, max(height, int(at) + 8), parts)


def table_of(report, group):
    them = table.columns(report, group)
    yield "<table><tr><th></th><th>unit</th>" + "".join(f"<th>{text(n)}</th>" for n in them) + "<th>ratio</th></tr>"
    for r in report["results"]:
        if r["group"] == group:
            ratio = f"{r['ratio']:.1f}×" if r["ratio"] else ""
            yield (f"<tr><td>{text(r['title'])}</td><td>{text(r['unit'])}</td>"
                   + "".join(f"<td>{text(table.cell(r['servers'].get(n)))}</td>" for n in them) + f"<td>{ratio}</td></tr>")
    yield "</table>"


def growth(report):
    found = report.get("growth")
    if not found or not found["rows"]:
        return
    yield "<h2>With more and more mail in the store</h2>"
    yield (f"<p class=small>Messages of {found['size']:,} octets; how many times as slow as with "
           f"{found['sizes'][0]:,}.  The red line is at 1.3.</p>")
    for shape in dict.fromkeys(row["shape"] for row in found["rows"]):
        rows = [row for row in found["rows"] if row["shape"] == shape]
        yield f"<h3>{text(rows[0]['title'].split(': ', 1)[0])}</h3>"
        yield lines(rows, found["sizes"])
        yield "<table><tr><th></th><th>unit</th>" + "".join(f"<th>{n:,}</th>" for n in found["sizes"]) + "</tr>"
        for row in rows:
            cells = "".join(f"<td>{table.number(row['values'].get(str(n)))}</td>" for n in found["sizes"])
            yield f"<tr><td>{text(row['title'].split(': ', 1)[1])}</td><td>{text(row['unit'])}</td>{cells}</tr>"
        yield "</table>"


def parts(report):
    m = report["machine"]
    yield f"<h1>Penny Post, measured</h1><p>{m['cpus']} CPUs ({text(m['model'])}), Linux {text(m['kernel'])}, "
    yield f"{text(m['filesystem'])}; load average before: {m['load_average_before']}.  Medians of {report['rounds']} "
    yield f"interleaved rounds; loads of {report['seconds']} s.</p><ul>"
    yield "".join(f"<li>{text(line)}</li>" for line in report["servers"] + [f"skipped: {s}" for s in report["skipped"]])
    yield "</ul>"
    for group in table.groups(report):
        yield f"<h2>{text(report['titles'].get(group, group))}</h2>"
        for r in report["results"]:
            if r["group"] == group:
                yield f"<h3>{text(r['title'])}</h3>{bars(report, r)}"
        yield from table_of(report, group)
    yield from growth(report)
    if report["limits"]:
        yield "<h2>What the machine can do</h2><table>"
        for limit in report["limits"]:
            yield f"<tr><td>{text(limit['title'])}</td><td>{table.number(limit['value'])}</td><td>{text(limit['unit'])}</td></tr>"
        yield "</table>"
    for r in report["results"]:
        for name, row in r["servers"].items():
            if row["failed"]:
                yield f"<p class=failed>Failed: {text(r['title'])}: {text(name)}: {text(row['failed'])}</p>"
    yield ("<p class=small>ratio: how many times as good we are as the best peer whose 250 is durable; in tables, ms "
           "after a rate is processor time of all of a server's processes, for each.</p>")


def page(report):
    return ('<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Penny Post, measured</title>'
            f"<style>{STYLE}</style>\n<body>\n" + "\n".join(parts(report)) + "\n</body></html>\n")
