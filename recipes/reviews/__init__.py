"""The language model of film reviews, from which the rating model starts."""
