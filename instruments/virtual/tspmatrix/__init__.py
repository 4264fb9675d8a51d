"""The inside of the virtual Keithley 707B, 708B and 3706A: what runs in the helper process, next to Lua."""
