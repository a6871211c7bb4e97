"""What stands around the views: banner, rail, one panel per step, strip. A panel applies edits; it never computes."""
