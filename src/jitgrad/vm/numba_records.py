"""Compiled code's side of records (``records.py``): a pointer to one is a value whose attributes are its fields."""

from __future__ import annotations

import ctypes
import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel.models import PrimitiveModel
from numba.core.imputils import lower_getattr_generic, lower_setattr_generic
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import lower_builtin, register_model

from jitgrad.vm.records import RECORDS, Record


class RecordPointer(types.Type):
    """A pointer to a record, whose elements are of the type ``element``: ``record.field``, ``records[i].field``."""

    def __init__(self, layout: type[Record], element: Any) -> None:
        self.layout, self.element = layout, element
        super().__init__(f"{layout.__name__}.{element}")

    def field(self, name: str) -> Any:
        """The type of a field; None where there is no such field."""
        kind = self.layout.kinds.get(name)
        if kind is None:
            return None
        if kind.of in RECORDS:
            return RecordPointer(RECORDS[kind.of], self.element)
        number = self.element if kind.of == "element" else getattr(types, kind.of)
        return types.CPointer(number) if kind.points or kind.shared else number


@register_model(RecordPointer)
class _Model(PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.IntType(8).as_pointer())


@infer_getattr
class _Fields(AttributeTemplate):
    key = RecordPointer

    def generic_resolve(self, record: Any, name: str) -> Any:
        return record.field(name)


def _place(context: Any, builder: Any, kind: RecordPointer, record: Any, name: str) -> Any:
    """The place of a field, and the model by which it is read and written there."""
    model = context.data_model_manager[kind.field(name)]
    start = builder.gep(record, [ir.IntType(64)(getattr(kind.layout, name).offset)])
    return start, model


@lower_getattr_generic(RecordPointer)
def _get(context: Any, builder: Any, kind: RecordPointer, record: Any, name: str) -> Any:
    start, model = _place(context, builder, kind, record, name)
    if kind.layout.kinds[name].shared:
        return builder.bitcast(start, model.get_value_type())
    return model.load_from_data_pointer(builder, builder.bitcast(start, model.get_data_type().as_pointer()))


@lower_setattr_generic(RecordPointer)
def _set(context: Any, builder: Any, signature: Any, arguments: Any, name: str) -> None:
    start, model = _place(context, builder, signature.args[0], arguments[0], name)
    place = builder.bitcast(start, model.get_data_type().as_pointer())
    builder.store(model.as_data(builder, arguments[1]), place)


@infer_global(operator.getitem)
class _Item(AbstractTemplate):
    def generic(self, arguments: Any, keywords: Any) -> Any:
        records, _i = arguments
        return signature(records, records, types.uint64) if isinstance(records, RecordPointer) else None


@lower_builtin(operator.getitem, RecordPointer, types.uint64)
def _item(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    size = ir.IntType(64)(ctypes.sizeof(signature.args[0].layout))
    return builder.gep(arguments[0], [builder.mul(arguments[1], size)])
