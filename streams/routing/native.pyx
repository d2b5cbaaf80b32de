# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled lane of the planner: one record in, its outputs out, or None for the plain way. See the stub.

Per event only what differs from event to event is computed here: where its fields are, its id, times, subject, digests.
What a *situation* has in common (who said what kind of thing about a child of which age and settings) is worked out by
the plain modules once and remembered under the very bytes that say it.

Memory: reads of an event's bytes go through the cutter, whose cuts and findings lie within the data; all writing goes
through `Lane.put`, which checks the room.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy

from schemas.native cimport Cutter, Found, Projector

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
    DAY_MS = 86_400_000
    FRAME = 10
    UUID_BYTES = 36
    DIGEST = 32
    LONGEST_KEY = 1024  # of what says a situation
    LONGEST_NAME = 255  # a topic's name, an agency's id

# Asked once: a virtual machine takes its time over the answer.
cdef int SHA_BY_PROCESSOR = masa_sha_by_processor()
cdef const uint8_t *HEX = <const uint8_t *> b"0123456789abcdef"


# --- small things -------------------------------------------------------------------------------------------

cdef struct Day:
    int year
    int month
    int day


cdef inline Day day_of(int64_t days) noexcept nogil:
    """The civil date of days since 1970-01-01 (proleptic Gregorian; years 1 to 9999 here)."""
    cdef Day at
    cdef int64_t z = days + 719_468
    cdef int64_t era = (z if z >= 0 else z - 146_096) // 146_097
    cdef int64_t doe = z - era * 146_097
    cdef int64_t yoe = (doe - doe // 1_460 + doe // 36_524 - doe // 146_096) // 365
    cdef int64_t doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    cdef int64_t mp = (5 * doy + 2) // 153
    at.day = <int> (doy - (153 * mp + 2) // 5 + 1)
    at.month = <int> (mp + 3 if mp < 10 else mp - 9)
    at.year = <int> (yoe + era * 400 + (1 if at.month <= 2 else 0))
    return at


cdef inline int64_t whole_days(int64_t millis) noexcept nogil:
    """Days since the epoch, rounded down."""
    return millis // DAY_MS if millis >= 0 else -((-millis + DAY_MS - 1) // DAY_MS)


cdef inline int completed_years(int64_t born, int64_t at_millis) noexcept nogil:
    cdef Day birth = day_of(born)
    cdef Day at = day_of(whole_days(at_millis))
    cdef int years = at.year - birth.year
    return years - 1 if at.month < birth.month or (at.month == birth.month and at.day < birth.day) else years


cdef inline void decimal(uint8_t *to, int number, int places) noexcept nogil:
    while places:
        places -= 1
        to[places] = <uint8_t> (48 + number % 10)
        number //= 10


cdef void iso_instant(uint8_t *to, int64_t millis) noexcept nogil:
    """24 bytes, as `schemas.dates.iso_instant`; years 1 to 9999."""
    cdef int64_t days = whole_days(millis)
    cdef int rest = <int> (millis - days * DAY_MS)
    cdef Day day = day_of(days)
    decimal(to, day.year, 4)
    to[4] = to[7] = 45
    decimal(to + 5, day.month, 2)
    decimal(to + 8, day.day, 2)
    to[10] = 84
    decimal(to + 11, rest // 3_600_000, 2)
    to[13] = to[16] = 58
    decimal(to + 14, rest // 60_000 % 60, 2)
    decimal(to + 17, rest // 1000 % 60, 2)
    to[19] = 46
    decimal(to + 20, rest % 1000, 3)
    to[23] = 90


cdef inline void hexadecimal(uint8_t *to, const uint8_t *raw, int count) noexcept nogil:
    cdef int i
    for i in range(count):
        to[2 * i] = HEX[raw[i] >> 4]
        to[2 * i + 1] = HEX[raw[i] & 15]


cdef inline int varint(uint8_t *to, int64_t number) noexcept nogil:
    """Writes an Avro long; how many bytes (at most 10)."""
    cdef uint64_t zigzag = (<uint64_t> number << 1) ^ <uint64_t> (number >> 63)
    cdef int size = 0
    while zigzag > 127:
        to[size] = <uint8_t> (zigzag & 127 | 128)
        zigzag >>= 7
        size += 1
    to[size] = <uint8_t> zigzag
    return size + 1


cdef void delivery_id(uint8_t *to, const uint8_t *event_id, const uint8_t *agency, Py_ssize_t size) noexcept nogil:
    """36 bytes, as `schemas.pseudonym.delivery_id` with revision 1. `size` is at most LONGEST_NAME."""
    cdef uint8_t text[UUID_BYTES + 1 + LONGEST_NAME + 2]
    cdef uint8_t digest[DIGEST]
    cdef uint8_t raw[DIGEST]
    memcpy(text, event_id, UUID_BYTES)
    text[UUID_BYTES] = 47
    memcpy(text + UUID_BYTES + 1, agency, size)
    text[UUID_BYTES + 1 + size] = 47
    text[UUID_BYTES + 2 + size] = 49
    masa_sha256(text, UUID_BYTES + 3 + size, SHA_BY_PROCESSOR, digest)
    hexadecimal(raw, digest, 16)
    memcpy(to, raw, 8)
    memcpy(to + 9, raw + 8, 4)
    memcpy(to + 14, raw + 12, 4)
    memcpy(to + 19, raw + 16, 4)
    memcpy(to + 24, raw + 20, 12)
    to[8] = to[13] = to[18] = to[23] = 45
    to[14] = to[19] = 56


def spoken(what, *given):
    """The small things as Python says them, for the tests that compare them."""
    cdef uint8_t text[64]
    if what == "iso_instant":
        iso_instant(text, given[0])
        return PyBytes_FromStringAndSize(<char *> text, 24)
    if what == "varint":
        return PyBytes_FromStringAndSize(<char *> text, varint(text, given[0]))
    if what == "completed_years":
        return completed_years(given[0], given[1])
    cdef bytes event_id = given[0]
    cdef bytes agency = given[1]
    if len(event_id) != UUID_BYTES or len(agency) > LONGEST_NAME:
        raise ValueError("not an event id of 36 bytes and an agency's")
    delivery_id(text, <uint8_t *> PyBytes_AS_STRING(event_id), <uint8_t *> PyBytes_AS_STRING(agency), len(agency))
    return PyBytes_FromStringAndSize(<char *> text, UUID_BYTES)


# --- what is remembered -------------------------------------------------------------------------------------

cdef enum:
    # Wanted values that the lane looks at, in the order of lane_desk.LOOKED_AT.
    W_EVENT_ID = 0
    W_OCCURRED = 1
    W_RECORDED = 2
    W_PUBLISHED = 3
    W_CONCERNS = 4
    W_PROPOSED = 5
    W_EXCLUDED = 6
    W_SCHOOL = 7
    W_ACCUSED = 12  # schools to accused: the six settings
    W_LOCAL_REF = 13
    W_NHS_NUMBER = 14
    W_UPN = 15
    W_BORN = 16
    W_EXPECTED = 17
    W_COUNT = 18


cdef class Contract:
    """One event type: its cutter and where its parts are."""

    cdef readonly object event_type
    cdef Cutter cutter
    cdef bytes name
    cdef tuple required  # units
    cdef bint tells  # the relationship register
    cdef int32_t manner_a, manner_a_end, manner_b, manner_b_end, particulars, particulars_end  # units
    cdef int32_t occurred, published, supersedes  # units

    def __init__(self, event_type, Cutter cutter not None, places, required, *, bint tells):
        """`places` maps the names of the unit attributes above to units."""
        self.tells = tells
        self.event_type = event_type
        self.name = event_type.name.encode()
        self.cutter = cutter
        self.required = tuple(required)
        if cutter.want_count != W_COUNT or not all(0 <= each < cutter.unit_count for each in self.required):
            raise ValueError("a cutter for something else")
        units = {name: int(unit) for name, unit in places.items()}
        if not all(0 <= unit < cutter.unit_count for unit in units.values()):
            raise ValueError("a unit that is not there")
        self.manner_a, self.manner_a_end = units["manner_a"], units["manner_a_end"]
        self.manner_b, self.manner_b_end = units["manner_b"], units["manner_b_end"]
        self.particulars, self.particulars_end = units["particulars"], units["particulars_end"]
        if self.manner_a > self.manner_a_end or self.manner_b > self.manner_b_end:
            raise ValueError("parts in another order")
        if self.particulars > self.particulars_end:
            raise ValueError("parts in another order")
        self.occurred, self.published, self.supersedes = units["occurred"], units["published"], units["supersedes"]

    def value(self, bytes data not None, int32_t want):
        """A value of the event that was cut last, which must be `data`."""
        if not 0 <= want < W_COUNT:
            raise ValueError("no such value")
        return self.cutter.value(data, want)


cdef class Delivering:
    """One outcome as it is written: `audit` is its piece; the rest only when delivered (`project` is not None)."""

    cdef readonly object prepared
    cdef bytes audit
    cdef object topic
    cdef bytes agency
    cdef list headers
    cdef Projector project
    cdef object clock

    def __init__(self, prepared, bytes audit not None, topic, bytes agency not None, headers, project, clock):
        if len(agency) > LONGEST_NAME:
            raise ValueError("an agency's id is too long")
        self.prepared, self.audit, self.topic, self.agency = prepared, audit, topic, agency
        self.headers, self.project, self.clock = list(headers), project, clock


cdef class Situation:
    """What events with the same particulars have in common: how the audit record says it, and who gets what."""

    cdef bytes head  # up to the place
    cdef bytes middle  # from the event type to what is said before `supersedes`
    cdef bytes after  # after the times, before the outcomes
    cdef tuple outcomes  # of Delivering
    cdef tuple routed  # for the tally
    cdef object facts
    cdef int32_t registered
    cdef list decided  # for the tally

    def __init__(self, bytes head not None, bytes middle not None, bytes after not None, outcomes, routed, facts, int32_t registered):
        cdef Delivering each
        self.head, self.middle, self.after, self.routed = head, middle, after, routed
        self.facts, self.registered = facts, registered
        self.outcomes = tuple(outcomes)
        self.decided = []
        for each in self.outcomes:
            self.decided.append(each.prepared)


cdef class Manner:
    """What the fixed part of an envelope says, found permitted. `template` is a list of facts with gaps."""

    cdef readonly list template
    cdef object claim
    cdef bint needs_school
    cdef bint needs_accused
    cdef bint asks  # the relationship register
    cdef bint protected
    cdef dict situations

    def __init__(self, template, claim, *, bint needs_school, bint needs_accused, bint asks, bint protected):
        self.template = list(template)
        self.claim, self.asks, self.protected = claim, asks, protected
        self.needs_school = needs_school
        self.needs_accused = needs_accused
        self.situations = {}


cdef class Place:
    """A partition: whose it is, its window, and how the audit record names it."""

    cdef object partition
    cdef object window
    cdef list lookups  # dicts of event ids of the window
    cdef dict staging  # of the window's newest layer; None until it is opened
    cdef bytes piece
    cdef object owner
    cdef dict manners  # of the owner's events; of the gateway's, by publisher
    cdef int64_t batch

    def __cinit__(self):
        self.manners = {}
        self.batch = -1


cdef list headers_of(identity, ce_id, ce_time, list same, list due):
    """One list of header pairs, all but the first shared with other deliveries."""
    cdef Py_ssize_t i, at = 3
    cdef list made = PyList_New(3 + len(same) + len(due))
    for i, each in enumerate((identity, ce_id, ce_time)):
        Py_INCREF(each)
        PyList_SET_ITEM(made, i, each)
    for each in same:
        Py_INCREF(each)
        PyList_SET_ITEM(made, at, each)
        at += 1
    for each in due:
        Py_INCREF(each)
        PyList_SET_ITEM(made, at, each)
        at += 1
    return made


# --- the lane -----------------------------------------------------------------------------------------------

cdef class Lane:
    """See the stub."""

    cdef object desk
    cdef dict contracts
    cdef dict places
    cdef dict dues  # of this batch, by clock
    cdef dict windows
    cdef dict touched
    cdef object tally
    cdef list relationships
    cdef list tally_received, tally_routed, tally_decided
    cdef masa_hmac key
    cdef object gateway_header, release_header, audit_topic
    cdef bytes slot
    cdef int64_t now, batch, day
    cdef int64_t skew
    cdef int64_t most_days
    cdef Py_ssize_t most_bytes
    cdef int32_t situations, most_situations
    cdef uint8_t *buffer
    cdef Py_ssize_t room, size

    def __cinit__(self):
        self.buffer = NULL
        self.room = self.size = 0

    def __dealloc__(self):
        free(self.buffer)

    def __init__(
        self, desk, contracts, bytes secret not None, *, audit_topic, gateway_header, release_header, bytes slot not None,
        int64_t skew_ms, int64_t most_days, Py_ssize_t most_bytes, int32_t most_situations
    ):
        self.desk = desk
        self.audit_topic = audit_topic
        self.contracts = dict(contracts)
        masa_hmac_key(&self.key, <const uint8_t *> PyBytes_AS_STRING(secret), len(secret), SHA_BY_PROCESSOR)
        self.gateway_header, self.release_header, self.slot = gateway_header, release_header, slot
        self.skew, self.most_days = skew_ms, most_days
        self.most_bytes, self.most_situations = most_bytes, most_situations
        self.places = {}
        self.batch = 0
        self.day = -1
        self.situations = 0

    def forget(self):
        """Another rule set, or another day: nothing that was decided may be used again."""
        cdef Place place
        for place in self.places.values():
            place.manners = {}
        self.situations = 0

    def begin(self, int64_t now, windows, touched, tally, relationships):
        """A batch, decided at `now`; see `fast_lane.Batch`."""
        self.relationships = list(relationships)
        if now // DAY_MS != self.day:
            self.day = now // DAY_MS
            self.forget()
        self.batch += 1
        self.dues = {}
        self.now, self.windows, self.touched, self.tally = now, windows, touched, tally
        self.tally_received, self.tally_routed, self.tally_decided = tally.received, tally.routed, tally.decided

    def plan(self, record):
        """The outputs of one record, or None when it is left to the plain way. Then nothing has changed."""
        try:
            return self.one(record)
        except Exception:  # whatever it is, the plain way meets it too, and says what is to be done
            return None

    # -- writing

    cdef int put(self, const void *data, Py_ssize_t size) except -1:
        cdef Py_ssize_t room
        cdef uint8_t *bigger
        if size < 0:
            raise ValueError("less than nothing to write")
        if size > self.room - self.size:
            room = 2 * (self.size + size) + 4096
            bigger = <uint8_t *> realloc(self.buffer, room)
            if bigger == NULL:
                raise MemoryError
            self.buffer, self.room = bigger, room
        memcpy(self.buffer + self.size, data, size)
        self.size += size
        return 0

    cdef int put_bytes(self, bytes data) except -1:
        return self.put(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    cdef int put_long(self, int64_t number) except -1:
        cdef uint8_t text[10]
        return self.put(text, varint(text, number))

    # -- reading

    cdef Place place_of(self, topic, partition):
        """The place of a record, ready for this batch."""
        key = (topic, partition)
        place = self.places.get(key)
        if place is None:
            place = Place()
            (<Place> place).owner, (<Place> place).piece, (<Place> place).partition = self.desk.place(topic, partition)
            self.places[key] = place
        if (<Place> place).batch != self.batch:
            (<Place> place).window = self.windows[(<Place> place).partition]
            (<Place> place).lookups = (<Place> place).staging = None
            (<Place> place).batch = self.batch
        return <Place> place

    cdef object publisher(self, Place place, list headers, bytes data, Cutter cutter, Contract contract):
        """Who published it; None when the headers do not surely agree with the event."""
        cdef Found *event_id = &cutter.found[W_EVENT_ID]
        said_id = said_type = said_agency = None
        for name, value in headers:
            if name == "ce_id":
                said_id = value
            elif name == "ce_type":
                said_type = value
            elif name == self.gateway_header:
                said_agency = value
            elif name == self.release_header:
                return None  # for those who waited alone: the plain way knows
        if said_id is not None:
            if not PyBytes_CheckExact(said_id) or PyBytes_GET_SIZE(said_id) != UUID_BYTES:
                return None
            if memcmp(PyBytes_AS_STRING(said_id), PyBytes_AS_STRING(data) + event_id.start, UUID_BYTES):
                return None
        if said_type is not None and said_type != contract.name:
            return None
        if place.owner is not None:
            return place.owner
        return said_agency.decode() if said_agency else None

    cdef bint sound(self, Contract contract, const uint8_t *data, int64_t received_at, int *age) noexcept:
        """What is judged event by event: times, age, and what must not be empty."""
        cdef Cutter cutter = contract.cutter
        cdef Found *found = cutter.found
        cdef int64_t occurred = found[W_OCCURRED].number
        cdef int32_t start
        if not 0 < occurred <= found[W_RECORDED].number <= found[W_PUBLISHED].number <= received_at + self.skew:
            return False
        if found[W_EXPECTED].start >= 0:
            return False
        for unit in contract.required:
            start = cutter.cuts[<int32_t> unit]
            if cutter.cuts[<int32_t> unit + 1] - start < 2 or data[start] == 0 or data[start + 1] == 0:
                return False
        age[0] = -1
        if found[W_BORN].start >= 0:
            age[0] = completed_years(found[W_BORN].number, occurred)
            if age[0] < 0 or whole_days(received_at) - found[W_BORN].number > self.most_days:
                return False
        return True

    cdef Manner manner_of(self, Contract contract, Place place, source, bytes data, record, digest):
        cdef Cutter cutter = contract.cutter
        cdef int32_t *cuts = cutter.cuts
        cdef uint8_t text[LONGEST_KEY]
        cdef const char *raw = PyBytes_AS_STRING(data)
        cdef Py_ssize_t a = cuts[contract.manner_a_end] - cuts[contract.manner_a]
        cdef Py_ssize_t b = cuts[contract.manner_b_end] - cuts[contract.manner_b]
        if FRAME + a + b > LONGEST_KEY:
            return None
        memcpy(text, raw, FRAME)
        memcpy(text + FRAME, raw + cuts[contract.manner_a], a)
        memcpy(text + FRAME + a, raw + cuts[contract.manner_b], b)
        key = PyBytes_FromStringAndSize(<char *> text, FRAME + a + b)
        manners = place.manners
        if place.owner is None:
            manners = manners.setdefault(source, {})
        manner = manners.get(key)
        if manner is None:
            self.grown()
            manner = self.desk.manner(contract, data, source, record, digest)
            # The desk reads with a cutter of its own; ours still holds this event.
            if manner is not None:
                manners[key] = manner
        return manner

    cdef int grown(self) except -1:
        self.situations += 1
        if self.situations > self.most_situations:
            self.forget()
        return 0

    cdef Situation situation_of(
        self, Contract contract, Manner manner, source, bytes data, record, digest, int age, dict known
    ):
        cdef Cutter cutter = contract.cutter
        cdef int32_t *cuts = cutter.cuts
        cdef Found *found = cutter.found
        cdef uint8_t text[LONGEST_KEY]
        cdef Py_ssize_t size = cuts[contract.particulars_end] - cuts[contract.particulars]
        if size + 1 > LONGEST_KEY:
            return None
        text[0] = <uint8_t> (age + 1)
        memcpy(text + 1, PyBytes_AS_STRING(data) + cuts[contract.particulars], size)
        key = PyBytes_FromStringAndSize(<char *> text, size + 1)
        if known:
            key = (key, *known.items())
        situation = manner.situations.get(key)
        if situation is None:
            self.grown()
            if (manner.needs_school and found[W_SCHOOL].start < 0) or (
                manner.needs_accused and found[W_ACCUSED].start < 0
            ):
                situation = False
            else:
                situation = self.desk.situation(
                    contract, manner, data, source, record, digest, None if age < 0 else age, self.now,
                    found[W_PROPOSED].start >= 0 or found[W_EXCLUDED].start >= 0, known,
                )
            manner.situations[key] = situation
        return None if situation is False else situation

    cdef object subject_of(self, Cutter cutter, const uint8_t *data, source):
        """The child's token, None without any identifier. See `schemas.pseudonym.Pseudonymiser.subject`."""
        cdef uint8_t text[2 * LONGEST_NAME + 64]
        cdef uint8_t digest[DIGEST]
        cdef uint8_t said[DIGEST]
        cdef Found *found
        cdef Py_ssize_t size
        cdef bytes kind
        if cutter.found[W_NHS_NUMBER].start >= 0:
            found, kind = &cutter.found[W_NHS_NUMBER], b"nhs:"
        elif cutter.found[W_UPN].start >= 0:
            found, kind = &cutter.found[W_UPN], b"upn:"
        elif cutter.found[W_LOCAL_REF].start >= 0:
            found, kind = &cutter.found[W_LOCAL_REF], b"local:" + source.encode() + b":"
        else:
            return None
        size = PyBytes_GET_SIZE(kind)
        if size > LONGEST_NAME + 64 or found.end - found.start > LONGEST_NAME:
            raise ValueError("longer than any identifier")
        memcpy(text, PyBytes_AS_STRING(kind), size)
        memcpy(text + size, data + found.start, found.end - found.start)
        masa_hmac_of(&self.key, text, size + found.end - found.start, digest)
        hexadecimal(said, digest, 16)
        return PyUnicode_DecodeASCII(<char *> said, DIGEST, NULL)

    cdef dict known_of(self, Manner manner, subject):
        """What the relationship register knows of the child; nothing where it is not to be asked."""
        if subject is not None and manner.asks:
            for held in self.relationships:
                if held:
                    return self.desk.known(subject, self.now)
        return {}

    # -- repeats

    cdef bint routed_before(self, Place place, event_id) except -1:
        """Whether the window knows the id. Within a batch it opens one layer, here or on the plain way."""
        if place.staging is None:
            place.lookups = place.window.lookups()
            if place.partition in self.touched:
                place.staging = place.window.staging()
        for known in place.lookups:
            if event_id in <dict> known:
                return True
        return False

    cdef int stage(self, Place place, event_id, const uint8_t *digest, int64_t offset) except -1:
        """As `Window.stage_routed`: eight bytes of the digest, then 48 bits of offset."""
        cdef uint64_t first = 0
        cdef int i
        for i in range(8):
            first = first << 8 | digest[i]
        if place.staging is None:
            place.window.open_layer()
            place.lookups = place.window.lookups()
            place.staging = place.window.staging()
        place.staging[event_id] = <object> first << 48 | offset
        self.touched[place.partition] = offset
        return 0

    # -- one record

    cdef list one(self, record):
        cdef bytes data = record.value()
        if data is None or not FRAME < PyBytes_GET_SIZE(data) <= self.most_bytes:
            return None
        cdef const uint8_t *raw = <const uint8_t *> PyBytes_AS_STRING(data)
        cdef PyObject *type_ = PyDict_GetItem(self.contracts, PyBytes_FromStringAndSize(<char *> raw, FRAME))
        if type_ == NULL:
            return None
        cdef Contract contract = <Contract> <object> type_
        cdef Cutter cutter = contract.cutter
        cdef Found *found = cutter.found
        cdef int64_t received_at = record.timestamp()[1]
        cdef int age = -1
        if not cutter.walk(raw, PyBytes_GET_SIZE(data), FRAME):
            return None
        if found[W_EVENT_ID].end - found[W_EVENT_ID].start != UUID_BYTES:
            return None
        if not self.sound(contract, raw, received_at, &age):
            return None
        cdef Place place = self.place_of(record.topic(), record.partition())
        source = self.publisher(place, record.headers() or [], data, cutter, contract)
        if source is None:
            return None
        cdef uint8_t digested[DIGEST]
        masa_hmac_of(&self.key, raw, PyBytes_GET_SIZE(data), digested)
        cdef bytes digest = PyBytes_FromStringAndSize(<char *> digested, DIGEST)
        cdef Manner manner = self.manner_of(contract, place, source, data, record, digest)
        if manner is None:
            return None
        event_id = PyUnicode_DecodeASCII(<char *> raw + found[W_EVENT_ID].start, UUID_BYTES, NULL)
        if self.routed_before(place, event_id):
            return None
        subject = self.subject_of(cutter, raw, source)
        cdef dict known = self.known_of(manner, subject)
        cdef Situation situation = self.situation_of(contract, manner, source, data, record, digest, age, known)
        if situation is None:
            return None
        cdef int64_t offset = record.offset()
        outputs = self.written(contract, situation, place, raw, digested, event_id, subject, offset, received_at)
        learnt = None
        if contract.tells or manner.protected:
            about = (event_id, subject, found[W_OCCURRED].number)
            learnt = self.desk.learnt(contract.event_type, manner.claim, situation.facts, about, data, self.now)
        # From here on nothing fails: whatever else is changed, is changed together.
        if learnt:
            self.tally.relationships.update(["ended" if value is None else "declared" for _, value, _, _ in learnt])
            outputs = learnt + outputs
        if situation.registered:
            self.tally.relationships["used"] += situation.registered
        self.stage(place, event_id, digested, offset)
        self.tally_received.append(received_at)
        self.tally_routed.append(situation.routed)
        self.tally_decided.extend(situation.decided)
        return outputs

    cdef list written(
        self, Contract contract, Situation situation, Place place, const uint8_t *raw, const uint8_t *digest,
        event_id, subject, int64_t offset, int64_t received_at
    ):
        """Deliveries, then the audit record, which is joined on the way."""
        cdef Cutter cutter = contract.cutter
        cdef int32_t *cuts = cutter.cuts
        cdef Found *found = cutter.found
        cdef const uint8_t *said_id = raw + found[W_EVENT_ID].start
        cdef uint8_t text[UUID_BYTES]
        cdef Delivering each
        cdef list outputs = []
        cdef tuple due
        cdef Py_ssize_t number, count = len(situation.outcomes)
        key = event_id if subject is None else subject
        ce_id = ce_time = None
        self.size = 0
        self.put_bytes(situation.head)
        self.put_bytes(place.piece)
        self.put_long(offset)
        self.put_long(received_at)
        self.put_long(self.now)
        self.put_bytes(self.slot)
        self.put(digest, DIGEST)
        self.put(b"\x02\x48", 2)
        self.put(said_id, UUID_BYTES)
        self.put_bytes(situation.middle)
        self.put(raw + cuts[contract.supersedes], cuts[contract.supersedes + 1] - cuts[contract.supersedes])
        if subject is None:
            self.put(b"\x00", 1)
        else:
            self.put(b"\x02\x40", 2)
            self.put_bytes(subject.encode())
        self.put(raw + cuts[contract.occurred], cuts[contract.occurred + 1] - cuts[contract.occurred])
        self.put(raw + cuts[contract.published], cuts[contract.published + 1] - cuts[contract.published])
        self.put_bytes(situation.after)
        self.put_long(count)
        for number in range(count):
            each = <Delivering> situation.outcomes[number]
            self.put_bytes(each.audit)
            if each.project is None:
                continue
            due = self.due(each.clock)
            delivery_id(text, said_id, <const uint8_t *> PyBytes_AS_STRING(each.agency), PyBytes_GET_SIZE(each.agency))
            self.put(b"\x02\x48", 2)
            self.put(text, UUID_BYTES)
            self.put_bytes(due[0])
            if ce_id is None:
                ce_id = ("ce_id", PyBytes_FromStringAndSize(<char *> said_id, UUID_BYTES))
                ce_time = ("ce_time", self.instant(found[W_OCCURRED].number))
            identity = ("masa-delivery-id", PyBytes_FromStringAndSize(<char *> text, UUID_BYTES))
            headers = headers_of(identity, ce_id, ce_time, each.headers, due[1])
            outputs.append((each.topic, each.project.join(raw, cuts), key, headers))
        if count:
            self.put(b"\x00\x00\x00", 3)
        else:
            self.put(b"\x00\x00", 2)
        audit = PyBytes_FromStringAndSize(<char *> self.buffer, self.size)
        outputs.append((self.audit_topic, audit, key, None))
        return outputs

    cdef tuple due(self, clock):
        """How a deadline is said: bytes for the audit record, headers; the same for the whole batch."""
        cdef PyObject *known = PyDict_GetItem(self.dues, clock)
        if known != NULL:
            return <tuple> <object> known
        due = self.desk.due(clock, self.now)
        self.dues[clock] = due
        return due

    cdef bytes instant(self, int64_t millis):
        cdef uint8_t text[24]
        iso_instant(text, millis)
        return PyBytes_FromStringAndSize(<char *> text, 24)
