"""The embedded queue: one SQLite file set per writer process, the groups' positions in a file of the reader's."""
