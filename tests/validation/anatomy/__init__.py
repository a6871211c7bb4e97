"""How well the spine's anatomy is found, against phantoms and labelled real CTs; writes docs/anatomy.md."""
