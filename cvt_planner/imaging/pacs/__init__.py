"""PACS: finding, fetching and sending studies over DICOM (DIMSE) and DICOMweb. Bytes are kept as they are received."""
