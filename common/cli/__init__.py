"""How do commands behave? Options, streaming, output."""
