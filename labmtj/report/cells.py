"""What the procedures on single cells found, chip by chip, in a line each: for a terminal, and for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from labmtj.fitting.proportions import one_trial_of_each
from labmtj.quantities import FloatArray
from labmtj.report.contents import Contents
from labmtj.report.digits import chance, hours, percent
from labmtj.report.lost import exposures_of, fraction_text, lost_of

_SIGNS = {"hysteresis": "to_parallel_volts", "switching": "median_volts", "write_errors": "pooled_rate",
          "disturb": "flipped", "retention": "flipped", "noise": "noisy", "endurance": "contrast"}  # fmt: skip
"""by group, the array that tells it is of these procedures"""


def found_groups(contents: Contents) -> list[tuple[str, str]]:
    """Return chip and procedure of everything that was found of single cells."""
    return [
        (chip, name) for chip in contents.chips for name, sign in _SIGNS.items()
        if contents.has(f"arrays/{chip}/{name}/{sign}")
    ]  # fmt: skip


def cell_lines(contents: Contents) -> list[str]:
    """Return what was found for a terminal."""
    lines = []
    for chip, name in found_groups(contents)[:40]:
        group = f"arrays/{chip}/{name}"
        lines.append(f"{chip}: {told_of(contents, group, name)}")
    return lines


def told_of(contents: Contents, group: str, name: str) -> str:
    """Return what a procedure found and what it cost, in a line."""
    return f"{_TOLD[name](contents, group)}; {_effort(contents, group)}"


def _effort(contents: Contents, group: str) -> str:
    told = contents.attributes(group)
    return f"{int(told['effort_pulses'])} pulses, {hours(float(told['effort_bench_hours']))} on the bench"


def _hysteresis(contents: Contents, group: str) -> str:
    places = [contents.read(f"{group}/to_{name}_volts") for name in ("parallel", "antiparallel")]
    both = int(np.isfinite(places).all(axis=0).sum())
    taken = len(contents.read(f"{group}/cells")) if contents.has(f"{group}/cells") else 0
    values = {name: _median(contents.read(f"{group}/{name}")) for name in ("parallel_ohms", "tmr", "half_volts")}
    polarity = int(contents.attributes(group)["polarity"])
    parts = [f"to P at {_median(places[0]):.3f} V, to AP at {_median(places[1]):.3f} V", f"polarity {polarity:+d}",
             f"R {values['parallel_ohms']:.0f} ohm in P", f"TMR {percent(values['tmr'])} %",
             f"V_h {values['half_volts']:.2f} V"]  # fmt: skip
    left = int(contents.attributes(group).get("left_their_state", 0))
    stay = f", {left} do not stay in their states while read" if left else ""
    return f"loops of {taken} cells, {both} switch both ways{stay}; medians: {', '.join(parts)}"


def _switching(contents: Contents, group: str) -> str:
    volts, width = contents.read(f"{group}/median_volts"), contents.read(f"{group}/width")
    slope = 1e3 * contents.read(f"{group}/volts_per_decade")
    middle = len(width) // 2
    parts = [
        f"{text} {_median(volts[direction, :, middle]):.3f} V and {_median(slope[direction]):.1f} mV per decade"
        for direction, text in enumerate(("to P", "to AP"))
    ]
    where = "across the cell" if contents.attributes(group)["voltage"] == "cell" else "between the lines"
    what = f"median V50 {where} at {width[middle]:g} s and its slope"
    return f"switching of {volts.shape[1]} cells, {what}: {', '.join(parts)}{_law(contents, group)}"


def _law(contents: Contents, group: str) -> str:
    """Return medians of Delta and Vc0 with the error of the law, if the record holds it."""
    if not contents.has(f"{group}/stability_model_low"):
        return ""
    parts = []
    for name, value, low, high, digits in (
        ("Delta", "stability", "stability_model_low", "stability_model_high", 1),
        ("Vc0", "critical_volts", "critical_model_low_volts", "critical_model_high_volts", 3),
    ):
        texts = [
            " and ".join(f"{_median(each):.{digits}f}" for each in contents.read(f"{group}/{array}"))
            for array in (value, low, high)
        ]
        parts.append(f"{name} {texts[0]} (with the error of the law from {texts[1]} to {texts[2]})")
    return f"; medians to P and to AP: {', '.join(parts)}"


def _write_errors(contents: Contents, group: str) -> str:
    volts, high = contents.read(f"{group}/volts"), contents.read(f"{group}/pooled_high")
    family = contents.read(f"{group}/family_high") if contents.has(f"{group}/family_high") else None
    best = high.argmin(axis=1)
    parts = []
    for d, text in enumerate(("to P", "to AP")):
        others = "" if family is None else f" (family: {chance(float(family[d, best[d]]))})"
        parts.append(f"{text} below {chance(float(high[d, best[d]]))}{others} at {volts[best[d]]:g} V")
    return f"write errors, mean over the cells tested, at 95 %: {', '.join(parts)}"


def _disturb(contents: Contents, group: str) -> str:
    kinds, lost = contents.read(f"{group}/kind").astype(str), lost_of(contents, group)
    volts = contents.read(f"{group}/volts")
    worst = lost.value[..., -1].argmax(axis=1)
    parts = [f"{kind} {fraction_text(lost, (k, int(worst[k]), -1))}" for k, kind in enumerate(kinds)]
    return (
        f"disturb: cells of the family lost after {exposures_of(contents, group):g} half-selects at {volts[-1]:g} V, "
        f"in the worse direction, 95 %: {', '.join(parts)}"
    )


def _retention(contents: Contents, group: str) -> str:
    lost, seconds = lost_of(contents, group), contents.read(f"{group}/seconds")
    parts = [f"{text} {fraction_text(lost, (d, -1))}" for d, text in enumerate(("towards P", "towards AP"))]
    return f"retention: cells of the family lost after {seconds[0, -1]:.4g} s, 95 %: {', '.join(parts)}"


def _noise(contents: Contents, group: str) -> str:
    noisy, judged = contents.read(f"{group}/noisy"), contents.read(f"{group}/judged")
    rms = float(np.median(contents.read(f"{group}/rms")))
    jumping = int(contents.read(f"{group}/telegraph").sum())
    found = f"{int(noisy.sum())} of {int(judged.sum())} cells noisy, {jumping} telegraph"
    return f"noise: {found}; median rms {percent(rms, 3)} %"


def _endurance(contents: Contents, group: str) -> str:
    broken, cycles = contents.read(f"{group}/broken_at"), contents.read(f"{group}/cycles")
    gone = int((broken >= 0).sum())
    share = one_trial_of_each(np.array([gone]), len(broken))
    return (
        f"endurance: {gone} of {len(broken)} cells broke down within {int(cycles[-1])} cycles; of the family "
        f"{fraction_text(share, (0,))} at 95 %"
    )


def _median(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")


_TOLD: Mapping[str, Callable[[Contents, str], str]] = {
    "hysteresis": _hysteresis,
    "switching": _switching,
    "write_errors": _write_errors,
    "disturb": _disturb,
    "retention": _retention,
    "noise": _noise,
    "endurance": _endurance,
}
