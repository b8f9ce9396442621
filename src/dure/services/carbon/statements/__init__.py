"""Statements of companies and of the city: figures that re-derive, by the standards people ask for, printed the same for ever."""
