"""The inside of the virtual Keithley 2600B family: what runs in the helper process, next to Lua."""
