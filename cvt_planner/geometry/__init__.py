"""Frames, lines, planes and sampling in patient LPS, mm."""
