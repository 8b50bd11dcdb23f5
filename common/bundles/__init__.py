"""How is a model kept and checked? Saving, the gate before loading, model cards."""
