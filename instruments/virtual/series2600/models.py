"""Data of the models of the 2600B family; not all of it is from a manual."""

from __future__ import annotations

from dataclasses import dataclass

FIRMWARE = "3.2.2"  # of a recorded 2636B

# 2600B reference manual 2-44
VOLTS_60X, VOLTS_61X = (0.1, 1.0, 6.0, 40.0), (0.2, 2.0, 20.0, 200.0)
AMPERES_60X = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 3.0)
AMPERES_61X = (*AMPERES_60X[:-1], 1.5)
AMPERES_63X = (1e-9, 1e-8, *AMPERES_61X)


@dataclass(frozen=True)
class Model:
    """One model of the family."""

    name: str
    channels: tuple[str, ...]
    volts: tuple[float, ...]
    """source and measure ranges"""
    source_amperes: tuple[float, ...]
    measure_amperes: tuple[float, ...]
    default_amperes: float
    """limit after reset, 9-244"""
    default_volts: float
    least_limit_amperes: float
    least_limit_volts: float
    safe_amperes: tuple[float, ...]
    """largest current by voltage range; data sheet of the family, 261x: 1.5 A at 20 V, 0.1 A at 200 V"""
    needs_interlock: bool
    """for the 200 V range"""
    checks_contacts: bool
    """from memory: not on 2604B, 2614B and 2634B"""
    low_current: bool
    """has the 1 nA range, and an analog filter for it"""

    @property
    def most_amperes(self) -> float:
        """Largest limit."""
        return self.source_amperes[-1]


def _model(name: str) -> Model:
    series, kind = name[:3], name[3]
    small, fine = series == "260", series == "263"
    amperes = AMPERES_60X if small else AMPERES_63X if fine else AMPERES_61X
    return Model(
        name=name,
        channels=("a",) if kind in "15" else ("a", "b"),
        volts=VOLTS_60X if small else VOLTS_61X,
        source_amperes=amperes,
        measure_amperes=(1e-10, *amperes) if name in ("2635B", "2636B") else amperes,
        default_amperes=1.0 if small else 0.1,
        default_volts=40.0 if small else 20.0,
        least_limit_amperes=1e-10 if fine else 1e-8,
        least_limit_volts=0.01 if small else 0.02,
        safe_amperes=(3.0, 3.0, 3.0, 1.0) if small else (1.5, 1.5, 1.5, 0.1),
        needs_interlock=not small,
        checks_contacts=kind != "4",
        low_current=fine,
    )


MODELS = {
    name: _model(name) for name in ("2601B", "2602B", "2604B", "2611B", "2612B", "2614B", "2634B", "2635B", "2636B")
}
