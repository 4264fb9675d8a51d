"""The watchdog of a bench, `python -m labmtj.watchdog`: ends a run that died or hangs, and makes its bench safe.

A run starts it before it arms a bench, and writes an order to its standard input, one line of JSON, then leases (see
`labmtj.watchdog.leases`). The watchdog acts when that pipe ends (the run has died, however it died: the kernel closes
the pipe) or when a lease passes (the run hangs or is stopped: the watchdog ends it first). Acting means: in sessions of
its own, stop what runs, bring sources to 0 V and outputs off, then relays to rest; again and again until all is safe.

What acts never waits for a disk: notes and the text of the locks are written by threads of their own. This package
imports next to nothing, and drivers by their names, so that a watchdog is ready before its bench is.
"""

READY, SAFE = "ready", "safe"
HANDED_OVER_SECONDS = 3.0
"""after which a run that waits hears what is not safe yet, and leaves the rest to the watchdog"""
FLUSH_SECONDS = 1.0
"""longest wait for notes to be written; the outputs are off by then"""
