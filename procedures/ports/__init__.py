"""All-port reads: one line driven at a time, all others at 0 V, the current of EVERY line read."""

from procedures.common.ports import AllPorts as AllPorts
