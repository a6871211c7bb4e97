"""The ice: transient bioheat with freezing around cryoprobes. Knows scenes of probes and tissue, no plan and no CT."""
