# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled cutter and projector. `schemas.cutter` and `schemas.projector` are the reference; see the stub.

Memory: every read is checked against the end of the data before it is made; positions only grow. The buffers of a
walk belong to the cutter and hold the last walk only.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from schemas.cutter_readers import CutError

cdef extern from "sha256.h" nogil:
    ctypedef struct masa_hmac:
        int by_processor
    int masa_sha_by_processor()
    void masa_sha256(const uint8_t *data, size_t size, int by_processor, uint8_t *out)
    void masa_hmac_key(masa_hmac *key, const uint8_t *secret, size_t size, int by_processor)
    void masa_hmac_of(const masa_hmac *key, const uint8_t *data, size_t size, uint8_t *out)


cdef extern from *:
    const char *MASA_SOURCE

SOURCE_STAMP = MASA_SOURCE.decode()

cdef enum:
    # Kinds of op, as in cut_program.py.
    GROUP = 0
    STRING = 1
    INTEGER = 2
    BOOLEAN = 3
    ENUM = 4
    ARRAY = 5

cdef enum:
    # Formats, as in cut_program.FORMATS.
    NO_FORMAT = 0
    NHS_NUMBER = 1
    UPN = 2
    UUID = 3
    URN = 4
    SETTING_URN = 5
    ODS = 6
    GSS = 7
    LAESTAB = 8
    UPRN = 9
    POSTCODE = 10
    PHONE = 11
    AGENCY_ID = 12
    ROLE_ID = 13

# Asked once: a virtual machine takes its time over the answer.
cdef int SHA_BY_PROCESSOR = masa_sha_by_processor()
cdef Py_ssize_t MOST_BYTES = 1 << 30  # positions are 32-bit numbers


# --- values -------------------------------------------------------------------------------------------------

cdef inline bint _digit(uint8_t c) noexcept nogil:
    return 48 <= c <= 57


cdef inline bint _capital(uint8_t c) noexcept nogil:
    return 65 <= c <= 90


