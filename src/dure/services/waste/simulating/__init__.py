"""The demo city's bins: how they fill, what their sensors say, what their crew does. One seed, one city."""
