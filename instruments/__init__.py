"""Drivers of the instruments of a bench, one file each; a bench file names them."""
