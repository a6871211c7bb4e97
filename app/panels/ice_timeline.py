"""The ice over time: play and pause, a slider through the protocol, the phase in words, and the curve of volumes."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from app import theme
from app.panels.ice_curve import Curve, IceCurve
from app.panels.widgets import button, label, named, set_role
from app.playing import NOT_KEPT, Playing
from app.render.ice_state import shown_field, still_holds
from cvt_planner.plan.timeline import moment_words, stretches
from cvt_planner.planning.ice_course import course, known_course

STEP_S = 10
_COURSE_JOB = "ice course"


class IceTimeline(QWidget):
    """Asks `Playing` for other moments, and shows which one is drawn."""

    def __init__(self, playing: Playing) -> None:
        super().__init__()
        self.playing = playing
        self.play = button("Play", playing.toggle, icon="play", name="play_ice", tip="Play or pause (K)")
        tip = "Back to the end of the last freeze, of which the figures speak"
        self.back = button("End", self._to_record, name="ice_record_moment", tip=tip)
        self.words = label("", "hint", "ice_moment")
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "ice_time")
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setPageStep(60 // STEP_S)
        self.slider.valueChanged.connect(lambda n: playing.go_to(float(n * STEP_S)))
        self.curve = IceCurve()
        self.curve.moment_wanted.connect(playing.go_to)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        line = QHBoxLayout()
        line.addWidget(self.play)
        line.addWidget(self.back)
        line.addWidget(self.words, 1)
        line.setSpacing(6)
        column.addLayout(line)
        column.addWidget(self.slider)
        column.addWidget(self.curve)
        playing.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show the moment that is drawn."""
        playing = self.playing
        view = playing.desk.view_state
        can_play = playing.end_s > 0.0
        held = view.ice_preview is not None
        for one in (self.play, self.slider):
            one.setEnabled(can_play and not held)
        self.play.setText("Pause" if playing.playing else "Play")
        self.play.setIcon(theme.icon("pause" if playing.playing else "play"))
        self.back.setEnabled(can_play and view.ice_time_s is not None)
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(round(playing.end_s / STEP_S), 1))
        if not self.slider.isSliderDown():
            self.slider.setValue(round(playing.time_s / STEP_S))
        self.slider.blockSignals(False)
        self.words.setText(self._words(can_play, held))
        set_role(self.words, "look" if view.ice_time_s is not None else "hint")
        for shown in (self.slider, self.curve, self.play, self.back):
            shown.setVisible(can_play)
        self.curve.show_curve(self._curve() if can_play else None)

    def _words(self, can_play: bool, held: bool) -> str:
        result = self.playing.result
        if result is None:
            return "Run the ice to play it through the protocol."
        if not can_play:
            return NOT_KEPT
        if held:
            return "End of last freeze"
        words = moment_words(result.inputs.protocol, self.playing.time_s)
        return words[0].upper() + words[1:]

    def _curve(self) -> Curve | None:
        playing, view = self.playing, self.playing.desk.view_state
        result = playing.result
        if result is None:
            return None
        one = shown_field(result, view.ice_tissue)
        levels = view.isotherms_c
        volumes = known_course(one, levels)
        if volumes is None and not playing.desk.jobs.running(_COURSE_JOB):
            playing.desk.run(_COURSE_JOB, "Volumes over time", partial(course, one, levels), shown=False)
        times = one.frames.times_s if one.frames is not None else ()
        parts = stretches(result.inputs.protocol)
        stale = not still_holds(playing.desk.workspace.state, result)
        return Curve(parts, times, levels, volumes, playing.time_s, playing.record_s, one.tissue, stale)

    def _to_record(self) -> None:
        self.playing.go_to(self.playing.record_s)
