"""The tagger of edited prose, 12 tags."""
