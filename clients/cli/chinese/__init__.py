"""What nodes and libraries say in English, in Chinese: a table for each subject, and nothing else.

A sentence stands here in its whole English form, `{}` where a name, a number or another sentence
is filled in. In the Chinese, places are filled in order; `{0}`, `{1}` name them where it differs.
`clients.cli.sentences` looks sentences up; tests hold that every sentence of the code stands here.
"""
