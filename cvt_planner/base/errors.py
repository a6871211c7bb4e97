"""The few error classes of the planner. A message says what is wrong, in which file, and what to do.

An expected clinical finding (a breach, a thin margin) is a check result and never one of these.
"""


class PlannerError(Exception):
    """Something the user can understand and act upon; its text is shown as it stands."""

    exit_code = 5


class InputRefused(PlannerError):
    """A file, a series or a value that cannot be used; the text names it and says what to do."""

    exit_code = 3


class WrongPlan(PlannerError):
    """The plan does not belong to this CT."""

    exit_code = 4


class GeometryMismatch(PlannerError):
    """Two things of different frames of reference or grids were brought together."""

    exit_code = 3


class Cancelled(PlannerError):
    """The user stopped a long piece of work; nothing was changed."""

    exit_code = 130
