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


def log_joint(model, point):
    """log(weight) + log density of each component at a point, over the coordinates that are there (not NaN)."""
    there = ~numpy.isnan(point)
    result = []
    for component in model.components:
        covariance = covariance_of(component.gaussian)[numpy.ix_(there, there)]
        centred = point[there] - numpy.array(component.gaussian.mean)[there]
        distance = centred @ numpy.linalg.solve(covariance, centred)
        log_determinant = numpy.linalg.slogdet(covariance)[1]
        normal = -0.5 * (there.sum() * math.log(2 * math.pi) + log_determinant + distance)
        result.append(math.log(component.weight) + normal)
    return numpy.array(result)


def log_density(model, point):
    return numpy.logaddexp.reduce(log_joint(model, point))


def responsibilities(model, point):
    joint = log_joint(model, point)
    return numpy.exp(joint - numpy.logaddexp.reduce(joint))
