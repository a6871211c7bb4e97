"""Mouse modes: what a press, a drag and a release in a view do. A tool turns them into edits of the plan."""
