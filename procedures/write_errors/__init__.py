"""Write error rate of single cells against amplitude, per direction; an upper limit where no error was seen."""

from procedures.write_errors.procedure import WriteErrors as WriteErrors
