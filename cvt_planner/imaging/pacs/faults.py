"""What can go wrong between here and a PACS, in kinds that are answered differently."""

from __future__ import annotations

from cvt_planner.base.errors import InputRefused


class PacsRefused(InputRefused):
    """The PACS, or what was asked of it, says no; asking again is of no use."""


class ConnectionBroken(InputRefused):
    """The PACS could not be reached or stopped answering; asking again may help."""


class Unreachable(ConnectionBroken):
    """No connection with the PACS came about at all."""


class Incomplete(InputRefused):
    """A retrieval ended before the series was whole; what has come is kept for the next attempt.

    Parameters
    ----------
    have, total
        Images that are here, and that the series has.
    reason
        A sentence on what stopped it.
    """

    def __init__(self, have: int, total: int, reason: str) -> None:
        self.have, self.total, self.reason = have, total, reason
        super().__init__(
            f"{have} of {total} images; press Resume (or give the same command again) to fetch the rest. {reason}"
        )
