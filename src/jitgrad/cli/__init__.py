"""The command line interface: it parses arguments, calls the library, and prints results."""
