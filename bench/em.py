"""Part 1: what a step of EM costs, beside others."""

import contextlib
import os

import workloads
from contenders import BIN, CORES, HERE, Contender, Failed, Program, processor_has, race, say, spread

SIZES = [(2, 4), (4, 8), (8, 8), (16, 16), (32, 16), (32, 64), (64, 64)]
SKIPPING_SHAPE = (16, 256, 32768)
DGEMM_ORDER = 1024
# What OpenBLAS may take a processor for, by what the processor must have; it does not always guess the fastest itself.
OPENBLAS_CORES = {"Haswell": ("avx2", "fma"), "Zen": ("avx2", "fma"), "SkylakeX": ("avx512f", "avx512bw", "avx512dq", "avx512vl")}
KMEANS_BATCH_POINTS = 4096

REPEAT_SECONDS = 0.08

# A peer that takes so many times as long as the fastest one is timed once; so is a build that takes so many times as long as
# the peer's other one.
FAR_SLOWER = 4
SLOWER_BUILD = 1.25

# Mean log likelihoods after one step, nats. All start alike and none has a prior, so they differ by rounding.
LOG_LIKELIHOOD_TOLERANCE = 1e-6

# With points that lack a coordinate.
INCOMPLETE_SHAPES = ((8, 8, "full"), (32, 16, "full"), (8, 8, "diagonal"), (32, 16, "diagonal"))

# The same where components that cannot matter are skipped and where they are not.
SKIPPING_TOLERANCE = 1e-12


