"""The trigger model of a 2600B: the sweep of a channel, which waits for events."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

from instruments.virtual.series2600.measure import Meter, reading_buffers
from instruments.virtual.series2600.source import AMPS, SOURCE_REACH, VOLTS, Source, fitting
from labmtj.virtual.tsp.buffers import ReadingBuffer
from labmtj.virtual.tsp.clock import Wait
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, TOO_BIG_FOR_RANGE, UNAVAILABLE, Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Group, Members, Setting, number, one_of, switch, whole
from labmtj.virtual.tsp.triggers import Detector, Triggers

MOST_POINTS = 100_000
SOURCE_IDLE, SOURCE_HOLD = 0, 1
NO_LEVELS, NO_MEASUREMENT = 5059, 5060
LAYERS = ("arm", "source", "measure", "endpulse")
EVENTS = ("SWEEPING", "ARMED", "SOURCE_COMPLETE", "MEASURE_COMPLETE", "PULSE_COMPLETE", "SWEEP_COMPLETE", "IDLE")


Steps = Generator["Detector | Wait", None, None]
"""what a sweep waits for: events and times"""


class Sweep:
    """smua.trigger: steps the source through a list, measures and ends pulses, each when its stimulus comes."""

    def __init__(self, engine: Engine, channel: str, source: Source, meter: Meter, triggers: Triggers) -> None:
        self._engine, self._source, self._meter, self._triggers = engine, source, meter, triggers
        self._channel = channel
        self._event = {name: next(triggers.numbers) for name in EVENTS}
        self._detectors = {name: Detector(triggers) for name in LAYERS}
        self._points, self._arms = (Setting(1.0, whole(0, MOST_POINTS)) for _ in range(2))
        self._autoclear = Setting(0.0, switch)
        self._source_action, self._measure_action = Setting(0.0, switch), Setting(0.0, one_of(0, 1, 2))
        self._endpulse, self._endsweep = Setting(1.0, switch), Setting(0.0, switch)
        self._limits = {kind: Setting(0.0, number) for kind in (VOLTS, AMPS)}
        self._levels: list[float] = []
        self._names, self._buffers = "", tuple[ReadingBuffer, ...]()
        self._running: Steps | None = None
        self._unseen = False
        """whether it has ended and no status was read since"""
        self.group = Group(f"smu{channel}.trigger", self._tree())

    def looked_at(self) -> bool:
        """Return whether it is sweeping, as a status register says.

        A sweep that no script waits for takes no time that a client could see. So that one which polls until it has
        begun, and then until it has ended, does see it, the first look after such an end still reports it.
        """
        unseen, self._unseen = self._unseen, False
        return self._running is not None or unseen

    def overruns(self) -> float:
        """Return the bits of the layers that an event has come to twice before they looked."""
        return float(sum(1 << bit for bit, layer in enumerate(LAYERS, 1) if self._detectors[layer].overrun))

    def forget(self) -> None:
        """Be without levels and measurements, as after a reset."""
        self._unseen = False
        self._levels, self._names, self._buffers = [], "", ()

    def abort(self) -> None:
        """Stop where it is, and go back to the level that is set."""
        if self._running is not None:
            self._running.close()
            self._running = None
            self._source.step(self._source.level[self._source.kind].value)
        self._unseen = False
        for detector in self._detectors.values():
            detector.clear()

    def _initiate(self) -> None:
        if self._running is not None:
            raise Complaint(UNAVAILABLE, "command unavailable: a sweep is running")
        if self._source_action.value and not self._levels:
            raise Complaint(NO_LEVELS, "trigger.source.action enabled without configuration")
        if self._measure_action.value and not self._names:
            raise Complaint(NO_MEASUREMENT, "trigger.measure.action enabled without configuration")
        self._fit_range()
        for detector in self._detectors.values():
            detector.clear()
        for buffer in self._buffers:
            buffer.begin()
        self._running, self._unseen = self._run(), False
        self._engine.clock.after(0.0, partial(self._advance, self._running))

    def _advance(self, running: Steps) -> None:
        """Run on until something has to be waited for; one that was aborted has no steps left."""
        going_on = partial(self._advance, running)
        for step in running:
            if isinstance(step, Detector):
                if not step.passes(going_on):
                    return
            elif step.seconds > 0:
                self._engine.clock.after(step.seconds, going_on)
                return
        if running is self._running:
            self._running = None
            self._unseen = self._engine.unattended

    def _run(self) -> Steps:
        self._emit("SWEEPING")
        for _ in range(int(self._arms.value) or MOST_POINTS):  # 0: without end
            yield self._detectors["arm"]
            if self._autoclear.value:
                for layer in LAYERS[1:]:
                    self._detectors[layer].forget()
            self._emit("ARMED")
            for point in range(int(self._points.value) or MOST_POINTS):
                yield from self._point(point)
        if self._endsweep.value == SOURCE_IDLE:
            self._idle()
        self._emit("SWEEP_COMPLETE")
        self._emit("IDLE")

    def _point(self, point: int) -> Steps:
        yield self._detectors["source"]
        if self._source_action.value and self._levels:
            limit = self._limits[AMPS if self._source.kind == VOLTS else VOLTS].value
            self._source.step(self._levels[point % len(self._levels)], limit if limit > 0 else None)
            yield Wait(max(self._source.delay.value, 0.0), "settle")  # automatic: nothing on fixed ranges
        self._emit("SOURCE_COMPLETE")
        yield self._detectors["measure"]
        if self._measure_action.value and self._names:
            reading = yield from self._meter.reading()
            self._meter.store(self._names, self._buffers, reading)
        self._emit("MEASURE_COMPLETE")
        yield self._detectors["endpulse"]
        if self._endpulse.value == SOURCE_IDLE:
            self._idle()
        self._emit("PULSE_COMPLETE")

    def _idle(self) -> None:
        self._source.step(self._source.level[self._source.kind].value)

    def _emit(self, event: str) -> None:
        self._triggers.emit(self._event[event])

    def _fit_range(self) -> None:
        """Choose the range of the source for the whole sweep; Complaint if the fixed one does not hold it."""
        kind, source = self._source.kind, self._source
        if not (self._source_action.value and self._levels):
            return
        most = max(map(abs, self._levels))
        if source.auto[kind].value:
            source.range[kind].value = fitting(source.scales[kind], most / SOURCE_REACH)
        elif most > source.range[kind].value * SOURCE_REACH:
            raise Complaint(
                TOO_BIG_FOR_RANGE, f"value too big for range: {most!r} on the range of {source.range[kind].value!r}"
            )

    def _list(self, levels: object) -> None:
        if not isinstance(levels, list) or not 0 < len(levels) <= MOST_POINTS:
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a table of levels is expected")
        self._levels = [number(level) for level in levels]

    def _line(self, start: object, stop: object, points: object) -> None:
        first, last, many = number(start), number(stop), int(whole(1, MOST_POINTS)(points))
        step = (last - first) / max(many - 1, 1)
        self._levels = [first + step * index for index in range(many)]

    def _decades(self, start: object, stop: object, points: object, asymptote: object = 0.0) -> None:
        origin, many = number(asymptote), int(whole(1, MOST_POINTS)(points))
        first, last = number(start) - origin, number(stop) - origin
        if first * last <= 0:
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a logarithmic sweep does not pass zero")
        ratio = last / first
        self._levels = [origin + first * ratio ** (index / max(many - 1, 1)) for index in range(many)]

    def _record(self, names: str, *buffers: object) -> None:
        self._buffers, self._names = reading_buffers(buffers, len(names)), names

    def _layer(self, layer: str, members: Members) -> Group:
        detector = self._detectors[layer]
        name = f"smu{self._channel}.trigger.{layer}"
        return Group(name, {**members, "stimulus": detector.stimulus, "set": detector.set})

    def _tree(self) -> Members:
        records = {names: partial(self._record, names) for names in ("i", "v", "r", "p", "iv")}
        shapes: Members = {}
        for letter in "vi":
            shapes |= {f"list{letter}": self._list, f"linear{letter}": self._line, f"log{letter}": self._decades}
        source = {"action": self._source_action, "limiti": self._limits[AMPS], "limitv": self._limits[VOLTS]}
        return {
            **{f"{name}_EVENT_ID": event for name, event in self._event.items()},
            "count": self._points,
            "autoclear": self._autoclear,
            "initiate": self._initiate,
            "arm": self._layer("arm", {"count": self._arms}),
            "source": self._layer("source", {**source, **shapes}),
            "measure": self._layer("measure", {"action": self._measure_action, **records}),
            "endpulse": self._layer("endpulse", {"action": self._endpulse}),
            "endsweep": Group(f"smu{self._channel}.trigger.endsweep", {"action": self._endsweep}),
        }
