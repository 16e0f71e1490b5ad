"""Results as tables, ratios first. Each function returns rows of text, the first one the head; `as_text` and `as_markdown`
lay them out. And what is better said in a sentence."""

import math
import statistics
import unicodedata

import goals


def as_text(table):
    widths = [max(display_width(row[i]) for row in table) for i in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [pad(cell, width, left=i == 0) for i, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown(table):
    head, *rows = table
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def display_width(text):
    return sum(not unicodedata.combining(c) for c in text)


def pad(text, width, left):
    space = " " * (width - display_width(text))
    return text + space if left else space + text


def millions(rate):
    if rate <= 0:  # the difference of two fits that noise has turned round
        return "lost in noise"
    return f"{rate / 1e6:.3g}" if rate < 1e9 else f"{rate / 1e6:.0f}"


def times(ratio):
    return f"{ratio:.2g} ×" if ratio < 10 else f"{ratio:.0f} ×"


def milliseconds(value):
    return f"{value['median'] * 1e3:.3g}"


def spread_of(value):
    """The quartiles about the median, in per cent of it."""
    if value["repeats"] == 1:
        return "one repeat"
    return f"−{100 * (1 - value['lower_quartile'] / value['median']):.0f} +{100 * (value['upper_quartile'] / value['median'] - 1):.0f} %"


def goal_table(results):
    said = {True: "yes", False: "**missed**", None: "not measured"}
    return [["goal", "wanted", "found", "reached"]] + [
        [goal["what"], goal["wanted"], goal["text"], said[goal["reached"]]] for goal in goals.goals_of(results)
    ]


def best(row, peer):
    if not any(name.split("-")[0] == peer for name in row["points_per_second"]):
        return "–"
    name, rate = goals.best_rate(row, peer)
    build = name.partition("-")[2]
    return millions(rate) + (f" ({build})" if build else "")


def em_table(results, kind, covariance, threads):
    """Points per second of everybody, in millions; with more than one thread beside what one thread makes."""
    rows = goals.em_rows(results, kind, threads, covariance)
    if not rows:
        return None
    alone = {goals.shape(row): row["points_per_second"]["emulsion"] for row in goals.em_rows(results, kind, 1, covariance)}
    plain = any(name.startswith("plain") for name in rows[0]["points_per_second"])
    kmeans = "kmeans" in rows[0]["points_per_second"]
    head = ["d × K", "over the faster peer", "of dgemm"] + (["over one thread"] if threads > 1 else [])
    head += ["Emulsion", "scikit-learn", "Armadillo"]
    head += ["own loop"] if plain else []
    head += ["over k-means", "MiniBatchKMeans"] if kmeans else []
    table = [head + ["spread of Emulsion"]]
    for row in rows:
        line = [goals.shape(row), times(goals.over(row, "sklearn", "armadillo")), f"{row['fraction_of_dgemm']:.2f}"]
        line += [f"{row['points_per_second']['emulsion'] / alone[goals.shape(row)]:.2f} ×"] if threads > 1 else []
        line += [millions(row["points_per_second"]["emulsion"]), best(row, "sklearn"), best(row, "armadillo")]
        line += [best(row, "plain")] if plain else []
        line += [times(goals.over(row, "kmeans")), best(row, "kmeans")] if kmeans else []
        table.append(line + [spread_of(row["seconds"]["emulsion"])])
    return table


def overlap_table(results):
    """How much the clusters of the data overlap."""
    table = [["d × K", "points", "touching: pairs > 1e-12", "highest", "overlapping: pairs > 1e-12", "highest"]]
    touching, overlapping = goals.em_rows(results, "touching", 1, "full"), goals.em_rows(results, "overlapping", 1, "full")
    for one, other in zip(touching, overlapping):
        cells = [goals.shape(one), f"{one['points']:,}"]
        for row in (one, other):
            cells += [f"{100 * row['pairs_that_matter']:.0f} %", f"{row['mean_highest_responsibility']:.2f}"]
        table.append(cells)
    return table


def skipping_table(results):
    found = results["em"]["skipping"]
    shape = f"{goals.shape(found)}, {100 * found['pairs_that_matter']:.1f} % of pairs above 1e-12"
    if found["ratio"] is None:
        return [["d × K", "skipping over dense"], [shape, "not available"]]
    rates = {name: millions(found["points"] / value["median"]) for name, value in found["seconds"].items()}
    return [["d × K", "skipping over dense", "skipping", "dense"], [shape, times(found["ratio"]), rates["skip"], rates["dense"]]]


def incomplete_table(results):
    table = [["d × K", "covariance", "together: each costs", "spread: each costs", "all complete", "1 % together", "1 % spread"]]
    for row in results["em"]["incomplete"]:
        rates = [millions(row["points"] / row["seconds"][name]["median"]) for name in ("none", "together", "spread")]
        costs = [f"{row[f'complete_points_{name}']:.0f} complete points" for name in ("together", "spread")]
        table.append([goals.shape(row), row["covariance"], *costs, *rates])
    return table


def daemon_table(results):
    table = [["rows a message", "of the lower", "of raw ZeroMQ", "of the kernel", "daemon", "raw ZeroMQ", "kernel alone", "messages/s", "spread of the daemon"]]
    for row in results["daemon"]["rows"]:
        rates = row["points_per_second"]
        table.append(
            [f"{row['rows']:,}", f"{rates['daemon'] / min(rates['echo'], rates['kernel']):.2f}"]
            + [f"{rates['daemon'] / rates[name]:.2f}" for name in ("echo", "kernel")]
            + [millions(rates[name]) for name in ("daemon", "echo", "kernel")]
            + [f"{rates['daemon'] / row['rows']:,.0f}", spread_of(row["seconds_per_point"]["daemon"])]
        )
    return table


def latency_table(results):
    table = [["messages/s", "", "p50", "p99", "p99.9", "spread of p50"]]
    for row in results["latency"]["rates"]:
        for name, label in (("daemon", "daemon"), ("echo", "raw echo")):
            values = [f"{row[name][quantile]['median'] * 1e6:,.0f} µs" for quantile in ("p50", "p99", "p99_9")]
            table.append([f"{row['messages_per_second']:,}", label, *values, spread_of(row[name]["p50"])])
        beyond = [f"{(row['daemon'][quantile]['median'] - row['echo'][quantile]['median']) * 1e6:+,.0f} µs" for quantile in ("p50", "p99", "p99_9")]
        table.append([f"{row['messages_per_second']:,}", "difference", *beyond, ""])
    return table


def threads_series(results):
    """The mini-batches that two threads should take half as long for: [(of what, row, exponent of the time)]."""
    return [
        (f"threads, d = {row['dimension']}, K = {row['components']}, full, mini-batches of {row['batch_points']:,}", row, -math.log2(row["ratio"]))
        for row in results["growth"]["threads"]
        if row["batch_points"] >= 4096
    ]


def growth_table(results):
    table = [["what grows", "from, to", "expected exponent", "found", "found in the larger half"]]
    growth = results["growth"]
    for series in (growth[name] for name in ("points", "components", "dimensions_full", "dimensions_diagonal")):
        ends = f"{series['values'][0]:,} … {series['values'][-1]:,}"
        table.append([series["of"], ends, f"{series['expected']}", f"{series['exponent']:.2f}", f"{series['exponent_of_larger_half']:.2f}"])
    streams = growth["streams"]
    ends = f"{streams['rows'][0]['streams']:,} … {streams['rows'][-1]['streams']:,}"
    table.append(["streams, time a point", ends, "0", f"{streams['exponent']:.2f}", ""])
    for of, _, exponent in threads_series(results):
        table.append([of, "1 … 2", "-1", f"{exponent:.2f}", ""])
    return table


def threads_table(results):
    table = [["d × K", "points of a mini-batch", "two threads over one", "one thread", "two threads"]]
    for row in results["growth"]["threads"]:
        rates = [millions(row["points"] / row["seconds"][name]["median"]) for name in ("1", "2")]
        table.append([goals.shape(row), f"{row['batch_points']:,}", f"{row['ratio']:.2f} ×", *rates])
    return table


def streams_table(results):
    table = [["streams", "over 1 stream", "M points/s", "resident", "of each beyond the first"]]
    rows = results["growth"]["streams"]["rows"]
    one = rows[0]
    for row in rows:
        seconds = row["seconds_per_point"]["median"]
        # Of fewer the queues' own memory, which comes and goes, would be the larger part.
        each = (row["bytes"] - one["bytes"]) / (row["streams"] - 1) if row["streams"] >= 1000 else None
        table.append(
            [f"{row['streams']:,}", f"{one['seconds_per_point']['median'] / seconds:.2f} ×", millions(1 / seconds)]
            + [f"{row['bytes'] / 1048576:.1f} MiB", "" if each is None else f"{each / 1024:.1f} KiB"]
        )
    return table


def start_table(results):
    table = [["models", "start to ready", "save over the disk alone", "save", "disk alone", "size"]]
    table.append(["none", f"{milliseconds(results['start']['start_seconds'])} ms", "", "", "", ""])
    for row in results["start"]["rows"]:
        save, disk = row["save_seconds"], row["disk_seconds"]
        table.append(
            [f"{row['streams']:,} of d = {row['dimension']}, K = {row['components']}", f"{milliseconds(row['start_seconds'])} ms"]
            + [f"{save['median'] / disk['median']:.2f} ×", f"{milliseconds(save)} ms", f"{milliseconds(disk)} ms", f"{row['bytes'] / 1024:,.1f} KiB"]
        )
    return table


def machine_table(results):
    machine = results["machine"]
    return [["", ""]] + [[name.replace("_", " "), str(value)] for name, value in machine.items()]


def blocks_of(results):
    """name -> table, of the measured parts."""
    blocks = {"machine": machine_table(results), "goals": goal_table(results)}
    if "em" in results:
        for threads in sorted({row["threads"] for row in results["em"]["rows"]}):
            for kind in ("touching", "overlapping"):
                for covariance in ("full", "diagonal"):
                    table = em_table(results, kind, covariance, threads)
                    if table is not None:
                        blocks[f"em {kind} {covariance}" + ("" if threads == 1 else " all cores")] = table
        blocks["overlap"] = overlap_table(results)
        blocks["skipping"] = skipping_table(results)
        if "incomplete" in results["em"]:  # which older runs have not measured
            blocks["incomplete"] = incomplete_table(results)
    if "daemon" in results:
        blocks["daemon"] = daemon_table(results)
    if "latency" in results:
        blocks["latency"] = latency_table(results)
    if "growth" in results:
        blocks |= {"growth": growth_table(results), "threads": threads_table(results), "streams": streams_table(results)}
    if "start" in results:
        blocks["start"] = start_table(results)
    return blocks


def missed_sentence(results):
    reached = [goal["reached"] for goal in goals.goals_of(results)]
    unknown = f", and {reached.count(None)} could not be measured" if None in reached else ""
    return f"Of these {len(reached)} goals {reached.count(False)} are missed{unknown}."


def ceiling_sentence(results):
    """How fast the product of two matrices was, beside which the fractions stand."""
    parts = []
    for threads in sorted({row["threads"] for row in results["em"]["rows"]}):
        rates = [row["dgemm_flops_per_second"] / 1e9 for row in results["em"]["rows"] if row["threads"] == threads]
        name = "one thread" if threads == 1 else f"{threads} threads"
        parts.append(f"{statistics.median(rates):.0f} with {name} ({min(rates):.0f} to {max(rates):.0f})")
    said = f"In this run the product makes {' and '.join(parts)}, in GFLOP/s."
    core_types = sorted(results["em"]["openblas"].items(), key=lambda pair: -pair[1])
    if not core_types:
        return f"{said} OpenBLAS was told its core type by who started the run."
    (fastest, rate), *others = core_types
    what = "was left alone, as it was fastest so" if fastest == "by itself" else f"was told {fastest}, as it was fastest so"
    beside = ", ".join(f"{other / 1e9:.0f} {name if name == 'by itself' else f'as {name}'}" for name, other in others)
    return f"{said} OpenBLAS {what}: {rate / 1e9:.0f} GFLOP/s" + (f"; {beside}." if beside else ".")


def peers_sentence(results):
    """How far a step of EM is ahead, from the least to the most."""
    least_to_most = {}
    for covariance in ("full", "diagonal"):
        found = [goals.over(row, "sklearn", "armadillo") for row in goals.em_rows(results, covariance=covariance)]
        least_to_most[covariance] = f"{min(found):.2g} to {max(found):.2g} times"
    return (
        f"A step of EM is {least_to_most['full']} as fast as the faster of scikit-learn and Armadillo with full covariances,\n"
        f"and {least_to_most['diagonal']} with diagonal ones: in 2 to 64 dimensions, with one thread, where clusters touch."
    )


def sentences_of(results):
    """name -> sentence, of the measured parts."""
    sentences = {"missed": missed_sentence(results)} if goals.goals_of(results) else {}
    if "em" in results:
        sentences |= {"ceiling": ceiling_sentence(results), "peers": peers_sentence(results)}
    return sentences
