"""The nouns that several packages share, frozen and without behaviour: one module per noun."""
