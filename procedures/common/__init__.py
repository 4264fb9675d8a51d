"""What several procedures share; a procedure imports from here and from the core, never from another procedure."""
