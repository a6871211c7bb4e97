"""The only door for DICOM and ITK: find and judge series, read them to a Volume."""
