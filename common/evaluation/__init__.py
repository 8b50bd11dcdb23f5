"""How good is a model? Scores, bootstrap intervals, reports."""
