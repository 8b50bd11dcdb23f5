"""The models over HTTP: ratings, tags, explanations and completions, with requests answered together.

rnn-language serve --model reviews --model ewt
"""
