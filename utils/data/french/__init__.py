"""English sentences with their French translations and gold alignments, from a small grammar of both languages.

To read it from the ground up: `words` (inflection), `lexicon` (tables), `phrases` (linked words, elision), `grammar`, `draw`
(chance). `pairs` and `splits` are what a chapter calls.
"""
