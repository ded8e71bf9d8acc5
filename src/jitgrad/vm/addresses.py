"""The functions that the instruction ``call`` may call, by name: addresses are of one process, names go into dumps."""

from __future__ import annotations

from jitgrad.errors import ProgramError

_names: dict[int, str] = {}


def note(name: str, address: int) -> int:
    """Note the name of a function; returns its address."""
    _names[address] = name
    return address


def name_of(address: int) -> str:
    """The name of the function at an address. Raises ProgramError where none was noted."""
    if address not in _names:
        raise ProgramError(f"A call goes to {address}, where no function is known. Lower the expression again.")
    return _names[address]


def address_of(name: str) -> int:
    """The address of a named function in this process. Raises ProgramError where there is none."""
    for address, known in _names.items():
        if known == name:
            return address
    raise ProgramError(f"A call goes to {name!r}, which this process has not. Lower an expression with that op first.")
