"""Tasks on sequences of tokens: digit addition, repeated subsequences, skip trigrams."""