cdef inline bint _digits(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if not _digit(s[i]):
            return False
    return True


cdef bint _utf8(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    """Whether the bytes are UTF-8 as Python decodes it: no surrogates, nothing overlong, nothing past U+10FFFF."""
    cdef Py_ssize_t i = 0
    cdef uint64_t eight
    cdef uint8_t c
    while i < n:
        while n - i >= 8:
            memcpy(&eight, s + i, 8)
            if eight & 0x8080808080808080U:
                break
            i += 8
        if i >= n:
            return True
        c = s[i]
        if c < 0x80:
            i += 1
        elif c < 0xC2:
            return False
        elif c < 0xE0:
            if n - i < 2 or s[i + 1] & 0xC0 != 0x80:
                return False
            i += 2
        elif c < 0xF0:
            if n - i < 3 or s[i + 1] & 0xC0 != 0x80 or s[i + 2] & 0xC0 != 0x80:
                return False
            if (c == 0xE0 and s[i + 1] < 0xA0) or (c == 0xED and s[i + 1] >= 0xA0):
                return False
            i += 3
        elif c < 0xF5:
            if n - i < 4 or s[i + 1] & 0xC0 != 0x80 or s[i + 2] & 0xC0 != 0x80 or s[i + 3] & 0xC0 != 0x80:
                return False
            if (c == 0xF0 and s[i + 1] < 0x90) or (c == 0xF4 and s[i + 1] >= 0x90):
                return False
            i += 4
        else:
            return False
    return True


cdef bint _nhs(const uint8_t *s, Py_ssize_t n, bint synthetic_ok) noexcept nogil:
    cdef int total = 0, i
    cdef bint alike = True
    if n != 10 or not _digits(s, n):
        return False
    for i in range(9):
        total += (10 - i) * (s[i] - 48)
        if s[i + 1] != s[0]:
            alike = False
    if (total + s[9] - 48) % 11:
        return False
    return synthetic_ok or not (alike or (s[0] == 57 and s[1] == 57 and s[2] == 57))


cdef bint _upn(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    """A permanent one."""
    cdef int total = 0, i
    if n != 13 or not _digits(s + 1, 12):
        return False
    for i in range(12):
        total += (i + 2) * (s[i + 1] - 48)
    return s[0] == (<const uint8_t *> b"ABCDEFGHJKLMNPQRTUVWXYZ")[total % 23]


cdef bint _uuid(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if n != 36:
        return False
    for i in range(36):
        if i == 8 or i == 13 or i == 18 or i == 23:
            if s[i] != 45:
                return False
        elif not (_digit(s[i]) or 97 <= s[i] <= 102):
            return False
    return True


cdef bint _number(const uint8_t *s, Py_ssize_t n, Py_ssize_t least, Py_ssize_t most, uint8_t first) noexcept nogil:
    """Digits, of which the first is at least `first`."""
    return least <= n <= most and first <= s[0] <= 57 and _digits(s, n)


cdef bint _setting_urn(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    if n == 8 and ((s[0] == 69 and s[1] == 89) or (s[0] == 83 and s[1] == 67) or (s[0] == 67 and s[1] == 65)):
        return _digits(s + 2, 6)  # EY, SC, CA
    return _number(s, n, 6, 7, 49)


cdef bint _ods(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if not 3 <= n <= 8:
        return False
    for i in range(n):
        if not (_capital(s[i]) or _digit(s[i])):
            return False
    return True


cdef bint _gss(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    if n != 9 or not _digits(s + 3, 6):
        return False
    if s[0] == 69:  # E06 to E09, E10, E23
        return (s[1] == 48 and 54 <= s[2] <= 57) or (s[1] == 49 and s[2] == 48) or (s[1] == 50 and s[2] == 51)
    if s[0] == 87:  # W06
        return s[1] == 48 and s[2] == 54
    if s[0] == 83:  # S12
        return s[1] == 49 and s[2] == 50
    return s[0] == 78 and s[1] == 48 and s[2] == 57  # N09


cdef bint _inward(uint8_t c) noexcept nogil:
    """A letter of a postcode's last two: not C, I, K, M, O or V."""
    return _capital(c) and c != 67 and c != 73 and c != 75 and c != 77 and c != 79 and c != 86


cdef bint _postcode(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t outward = n - 3
    cdef Py_ssize_t letters
    if outward < 2:
        return False
    if s[outward - 1] == 32:
        outward -= 1
    if outward == 3 and s[0] == 71 and s[1] == 73 and s[2] == 82 and s[n - 3] == 48 and s[n - 2] == 65:
        return s[n - 1] == 65  # GIR 0AA
    if not (_digit(s[n - 3]) and _inward(s[n - 2]) and _inward(s[n - 1])) or not 2 <= outward <= 4:
        return False
    if not _capital(s[0]):
        return False
    letters = 2 if _capital(s[1]) else 1
    if outward <= letters or not _digit(s[letters]) or outward > letters + 2:
        return False
    return outward == letters + 1 or _digit(s[letters + 1]) or _capital(s[letters + 1])


cdef bint _phone(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t start = 1 if n and s[0] == 43 else 0
    cdef Py_ssize_t end = start
    cdef Py_ssize_t p
    while end < n and (_digit(s[end]) or s[end] == 32):
        end += 1
    p = end
    if p < n:  # what follows must be an extension
        if s[p] == 120:
            p += 1
        elif n - p >= 3 and s[p] == 101 and s[p + 1] == 120 and s[p + 2] == 116:
            p += 3
        else:
            return False
        if p < n and s[p] == 32:
            p += 1
        if not 1 <= n - p <= 6 or not _digits(s + p, n - p):
            return False
        if end > start and s[end - 1] == 32:
            end -= 1
    return 7 <= end - start <= 20 and _digit(s[start]) and _digit(s[end - 1])


cdef bint _slug(const uint8_t *s, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if not 1 <= n <= 64 or s[0] == 45 or s[n - 1] == 45:
        return False
    for i in range(n):
        if not (97 <= s[i] <= 122 or _digit(s[i]) or s[i] == 45):
            return False
    return True


cdef bint _sure(int fmt, const uint8_t *s, Py_ssize_t n, bint synthetic_ok) noexcept nogil:
    """Whether a text surely is UTF-8 and valid for its format."""
    if fmt == NO_FORMAT:
        return _utf8(s, n)
    if fmt == NHS_NUMBER:
        return _nhs(s, n, synthetic_ok)
    if fmt == UUID:
        return _uuid(s, n)
    if fmt == URN:
        return _number(s, n, 6, 6, 49)
    if fmt == ODS:
        return _ods(s, n)
    if fmt == GSS:
        return _gss(s, n)
    if fmt == UPN:
        return _upn(s, n)
    if fmt == SETTING_URN:
        return _setting_urn(s, n)
    if fmt == LAESTAB:
        return _number(s, n, 7, 7, 50)
    if fmt == UPRN:
        return _number(s, n, 1, 12, 49)
    if fmt == POSTCODE:
        return _postcode(s, n)
    if fmt == PHONE:
        return _phone(s, n)
    return (fmt == AGENCY_ID or fmt == ROLE_ID) and _slug(s, n)


# --- cutting ------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t _long(const uint8_t *d, Py_ssize_t size, Py_ssize_t p, int limit, int64_t *out) noexcept nogil:
    """A zigzag varint of at most `limit` (5 or 9) bytes; the position after it, -1 when not."""
    cdef uint64_t value = 0
    cdef int shift = 0
    cdef uint8_t byte
    cdef int i
    for i in range(limit):
        if p >= size:
            return -1
        byte = d[p]
        p += 1
        value |= <uint64_t> (byte & 127) << shift
        if byte < 128:
            out[0] = <int64_t> (value >> 1) ^ -<int64_t> (value & 1)
            return p
        shift += 7
    return -1


cdef class Cutter:
    """See the stub."""

    def __cinit__(self, program, *, bint synthetic_ok):
        cdef int32_t i
        self.op_count = len(program.ops)
        self.unit_count = len(program.units)
        self.want_count = len(program.wanted)
        self.units = tuple(program.units)
        self.wanted = tuple(program.wanted)
        self.synthetic_ok = synthetic_ok
        self.ops = <Op *> calloc(max(1, self.op_count), sizeof(Op))
        self.cuts = <int32_t *> calloc(self.unit_count + 1, sizeof(int32_t))
        self.found = <Found *> calloc(max(1, self.want_count), sizeof(Found))
        if self.ops == NULL or self.cuts == NULL or self.found == NULL:
            raise MemoryError
        for i, op in enumerate(program.ops):
            self._take(i, op)

    def _take(self, int32_t i, op):
        """Check one op, so that no program whatever can make a walk write outside its buffers."""
        cdef Op *to = &self.ops[i]
        to.kind, to.nullable, to.long_form, to.fmt = op.kind, op.nullable, op.long_form, op.fmt
        to.unit, to.want, to.limit, to.end = op.unit, op.want, op.limit, op.end
        to.low, to.high = op.low, op.high
        reaching = op.kind in (GROUP, ARRAY)
        if (
            not GROUP <= op.kind <= ARRAY
            or not -1 <= op.unit < self.unit_count
            or not -1 <= op.want < self.want_count
            or not NO_FORMAT <= op.fmt <= ROLE_ID
            or (op.kind == INTEGER and not 1 <= op.limit <= 9)
            or (op.kind in (STRING, ENUM) and op.limit < 0)
            or (op.kind == ARRAY and op.end == i + 1)
            or (reaching and not i < op.end <= self.op_count)
        ):
            raise ValueError(f"step {i} of the program is not sound")

    def __dealloc__(self):
        free(self.ops)
        free(self.cuts)
        free(self.found)

    def cut(self, bytes data not None, Py_ssize_t start):
        if not self.walk(<const uint8_t *> PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), start):
            raise CutError("not surely well-formed")
        cdef int32_t i
        cuts = tuple([self.cuts[i] for i in range(self.unit_count + 1)])
        return tuple([self.value(data, i) for i in range(self.want_count)]), cuts

    cdef object value(self, bytes data, int32_t want):
        """The Python value of what the last walk, over `data`, found."""
        cdef Found *found = &self.found[want]
        if found.start < 0:
            return None
        how = self.wanted[want]
        kind = how.kind
        if kind == STRING:
            return data[found.start : found.end].decode()
        if kind == INTEGER:
            return found.number
        if kind == BOOLEAN:
            return found.number != 0
        if kind == ENUM:
            return how.symbols[found.number]
        return how.reader(data, found.start)[0]

    cdef bint walk(self, const uint8_t *data, Py_ssize_t size, Py_ssize_t start) noexcept nogil:
        """Whether `data` from `start` on is surely one whole event; then `cuts` and `found` say what is where."""
        if not 0 <= start <= size or size > MOST_BYTES:
            return False
        memset(self.found, 255, self.want_count * sizeof(Found))  # every start is -1
        if self.run(0, self.op_count, data, size, start) != size:
            return False
        self.cuts[self.unit_count] = <int32_t> size
        return True

    cdef Py_ssize_t run(
        self, int32_t first, int32_t last, const uint8_t *d, Py_ssize_t size, Py_ssize_t p
    ) noexcept nogil:
        """Execute ops `first` to `last` (exclusive) from position `p`; the position after them, -1 when not sure."""
        cdef int32_t i = first
        cdef int32_t j
        cdef Op *op
        cdef Found *found
        cdef int64_t number, round_
        cdef Py_ssize_t begin
        while i < last:
            op = &self.ops[i]
            i += 1
            if op.unit >= 0:
                self.cuts[op.unit] = <int32_t> p
            if op.nullable:
                if p >= size:
                    return -1
                if d[p] == 0:
                    p += 1
                    if op.kind == GROUP or op.kind == ARRAY:
                        if op.kind == GROUP:
                            for j in range(i, op.end):
                                if self.ops[j].unit >= 0:
                                    self.cuts[self.ops[j].unit] = <int32_t> p
                        i = op.end
                    continue
                if d[p] != 2:
                    return -1
                p += 1
            if op.kind == GROUP:
                continue
            begin = p
            number = 0
            if op.kind == STRING:
                if p >= size:
                    return -1
                number = d[p]
                if op.long_form:
                    if number & 129:
                        p = _long(d, size, p, 9, &number)
                        if p < 0:
                            return -1
                    else:
                        number >>= 1
                        p += 1
                else:
                    if number & 1:
                        return -1
                    number >>= 1
                    p += 1
                if not 0 <= number <= op.limit or number > size - p:
                    return -1
                if not _sure(op.fmt, d + p, number, self.synthetic_ok):
                    return -1
                begin = p
                p += number
            elif op.kind == ENUM or op.kind == BOOLEAN:
                if p >= size:
                    return -1
                number = d[p]
                p += 1
                if op.kind == BOOLEAN:
                    if number > 1:
                        return -1
                else:
                    if number & 1 or number >> 1 > op.limit:
                        return -1
                    number >>= 1
            elif op.kind == INTEGER:
                p = _long(d, size, p, op.limit, &number)
                if p < 0 or not op.low <= number <= op.high:
                    return -1
            else:
                while True:
                    if p >= size:
                        return -1
                    if op.long_form:
                        p = _long(d, size, p, 9, &number)
                        if p < 0 or number < 0 or number > size - p:
                            return -1
                    else:
                        number = d[p]
                        p += 1
                        if number & 129:
                            return -1
                        number >>= 1
                    if number == 0:
                        break
                    round_ = 0
                    while round_ < number:
                        p = self.run(i, op.end, d, size, p)
                        if p < 0:
                            return -1
                        round_ += 1
                i = op.end
            if op.want >= 0:
                found = &self.found[op.want]
                found.start = <int32_t> begin
                found.end = <int32_t> p
                found.number = number
        return p


# --- projections --------------------------------------------------------------------------------------------

cdef class Projector:
    """See the stub."""

    def __cinit__(self, pieces, int32_t unit_count, bytes frame not None):
        cdef int32_t i
        pieces = list(pieces)
        self.piece_count = len(pieces)
        self.unit_count = unit_count
        self.frame = frame
        self.pieces = <Piece *> calloc(max(1, self.piece_count), sizeof(Piece))
        if self.pieces == NULL:
            raise MemoryError
        for i, (start, end, nulls, conditional) in enumerate(pieces):
            if not 0 <= start <= end <= unit_count or (nulls is not None and nulls.count(0) != len(nulls)):
                raise ValueError(f"piece {i} of the projection is not sound")
            self.pieces[i] = Piece(start, end, -1 if nulls is None else len(nulls), conditional)

    def __dealloc__(self):
        free(self.pieces)

    def __call__(self, bytes data not None, cuts):
        cdef int32_t i
        cdef int64_t last = 0
        cdef int32_t *copied
        if len(cuts) != self.unit_count + 1:
            raise ValueError("cuts of another schema")
        copied = <int32_t *> calloc(self.unit_count + 1, sizeof(int32_t))
        if copied == NULL:
            raise MemoryError
        try:
            for i in range(self.unit_count + 1):
                copied[i] = cuts[i]
                if copied[i] < last or copied[i] > len(data):
                    raise ValueError("cuts of other data")
                last = copied[i]
            return self.join(<const uint8_t *> PyBytes_AS_STRING(data), copied)
        finally:
            free(copied)

    cdef bytes join(self, const uint8_t *data, const int32_t *cuts):
        """The projection; `cuts` ascend and lie within `data`."""
        cdef Py_ssize_t framed = PyBytes_GET_SIZE(self.frame)
        cdef Py_ssize_t size = framed
        cdef Py_ssize_t length
        cdef int32_t i
        cdef Piece *piece
        cdef uint8_t *to
        for i in range(self.piece_count):
            piece = &self.pieces[i]
            if piece.nulls < 0:
                size += cuts[piece.end] - cuts[piece.start]
            elif not piece.conditional or cuts[piece.start] != cuts[piece.end]:
                size += piece.nulls
        made = PyBytes_FromStringAndSize(NULL, size)
        to = <uint8_t *> PyBytes_AS_STRING(made)
        memcpy(to, PyBytes_AS_STRING(self.frame), framed)
        to += framed
        for i in range(self.piece_count):
            piece = &self.pieces[i]
            if piece.nulls < 0:
                length = cuts[piece.end] - cuts[piece.start]
                memcpy(to, data + cuts[piece.start], length)
                to += length
            elif not piece.conditional or cuts[piece.start] != cuts[piece.end]:
                memset(to, 0, piece.nulls)
                to += piece.nulls
        return made


# --- digests ------------------------------------------------------------------------------------------------

def sha256(bytes data not None, *, bint plain=False):
    """The digest of `data`; `plain` without the processor's own instructions."""
    cdef uint8_t out[32]
    masa_sha256(
        <const uint8_t *> PyBytes_AS_STRING(data),
        PyBytes_GET_SIZE(data),
        0 if plain else SHA_BY_PROCESSOR,
        out,
    )
    return PyBytes_FromStringAndSize(<char *> out, 32)


def hmac_sha256(bytes key not None, bytes data not None, *, bint plain=False):
    """HMAC-SHA-256 of `data` under `key`."""
    cdef masa_hmac ready
    cdef uint8_t out[32]
    masa_hmac_key(
        &ready,
        <const uint8_t *> PyBytes_AS_STRING(key),
        PyBytes_GET_SIZE(key),
        0 if plain else SHA_BY_PROCESSOR,
    )
    masa_hmac_of(&ready, <const uint8_t *> PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), out)
    return PyBytes_FromStringAndSize(<char *> out, 32)


def sure(int fmt, bytes text not None, *, bint synthetic_ok):
    """Whether a text surely is valid for a format, given as its index in `cut_program.FORMATS`."""
    return bool(_sure(fmt, <const uint8_t *> PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), synthetic_ok))