def points_of(dimension, components):
    """So many that the caches of a core do not hold them, fewer where a step is long."""
    return max(16384, min(131072, (1 << 20) // dimension, (1 << 25) // (dimension * components)))


def useful_flops(dimension, components, covariance):
    """Of one point in one step: both halves are products with the P features of the point, 4 K P."""
    features = 1 + 2 * dimension if covariance == "diagonal" else 1 + dimension + dimension * (dimension + 1) // 2
    return 4 * components * features


class Programs:
    """All that take part, with one number of threads."""

    def __init__(self, stack, threads):
        start = lambda *command: stack.enter_context(Program(*command, threads=threads))
        self.emulsion = start(BIN / "bench_emulsion")
        self.sklearn = start("/usr/bin/python3", HERE / "sklearn_contender.py")
        self.peers = {"baseline": start(BIN / "bench_peers_baseline")}
        if processor_has("avx2", "fma") and (BIN / "bench_peers_avx2").exists():
            self.peers["avx2"] = start(BIN / "bench_peers_avx2")
        self.threads = threads


def use_the_fastest_openblas():
    """Has everybody's OpenBLAS take the processor for what makes its products fastest here, unless the user has chosen.

    Returns core -> floating point operations per second; "by itself" is what it takes without being told."""
    if "OPENBLAS_CORETYPE" in os.environ:
        return {}
    cores = {"by itself": {}} | {name: {"OPENBLAS_CORETYPE": name} for name, flags in OPENBLAS_CORES.items() if processor_has(*flags)}
    with contextlib.ExitStack() as stack:
        products = []
        for name, settings in cores.items():
            Program.settings = settings
            program = stack.enter_context(Program(BIN / "bench_peers_baseline"))
            products.append(Contender(name, program, "dgemm", order=DGEMM_ORDER))
        for product in products:
            product.calibrate(REPEAT_SECONDS)
        seconds = race(products, 2)
    fastest = min(seconds, key=lambda name: seconds[name]["median"])
    Program.settings = cores[fastest]
    say(f"OpenBLAS is fastest as {fastest}")
    return {name: 2 * DGEMM_ORDER**3 / value["median"] for name, value in seconds.items()}


def check_agreement(name, contenders):
    """That all computed the same thing; returns name -> mean log likelihood after one step."""
    found = {contender.name: contender.log_likelihood() for contender in contenders}
    reference = found["emulsion"]
    for other, value in found.items():
        if not abs(value - reference) <= LOG_LIKELIHOOD_TOLERANCE * max(1, abs(reference)):
            raise Failed(f"{name}: after one step the mean log likelihood is {reference!r} with emulsion and {value!r} with {other}")
    return found


def peer_of(contender):
    return contender.name.split("-")[0]


def calibrate(contenders):
    """Makes them ready to race. Returns those that can: a peer that is far slower than another one is timed once and does
    not run again, and neither does a build that is far slower than the peer's other one."""
    others = [contender for contender in contenders if contender.name == "emulsion"]
    peers = [contender for contender in contenders if contender.name != "emulsion"]
    for contender in contenders:
        contender.calibrate(REPEAT_SECONDS)
    fastest = min(contender.guess for contender in peers)
    best_build = lambda contender: min(other.guess for other in peers if peer_of(other) == peer_of(contender))
    return others + [
        contender for contender in peers if contender.guess <= FAR_SLOWER * fastest and contender.guess <= SLOWER_BUILD * best_build(contender)
    ]


def leave_out_differences_of_noise(workload, seconds):
    """The difference of two times may be negative where the machine is busy."""
    for name in [name for name, value in seconds.items() if value["median"] <= 0]:
        say(f"{workload.name}: the machine is too busy to time {name}; it is left out")
        del seconds[name]
    if not any(name.startswith(("sklearn", "armadillo")) for name in seconds):
        raise Failed(f"{workload.name}: the machine is too busy to time any peer")


def measure(programs, workload, folder, budget_seconds, with_plain=True, without=()):
    """One row: name -> seconds of a step, and what belongs to it."""
    data = workloads.make(workload, folder)
    alike = [
        Contender("emulsion", programs.emulsion, "em", data=data),
        Contender("sklearn", programs.sklearn, "sklearn", data=data),
    ]
    for peer in ("armadillo", "plain") if with_plain else ("armadillo",):
        for build, program in programs.peers.items():
            if f"{peer}-{build}" not in without:
                alike.append(Contender(f"{peer}-{build}", program, peer, data=data))
    others = [Contender("dgemm", programs.peers["baseline"], "dgemm", order=DGEMM_ORDER)]
    if workload.covariance == "diagonal":
        others.append(Contender("kmeans", programs.sklearn, "kmeans", data=data, batch_points=KMEANS_BATCH_POINTS))

    racing = calibrate(alike)
    for contender in others:
        contender.calibrate(REPEAT_SECONDS)
    # Both builds of a peer come from one source, so one of them tells what it computes.
    checked = {peer_of(contender): contender for contender in sorted(alike, key=lambda contender: -contender.guess)}
    likelihoods = check_agreement(workload.name, list(checked.values()))
    seconds = {contender.name: spread([contender.guess]) for contender in alike if contender not in racing}
    seconds |= race(racing + others, budget_seconds)
    leave_out_differences_of_noise(workload, seconds)
    for contender in alike + others:
        contender.drop()

    row = {key: data[key] for key in ("dimension", "components", "points", "covariance", "pairs_that_matter", "mean_highest_responsibility")}
    row |= {"kind": workload.kind, "threads": programs.threads, "seconds": seconds, "log_likelihoods": likelihoods}
    flops = useful_flops(workload.dimension, workload.components, workload.covariance) * workload.points
    row["dgemm_flops_per_second"] = 2 * DGEMM_ORDER**3 / seconds["dgemm"]["median"]
    row["fraction_of_dgemm"] = flops / seconds["emulsion"]["median"] / row["dgemm_flops_per_second"]
    row["points_per_second"] = {name: workload.points / value["median"] for name, value in seconds.items() if name != "dgemm"}
    say(
        f"{workload.kind} {workload.covariance} {workload.dimension} x {workload.components}, {programs.threads} thread(s): "
        + ", ".join(f"{name} {rate / 1e6:.3g}" for name, rate in row["points_per_second"].items())
        + " M points/s"
    )
    return row


def check_that_skipping_changes_nothing(likelihoods):
    skip, dense = likelihoods["skip"], likelihoods["dense"]
    if not abs(skip - dense) <= SKIPPING_TOLERANCE * max(1, abs(dense)):
        raise Failed(f"skipping: after one step the mean log likelihood is {skip!r}, and {dense!r} where nothing is skipped")


def skipping(folder):
    """Many clusters that are far apart: components that cannot matter skipped, beside all evaluated."""
    workload = workloads.Workload(*SKIPPING_SHAPE, "full", "apart")
    data = workloads.make(workload, folder)
    found = {key: data[key] for key in ("dimension", "components", "points", "pairs_that_matter")}
    with Program(BIN / "bench_emulsion") as program:
        skip = Contender("skip", program, "em", data=data, skip=True)
        dense = Contender("dense", program, "em", data=data, skip=False)
        skip.calibrate(REPEAT_SECONDS)
        dense.calibrate(REPEAT_SECONDS)
        found["log_likelihoods"] = {"skip": skip.log_likelihood(), "dense": dense.log_likelihood()}
        check_that_skipping_changes_nothing(found["log_likelihoods"])
        found["seconds"] = race([skip, dense], 4)
    found["ratio"] = found["seconds"]["dense"]["median"] / found["seconds"]["skip"]["median"]
    say(f"skipping: {found['ratio']:.2f} x the dense kernel")
    return found


def incomplete(folder):
    """Points of which some lack a coordinate, all in a few tiles or spread over all of them: how many complete ones each costs as much as."""
    rows = []
    for d, k, covariance in INCOMPLETE_SHAPES:
        data = workloads.make(workloads.Workload(d, k, points_of(d, k), covariance), folder)
        lacking = data["points"] // 100
        with Program(BIN / "bench_emulsion") as program:
            contenders = [
                Contender("none", program, "em", data=data),
                Contender("together", program, "em", data=data, incomplete_points=lacking),
                Contender("spread", program, "em", data=data, incomplete_points=lacking, spread=True),
            ]
            for contender in contenders:
                contender.calibrate(REPEAT_SECONDS)
            seconds = race(contenders, 4)
        row = {key: data[key] for key in ("dimension", "components", "points", "covariance")}
        row |= {"incomplete_points": lacking, "seconds": seconds}
        of_one = seconds["none"]["median"] / data["points"]
        for name in ("together", "spread"):
            row[f"complete_points_{name}"] = 1 + (seconds[name]["median"] - seconds["none"]["median"]) / lacking / of_one
        say(
            f"incomplete {covariance} {d} x {k}: each costs {row['complete_points_together']:.0f} complete points together, "
            f"{row['complete_points_spread']:.0f} spread"
        )
        rows.append(row)
    return rows


def slower_armadillo(row):
    """The build of Armadillo that is not the faster one, and both where scikit-learn is far ahead."""
    rates = {name: rate for name, rate in row["points_per_second"].items() if name.startswith("armadillo")}
    fastest = max(rates, key=rates.get)
    if FAR_SLOWER * rates[fastest] < row["points_per_second"]["sklearn"]:
        return list(rates)
    return [name for name in rates if name != fastest]


def run(folder):
    rows, without = [], {}
    openblas = use_the_fastest_openblas()
    shapes = [(covariance, d, k) for covariance in ("full", "diagonal") for d, k in SIZES]
    with contextlib.ExitStack() as stack:
        one = Programs(stack, 1)
        for covariance, d, k in shapes:
            row = measure(one, workloads.Workload(d, k, points_of(d, k), covariance), folder, 4)
            without[covariance, d, k] = slower_armadillo(row)
            rows.append(row)
        for covariance, d, k in shapes:
            workload = workloads.Workload(d, k, points_of(d, k), covariance, "overlapping")
            rows.append(measure(one, workload, folder, 1.5, with_plain=False, without=without[covariance, d, k]))
    if CORES > 1:
        with contextlib.ExitStack() as stack:
            all_cores = Programs(stack, CORES)
            for covariance, d, k in shapes:
                workload = workloads.Workload(d, k, points_of(d, k), covariance)
                rows.append(measure(all_cores, workload, folder, 1.5, with_plain=False, without=without[covariance, d, k]))
    return {"openblas": openblas, "rows": rows, "skipping": skipping(folder), "incomplete": incomplete(folder)}
