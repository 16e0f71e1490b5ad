#!/usr/bin/python3
"""Hard EM from the notebook's first guess on many draws of the data: how often it finds both clusters, alone and with five starts.

    ./draws.py 100
"""

import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TRUTH = ((0, 5), (5, 0))


def finds_both(data, *further):
    """Whether each true mean has a component within a unit of it, with 80 points or more; and what the fit warned of."""
    command = ["emulsion", "fit", data, "--columns", "x0,x1", "--init", HERE / "notebook_guess.json", "--assignment", "hard", "--shift-tolerance",
               "0.01", "--json", "--quiet", *further]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    near = [any(sum((a - b) ** 2 for a, b in zip(component["parameters"]["mean"], mean)) < 1 and component["weight"] > 0.4
                for component in result["components"]) for mean in TRUTH]
    return all(near), result["warnings"]


def main():
    draws = int(sys.argv[1])
    alone, with_restarts, told = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for draw in range(1, draws + 1):
            data = pathlib.Path(folder) / "notebook.csv"
            with open(data, "w") as file:
                subprocess.run([HERE / "data.py", "notebook", "--draw", str(draw)], check=True, stdout=file)
            found, warnings = finds_both(data)
            alone += found
            told += not found and bool(warnings)
            with_restarts += finds_both(data, "--restarts", "5")[0]
    print(f"from the guess alone:  both clusters in {alone} of {draws} draws; the fit warned in {told} of the other {draws - alone}")
    print(f"with --restarts 5:     both clusters in {with_restarts} of {draws} draws")


if __name__ == "__main__":
    main()
