"""What goes into the patient: one folder per kind of device, each with a record and a catalogue."""
