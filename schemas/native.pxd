# What other compiled modules use of `schemas.native`. Everything here trusts its arguments: the callers check bounds.
from libc.stdint cimport int32_t, int64_t, uint8_t


cdef struct Op:
    uint8_t kind
    uint8_t nullable
    uint8_t long_form
    uint8_t fmt
    int32_t unit
    int32_t want
    int32_t limit
    int32_t end
    int64_t low
    int64_t high


cdef struct Found:
    int32_t start  # of the value in the data; -1 when null or inside a record that is null
    int32_t end
    int64_t number  # an integer, a boolean, or the index of an enum's symbol


cdef struct Piece:
    int32_t start  # units
    int32_t end
    int32_t nulls  # null bytes in their place; -1 when they are copied
    int32_t conditional  # nulls only if anything is there


cdef class Cutter:
    cdef Op *ops
    cdef int32_t op_count
    cdef readonly int32_t unit_count
    cdef readonly int32_t want_count
    cdef bint synthetic_ok
    cdef int32_t *cuts  # unit_count + 1, of the last walk
    cdef Found *found  # want_count, of the last walk
    cdef tuple wanted
    cdef readonly tuple units
    cdef bint walk(self, const uint8_t *data, Py_ssize_t size, Py_ssize_t start) noexcept nogil
    cdef Py_ssize_t run(self, int32_t first, int32_t last, const uint8_t *d, Py_ssize_t size, Py_ssize_t p) noexcept nogil
    cdef object value(self, bytes data, int32_t want)


cdef class Projector:
    cdef Piece *pieces
    cdef int32_t piece_count
    cdef readonly int32_t unit_count
    cdef bytes frame
    cdef bytes join(self, const uint8_t *data, const int32_t *cuts)
