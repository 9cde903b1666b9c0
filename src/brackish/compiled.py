"""Functions compiled by numba, called from inside XLA programs.

XLA hands a foreign function one pointer, to a call frame that lists its arguments and results (the C interface
in `jaxlib/include/xla/ffi/api/c_api.h`, the same from jaxlib 0.6 on). Reading that frame in numba makes a
kernel callable from compiled code at no cost, without a compiler at install, without the interpreter's lock, and
without a host callback, which would turn the persistent compile cache off.

This module imports numba: import it inside functions only.
"""

import ctypes

import jax
import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

# Where the words of 8 bytes lie in the structures of the interface.
_EXTENSION, _INTERFACE, _ARGUMENTS, _RESULTS = 1, 2, 9, 14
_METADATA, _VERSION_OF_HANDLER = 3, 3
_VERSION_OF_INTERFACE = 4
_DATA, _DIMENSIONS = 3, 5

Frame = types.CPointer(types.int64)


@intrinsic
def pointer(context, address, kind):
    """The integer `address` as a pointer to numbers of a `kind`."""
    target = types.CPointer(kind.instance_type)

    def build(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(target))

    return target(types.int64, kind), build


@intrinsic
def keep(context, array):
    """To be called at the end of a function that knows an array of its own by its address alone: numba frees an array
    after the last line that names it.
    """

    def build(context, builder, signature, arguments):
        return context.get_dummy_value()

    return types.void(array), build


@numba.njit
def is_question(frame):
    """Whether XLA asks for the version of the interface instead of calling; the answer is written here."""
    if frame[_EXTENSION] == 0:
        return False
    metadata = pointer(pointer(frame[_EXTENSION], np.int64)[_METADATA], np.int64)
    version = numba.carray(pointer(frame[_EXTENSION], np.int64), 4)[_METADATA] + 8 * _VERSION_OF_HANDLER
    answer = numba.carray(pointer(version, np.int32), 2)
    answer[0], answer[1] = 0, 1
    if frame[_INTERFACE] != 0:
        own = numba.carray(pointer(frame[_INTERFACE] + 8 * _VERSION_OF_INTERFACE, np.int32), 2)
        answer[0], answer[1] = own[0], own[1]
    return metadata[0] > 0


@numba.njit
def _buffer(frame, table, number):
    """The structure of a buffer: arguments or results, counted from 0."""
    return pointer(pointer(frame[table], np.int64)[number], np.int64)


@numba.njit
def argument_size(frame, number, axis):
    """The length of one axis of an argument."""
    return pointer(_buffer(frame, _ARGUMENTS, number)[_DIMENSIONS], np.int64)[axis]


@numba.njit
def result_size(frame, number, axis):
    """The length of one axis of a result."""
    return pointer(_buffer(frame, _RESULTS, number)[_DIMENSIONS], np.int64)[axis]


@numba.njit
def argument(frame, number, kind):
    """A pointer to the numbers of an argument."""
    return pointer(_buffer(frame, _ARGUMENTS, number)[_DATA], kind)


@numba.njit
def result(frame, number, kind):
    """A pointer to the numbers of a result."""
    return pointer(_buffer(frame, _RESULTS, number)[_DATA], kind)


def register(name: str, handler) -> None:
    """Make a `numba.cfunc` of signature int64(Frame) known to XLA under a name, on CPUs."""
    pointer = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(handler.address)
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(pointer), platform="cpu")
