"""What is measured, one file each; an experiment file names it. Procedures talk to a Crossbar, not to instruments."""
