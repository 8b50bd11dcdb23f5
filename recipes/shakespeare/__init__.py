"""The language model of Shakespeare's plays, character by character."""
