"""Mixtures of Gaussians the slow and obvious way, to compare the daemon's numbers with."""

import math

import numpy


def covariance_of(gaussian):
    """The d x d matrix of a Gaussian message."""
    d = len(gaussian.mean)
    kinds = type(gaussian).DESCRIPTOR.fields_by_name["covariance_type"].enum_type.values_by_number
    kind = kinds[gaussian.covariance_type].name
    numbers = list(gaussian.covariance)
    if kind == "COVARIANCE_TYPE_DIAGONAL":
        return numpy.diag(numbers)
    if kind == "COVARIANCE_TYPE_SPHERICAL":
        return numbers[0] * numpy.eye(d)
    matrix = numpy.zeros((d, d))
    matrix[numpy.tril_indices(d)] = numbers
    return matrix + numpy.tril(matrix, -1).T


def log_joint(model, points):
    """log(weight) + log density of each component at each row, over the coordinates that are there (not NaN); n x K."""
    result = numpy.empty((len(points), len(model.components)))
    patterns = ~numpy.isnan(points)
    for there in numpy.unique(patterns, axis=0):
        rows = (patterns == there).all(axis=1)
        for k, component in enumerate(model.components):
            covariance = covariance_of(component.gaussian)[numpy.ix_(there, there)]
            centred = points[rows][:, there] - numpy.array(component.gaussian.mean)[there]
            distances = (centred @ numpy.linalg.inv(covariance) * centred).sum(axis=1)
            constant = there.sum() * math.log(2 * math.pi) + numpy.linalg.slogdet(covariance)[1]
            result[rows, k] = math.log(component.weight) - 0.5 * (constant + distances)
    return result


def log_densities(model, points):
    return numpy.logaddexp.reduce(log_joint(model, points), axis=1)


def responsibilities(model, points):
    joint = log_joint(model, points)
    return numpy.exp(joint - numpy.logaddexp.reduce(joint, axis=1)[:, None])
