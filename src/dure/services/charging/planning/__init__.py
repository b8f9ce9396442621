"""The energy plan of a site: sun, storage, vehicles, grid; fair when short; forecasts only when they win."""
