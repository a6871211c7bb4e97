"""Lesions: found from a click, drawn by hand, reshaped, measured."""
