"""Programs for those who work on the project; nothing imports from here."""
