"""A register in memory and a few properties."""

import pytest
from spine_book import Book, properties_of


@pytest.fixture
def book():
    return Book()


@pytest.fixture
def properties():
    return properties_of()
