"""The names that a user of the package imports."""

from __future__ import annotations

import pytest

import mcpool
from mcpool import errors


@pytest.mark.parametrize("name", mcpool.__all__)
def test_each_public_name_is_there(name: str):
    assert getattr(mcpool, name) is not None
    assert name in dir(mcpool)


def test_every_error_can_be_caught_by_a_public_name():
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    defined = {value.__name__ for value in classes if value.__module__ == errors.__name__}
    assert defined <= set(mcpool.__all__)


def test_a_public_class_is_the_very_class_of_its_module():
    assert mcpool.ConfigError is errors.ConfigError


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = mcpool.nonsense  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
