"""Companies: profile, activity data, scopes 1 to 3 with hourly matching, targets, sponsoring and what it achieved."""
