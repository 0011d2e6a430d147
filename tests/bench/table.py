# SPDX-License-Identifier: MIT
"""The report as text."""

OURS = "Penny Post"


def number(value):
    if value is None:
        return "-"
    for limit, digits in ((10, 2), (100, 1)):
        if abs(value) < limit:
            return f"{value:.{digits}f}"
    return f"{value:,.0f}"


def cell(row):
    if row is None:
        return ""
    if row.get("value") is None:
        return "FAILED"
    text = number(row["value"])
    if row.get("p99_ms") is not None:
        text += f"  p99 {number(row['p99_ms'])}"
    if row.get("cpu_ms") is not None:
        text += f"  {number(row['cpu_ms'])} ms"
    return text


def names(report):
    found = dict.fromkeys(name for r in report["results"] for name in r["servers"])
    return [OURS, *(n for n in found if n != OURS)]


def groups(report):
    return dict.fromkeys(r["group"] for r in report["results"])


def columns(report, group):
    """The servers that have figures in this group."""
    there = {name for r in report["results"] if r["group"] == group for name in r["servers"]}
    return [name for name in names(report) if name in there]


def print_group(report, group, title):
    them = columns(report, group)
    print(f"\n{title}")
    print(f"{'':<72}{'unit':<12}" + "".join(f"{name:>30}" for name in them) + f"{'ratio':>9}")
    for r in report["results"]:
        if r["group"] == group:
            ratio = f"{r['ratio']:.1f}x" if r["ratio"] else ""
            print(f"{r['title']:<72}{r['unit']:<12}" + "".join(f"{cell(r['servers'].get(n)):>30}" for n in them)
                  + f"{ratio:>9}")


def print_growth(report):
    growth = report.get("growth")
    if not growth or not growth["rows"]:
        return
    sizes = growth["sizes"]
    print(f"\nOurs with so many messages of {growth['size']:,} octets in the store (in brackets: times as slow as with the first)")
    print(f"{'':<72}{'unit':<12}" + "".join(f"{n:>22,}" for n in sizes))
    for row in growth["rows"]:
        cells = []
        for n in sizes:
            value, times = row["values"].get(str(n)), row["times"].get(str(n))
            cells.append(number(value) + (f" ({times:.2f})" if times and n != sizes[0] else ""))
        print(f"{row['title']:<72}{row['unit']:<12}" + "".join(f"{c:>22}" for c in cells))


def print_report(report):
    m = report["machine"]
    print(f"{m['cpus']} CPUs ({m['model']}), Linux {m['kernel']}, {m['filesystem']}; "
          f"load average before: {m['load_average_before']}")
    print(f"medians of {report['rounds']} interleaved rounds; loads of {report['seconds']} s; {report['minutes']} minutes")
    for line in report["servers"] + [f"skipped: {s}" for s in report["skipped"]]:
        print(f"  {line}")
    for group in groups(report):
        print_group(report, group, report["titles"].get(group, group))
    print_growth(report)
    print("\nratio: how many times as good we are as the best peer whose 250 is durable; ms: of processor of all of a "
          "server's processes, for each")
    if report["limits"]:
        print("\nthe machine, in the same run")
        for limit in report["limits"]:
            print(f"  {limit['title']:<66} {number(limit['value']):>10} {limit['unit']}")
    for r in report["results"]:
        for name, row in r["servers"].items():
            if row["failed"]:
                print(f"FAILED: {r['name']}: {name}: {row['failed']}")
