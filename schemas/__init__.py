"""JSON Schema 2020-12 of every payload kept as evidence: ``<word>-<payload>.schema.json``."""
