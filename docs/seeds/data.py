#!/usr/bin/python3
"""Data as the three seeds made theirs, as CSV with the true component in the column `label`.

    ./data.py notebook --draw 1 > notebook.csv        another draw gives other points of the same distribution
"""

import argparse
import csv
import sys

import numpy


def clusters(random, size):
    """Two clusters in the plane, as many points each; they come mixed, as a stream would."""
    first = random.multivariate_normal([0, 5], [[2, 0], [0, 3]], size)
    second = random.multivariate_normal([5, 0], [[4, 0], [0, 1]], size)
    return numpy.concatenate([first, second]), numpy.repeat([0, 1], size)


def mixture(random, weights, draws, size):
    """Points of one column or more: `draws` make all points of each component, of which each row keeps one."""
    label = random.choice(len(weights), size, p=weights)
    columns = [numpy.reshape(draw(size), (size, -1)) for draw in draws]
    return numpy.choose(label[:, None], columns), label


def sphere(random, direction, concentration, size):
    """Points of a von Mises-Fisher distribution in three dimensions. Source: Ulrich (1984), by inversion of the cosine."""
    cosine = 1 + numpy.log(random.uniform(size=size) * (1 - numpy.exp(-2 * concentration)) + numpy.exp(-2 * concentration)) / concentration
    direction = numpy.asarray(direction, dtype=float) / numpy.linalg.norm(direction)
    across = random.normal(size=(size, 3))
    across -= (across @ direction)[:, None] * direction
    across /= numpy.linalg.norm(across, axis=1, keepdims=True)
    return cosine[:, None] * direction + numpy.sqrt(1 - cosine**2)[:, None] * across


def make(name, random):
    if name == "notebook":
        return clusters(random, 100)
    if name == "normal":
        return mixture(random, [0.3, 0.7], [lambda n: random.normal(0, 1, n), lambda n: random.normal(6, 2, n)], 2000)
    if name == "multinormal":
        first = lambda n: random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 2]], n)
        second = lambda n: random.multivariate_normal([5, 5], [[2, -0.7], [-0.7, 1]], n)
        return mixture(random, [0.4, 0.6], [first, second], 2000)
    if name == "exponential":
        return mixture(random, [0.4, 0.6], [lambda n: random.exponential(1, n), lambda n: random.exponential(0.1, n)], 10000)
    if name == "geometric":
        return mixture(random, [0.5, 0.5], [lambda n: random.geometric(0.1, n), lambda n: random.geometric(0.3, n)], 10000)
    if name == "sphere":
        return mixture(random, [0.3, 0.7], [lambda n: sphere(random, [1, 0, 0], 20, n), lambda n: sphere(random, [0, 1, 1], 8, n)], 5000)
    if name == "log-normal":
        return mixture(random, [0.5, 0.5], [lambda n: random.lognormal(0, 0.3, n), lambda n: random.lognormal(2, 0.5, n)], 5000)
    if name == "normal-exponential":
        return mixture(random, [0.5, 0.5], [lambda n: random.normal(10, 1, n), lambda n: random.exponential(2, n)], 5000)
    if name == "inverse-gaussian":
        return mixture(random, [0.4, 0.6], [lambda n: random.wald(1, 5, n), lambda n: random.wald(10, 80, n)], 5000)
    sys.exit(f"data.py: no data set {name!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--draw", type=int, default=1, help="seed of the random numbers")
    parser.add_argument("--no-label", action="store_true")
    arguments = parser.parse_args()
    random = numpy.random.RandomState(arguments.draw)
    points, labels = make(arguments.name, random)
    order = random.permutation(len(points))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([f"x{j}" for j in range(points.shape[1])] + ([] if arguments.no_label else ["label"]))
    for i in order:
        row = [f"{x:.17g}" for x in points[i]]
        writer.writerow(row if arguments.no_label else [*row, labels[i]])


if __name__ == "__main__":
    main()
