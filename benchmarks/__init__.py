"""How fast the networks are, beside the same networks elsewhere."""
