"""Instruments that run scripts: their language is a real Lua 5.1, locked up in a process of its own.

The folder has two sides. In the helper process (`child`) live the sandbox, the engine and everything that is only
remembered; it imports neither NumPy nor the network. In the process of the bench (`instrument`, `process`) live
the terminals; whatever touches them or takes time is one plain call from the helper.
"""
