"""The one door to SimpleITK, whose own type information is incomplete; loaded when it is first needed."""

from __future__ import annotations

from typing import Any


class _Door:
    """Stands for the module until it is needed: many readings never need it, and it is large."""

    def __getattr__(self, name: str) -> Any:
        import SimpleITK

        # What matters is raised; the rest would fill stderr.
        module: Any = SimpleITK
        module.ProcessObject.SetGlobalWarningDisplay(False)
        self.__dict__.update(vars(module))
        return getattr(module, name)


itk: Any = _Door()
