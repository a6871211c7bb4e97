"""Between the core and Qt: background jobs, workspace signals, forms from field metadata."""
