"""Programs that are measured, each a process that does one repeat when it is told to, and their interleaved repeats."""

import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BIN = HERE.parent / "build" / "release" / "bin"
AFFORDABLE_SECONDS = 1.5  # for a repeat of slow steps
CORES = len(os.sched_getaffinity(0))


class Failed(Exception):
    """A contender could not do what it was asked for."""


def processor_has(*flags):
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    words = next((line.split() for line in lines if line.startswith("flags")), [])
    return all(flag in words for flag in flags)


class Program:
    """A process that answers requests, one JSON object a line; see contender.h."""

    # Settings of the environment that all of them get.
    settings = {}

    def __init__(self, *command, threads=1):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EMULSION")} | self.settings
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = str(threads)
        self.threads = threads
        self.name = pathlib.Path(command[-1]).name
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.name} ended with {self.process.wait()} when it was asked: {request}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(f"{self.name}: {answer['error']}")
        return answer

    def end(self):
        self.process.stdin.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Contender:
    """One thing that a program measures, in equal steps."""

    ids = itertools.count(1)

    def __init__(self, name, program, contender, **request):
        self.name = name
        self.program = program
        self.id = next(self.ids)
        self.steps = 1
        self.guess = None  # seconds of a step
        program.ask(do="prepare", id=self.id, contender=contender, threads=program.threads, **request)

    def ask(self, do, **request):
        return self.program.ask(do=do, id=self.id, **request)

    def log_likelihood(self):
        return self.ask("log_likelihood")["log_likelihood"]

    def seconds(self):
        """Of one step."""
        return self.ask("seconds", steps=self.steps)["seconds"]

    def calibrate(self, repeat_seconds):
        """Chooses how many steps a repeat has."""
        began = time.perf_counter()
        self.guess = self.seconds()  # the first one finds nothing in the caches, so it counts only if it is long
        if time.perf_counter() - began > 10 * repeat_seconds and self.guess > repeat_seconds:
            self.steps = self.fewest_steps()
            return
        self.guess = self.seconds()
        while self.guess * self.steps < repeat_seconds / 4 and self.steps < 1024:  # a difference may even be negative
            self.steps *= 4
            self.guess = self.seconds()
        self.steps = max(self.fewest_steps(), min(4096, round(repeat_seconds / max(self.guess, 1e-9))))

    def fewest_steps(self):
        """Several where there is time, as some contenders tell a difference of two times, which is as noisy as both."""
        return max(1, min(4, int(AFFORDABLE_SECONDS / max(self.guess, 1e-9))))

    def drop(self):
        self.ask("drop")


def spread(values):
    """What is kept of some repeats."""
    ordered = sorted(values)
    quartiles = statistics.quantiles(ordered, n=4, method="inclusive") if len(ordered) > 1 else [ordered[0]] * 3
    return {"median": quartiles[1], "lower_quartile": quartiles[0], "upper_quartile": quartiles[2], "repeats": len(ordered)}


def interleave(measures, budget_seconds, least=3, most=9):
    """A B C A B C ...: calls each of the measures (name -> function) in turn until the time is up.

    Returns name -> all that it returned."""
    results = {name: [] for name in measures}
    began = time.monotonic()
    for round_number in range(1, most + 1):
        for name, measure in measures.items():
            results[name].append(measure())
        if round_number >= least and (time.monotonic() - began) * (1 + 1 / round_number) > budget_seconds:
            break
    return results


def race(contenders, budget_seconds, least=3, most=9):
    """name -> spread of the seconds of a step, of calibrated contenders that take turns."""
    results = interleave({contender.name: contender.seconds for contender in contenders}, budget_seconds, least, most)
    return {name: spread(values) for name, values in results.items()}


def say(text):
    print(f"  {time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)
