"""How does raw text become sentences and words, as a treebank has them?"""
