"""One ticket per fault: owner, due day, repair with photo, re-test, closure."""
