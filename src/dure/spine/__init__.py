"""The spine every service stands on: intake, recorder, live values, and proof that nothing is lost."""
