"""The engine of instruments that speak SCPI: tables of headers, values, status and errors."""
