"""Who is who: device credentials, local accounts, sessions, OIDC."""
