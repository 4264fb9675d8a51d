"""Virtual instruments on the loopback interface: raw sockets, HiSLIP, VXI-11, and faults on purpose."""
