"""The tagger of web text, 17 tags."""
