"""Levels, canal, bone, and lesions and how they are marked."""
