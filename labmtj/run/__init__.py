"""One run: load, connect, execute, record, conclude, report; and resume or recover what was cut off."""

from labmtj.run.execute import Progress, resume, start
from labmtj.run.experiment import Experiment, load_experiment, load_run
from labmtj.run.folder import RunFolder

__all__ = ["Experiment", "Progress", "RunFolder", "load_experiment", "load_run", "resume", "start"]
