"""Virtual instruments: servers, language engines, and the one network that joins their terminals to the array."""
