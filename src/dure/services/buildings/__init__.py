"""Public buildings: every kWh, won and tonne, normalised, explained, open to look up.

For the energy manager, the caretaker, the citizen who looks a building up, and the officer who files. Register reads become
intervals under explicit rules (`reads`), fuels are typed quantities (`fuels`), factors are dated rows of data (`factors`),
bills and interval files come in row by row (`importing`), meters add up (`virtual_meters`), use is modelled (`modelling`).
"""
