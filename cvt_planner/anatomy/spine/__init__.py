"""The spine found in a CT by itself: canal, vertebrae and their parts, as a value the rest stands on."""
