"""The web face: application, sign-in, layout, map, language; mounts each service's pages and API."""
