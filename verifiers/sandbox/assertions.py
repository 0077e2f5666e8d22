"""Assertion mode: how assertions are held against a program that may cheat.

Two processes: the program's, which answers requests and is believed nothing, and that of the assertions, which never
runs a line of the program. What passes between them is JSON that describes plain data; anything else stays where it
is and gets a number. So comparisons, expected values and the verdict are out of the program's reach.
"""

import json
import os
import struct
import sys

from sandbox.program import RESULT, STDERR, own_part

# How the assertions' process ends, by its exit code.
ENDINGS = {10: b'held', 11: b'wrong', 12: b'raised', 13: b'unsupported', 14: b'ended', 15: b'garbled',
           16: b'too_large', 17: b'memory'}
HELD, WRONG, RAISED, UNSUPPORTED, ENDED, GARBLED, TOO_LARGE, OUT_OF_MEMORY = sorted(ENDINGS)
MOST_MESSAGE = 1000
MOST_DEPTH = 400
BIG = 1 << 53
LITERAL = frozenset((bool, float, type(None)))
# Modules that the assertions may take from the program's imports: the assertions' process has its own of each.
SHARED_MODULES = frozenset(
    'math cmath operator functools itertools collections copy re json random string decimal fractions statistics heapq '
    'bisect datetime typing numbers textwrap'.split())
# What would run the program's data as code in the assertions' process.
CODE_MODULES = frozenset(
    'pickle _pickle cPickle marshal shelve ctypes _ctypes code codeop runpy importlib imp pdb cProfile timeit gc inspect '
    'multiprocessing subprocess'.split())
# Names by which assertions reach what they do not share with the program: a failure may then be due to that.
UNSHARED = frozenset(
    'stdin stdout redirect_stdout redirect_stdin patch mock monkeypatch globals modules seed capsys setattr delattr'.split())


class Refused(Exception):
    """Something that cannot be carried between the two processes."""


class Garbled(Exception):
    """What came is no message."""


def assertion_types():
    """The exceptions and the types that both processes know by name."""
    import builtins
    import collections
    import decimal
    import fractions

    kinds = {name: value for name, value in vars(builtins).items()
             if isinstance(value, type) and issubclass(value, BaseException)}
    for kind in (bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range,
                 collections.Counter, collections.OrderedDict, collections.defaultdict, collections.deque,
                 decimal.Decimal, fractions.Fraction):
        kinds[kind.__name__] = kind
    return kinds


def is_literal(items):
    """Whether JSON has all these items exactly as they are."""
    kinds = set(map(type, items))
    if kinds <= LITERAL:
        return True
    if kinds == {int}:
        return -BIG < min(items) and max(items) < BIG
    return kinds == {str} and ''.join(items).isascii()


class Peer:
    """One end of the talk. A subclass says what becomes of objects that are no plain data, and serves requests."""

    def __init__(self, descriptor, most):
        import collections
        import datetime
        import decimal
        import fractions

        self.descriptor, self.most = descriptor, most
        # Bound now: a program may replace what it finds in modules.
        self.read, self.write = os.read, os.write
        self.dumps = json.JSONEncoder(check_circular=False, separators=(',', ':')).encode
        self.loads = json.JSONDecoder().decode
        self.limits = sys.getrecursionlimit, sys.setrecursionlimit
        self.kinds = assertion_types()
        self.names = {kind: name for name, kind in self.kinds.items()}
        self.Fraction, self.Decimal, self.namedtuple = fractions.Fraction, decimal.Decimal, collections.namedtuple
        self.tags = {list: 'l', set: 'S', bytearray: 'B', collections.deque: 'q', dict: 'd',
                     collections.OrderedDict: 'O', collections.defaultdict: 'D', collections.Counter: 'C'}
        self.mutable = {tag: kind for kind, tag in self.tags.items()}
        self.times = {datetime.date: ('year', 'month', 'day'),
                      datetime.datetime: ('year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond'),
                      datetime.time: ('hour', 'minute', 'second', 'microsecond'),
                      datetime.timedelta: ('days', 'seconds', 'microseconds')}
        # The mutable arguments of the request under way: by number, and the numbers by identity.
        self.shared, self.places = [], {}

    def receive(self):
        """The next message; None at the end of the talk."""
        head = self.receive_bytes(4)
        if head is None:
            return None
        (size,) = struct.unpack('<I', head)
        if size > self.most:
            self.oversize()
        data = self.receive_bytes(size)
        return None if data is None else self.loads(data.decode('ascii'))

    def receive_bytes(self, count):
        parts = []
        while count > 0:
            try:
                part = self.read(self.descriptor, min(count, 1 << 20))
            except OSError:
                return None
            if not part:
                return None
            parts.append(part)
            count -= len(part)
        return b''.join(parts)

    def send(self, message):
        data = self.deeply(self.dumps, message).encode('ascii')
        data = memoryview(struct.pack('<I', len(data)) + data)
        while data:
            data = data[self.write(self.descriptor, data):]

    def deeply(self, act, *arguments):
        """Calls with room for nested data, whatever recursion the caller has used up or asked for."""
        limit = self.limits[0]()
        self.limits[1](limit + 8 * MOST_DEPTH)
        try:
            return act(*arguments)
        finally:
            self.limits[1](limit)

    def encode(self, value, depth=0):
        kind = type(value)
        if kind in LITERAL:
            return value
        if kind is int:
            return value if -BIG < value < BIG else ['i', '%x' % value]
        if kind is str:
            if value.isascii():
                return value
            return ['s', value.encode('utf-8', 'surrogatepass').hex()]
        if depth > MOST_DEPTH:
            raise Refused('data nested deeper than %d, or in a circle' % MOST_DEPTH)
        tag = self.tags.get(kind)
        if tag is not None:
            place = None if self.places is None else self.places.get(id(value))
            if place is not None:
                return ['@', place]
            place = None if self.places is None else self.share(value)
            extra = value.maxlen if tag == 'q' else self.names.get(value.default_factory) if tag == 'D' else None
            return [tag, place, extra, self.encode_content(value, tag, depth + 1)]
        if kind is tuple:
            return ['t', self.encode_items(value, depth + 1)]
        if kind is frozenset:
            return ['F', self.encode_items(value, depth + 1)]
        if kind is bytes:
            return ['b', value.hex()]
        if kind is complex:
            return ['c', value.real, value.imag]
        if kind is range:
            return ['r', [self.encode(part) for part in (value.start, value.stop, value.step)]]
        if kind is self.Fraction and type(value.numerator) is int and type(value.denominator) is int:
            return ['f', [self.encode(value.numerator), self.encode(value.denominator)]]
        if kind is self.Decimal:
            return ['m', str(value)]
        fields = self.times.get(kind)
        if fields is not None and getattr(value, 'tzinfo', None) is None:
            return ['x', kind.__name__, [getattr(value, field) for field in fields]]
        # A type may be unhashable by its metaclass.
        if isinstance(value, type) and any(value is known for known in self.names):
            return ['T', self.names[value]]
        return self.encode_other(value, depth)

    def encode_items(self, items, depth):
        if is_literal(items):
            return [0, list(items)]
        return [1, [self.encode(item, depth) for item in items]]

    def encode_content(self, value, tag, depth):
        if tag == 'B':
            return value.hex()
        if tag in 'dODC':
            return [self.encode_items(list(value), depth), self.encode_items(list(value.values()), depth)]
        return self.encode_items(value, depth)

    def decode(self, data):
        if type(data) is not list:
            if type(data) is dict:
                raise Garbled
            return data
        tag = data[0]
        if tag in self.mutable:
            return self.decode_mutable(*data)
        if tag == '@':
            return self.shared[data[1]]
        if tag == 'i':
            return int(data[1], 16)
        if tag == 's':
            return bytes.fromhex(data[1]).decode('utf-8', 'surrogatepass')
        if tag == 't':
            return tuple(self.decode_items(data[1]))
        if tag == 'F':
            return frozenset(self.decode_items(data[1]))
        if tag == 'b':
            return bytes.fromhex(data[1])
        if tag == 'c':
            return complex(self.number(data[1]), self.number(data[2]))
        if tag == 'r':
            return range(*map(self.decode_int, data[1]))
        if tag == 'f':
            return self.Fraction(*map(self.decode_int, data[1]))
        if tag == 'm':
            return self.Decimal(data[1])
        if tag == 'x':
            kind = next(kind for kind in self.times if kind.__name__ == data[1])
            return kind(*map(self.decode_int, data[2]))
        if tag == 'T':
            return self.kinds[data[1]]
        return self.decode_other(tag, data)

    def number(self, value):
        if type(value) is not float:
            raise Garbled
        return value

    def decode_int(self, data):
        value = self.decode(data)
        if type(value) is not int:
            raise Garbled
        return value

    def decode_items(self, data):
        literal, items = data
        if literal:
            return [self.decode(item) for item in items]
        if not set(map(type, items)) <= LITERAL | {int, str}:
            raise Garbled
        return items

    def decode_mutable(self, tag, place, extra, content):
        kind = self.mutable[tag]
        value = kind(None if extra is None else self.kinds[extra]) if tag == 'D' else \
            kind((), None if extra is None else self.decode_int(extra)) if tag == 'q' else kind()
        if place is not None:
            self.received(place, value)
        self.fill(value, self.decode_content(tag, content))
        return value

    def decode_content(self, tag, content):
        if tag == 'B':
            return bytes.fromhex(content)
        if tag in 'dODC':
            return list(zip(self.decode_items(content[0]), self.decode_items(content[1])))
        return self.decode_items(content)

    def fill(self, value, content):
        """Replaces what a mutable object holds."""
        kind = type(value)
        if kind is list or kind is bytearray:
            value[:] = content
        elif kind is set or self.tags[kind] == 'q':
            value.clear()
            (value.update if kind is set else value.extend)(content)
        else:
            value.clear()
            # Not by update: a Counter would count.
            for key, item in content:
                value[key] = item

    def encode_call(self, arguments, keywords):
        return [self.encode_items(arguments, 0), list(keywords), self.encode_items(list(keywords.values()), 0)]

    def decode_call(self, arguments, names, values):
        return self.decode_items(arguments), dict(zip(names, self.decode_items(values)))


class AssertHarness(Peer):
    """Assertion mode in the program's process: once the program's body has run, serves what the assertions ask for."""

    def __init__(self, header, module):
        Peer.__init__(self, RESULT, 1 << 32)
        self.module = module
        self.module_type = type(sys)
        self.objects, self.numbers, self.callbacks = [], {}, {}
        self.bases = (bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset)
        self.copies = []
        self.modules = {name: sys.modules[name] for name in SHARED_MODULES if name in sys.modules}

    def call(self):
        sys.settrace(None)
        sys.setprofile(None)
        # The frames of this end.
        sys.setrecursionlimit(sys.getrecursionlimit() + 8)
        while True:
            message = self.receive()
            if message is None:
                return
            self.serve(message)

    def serve(self, message):
        outer = self.shared, self.places, self.copies
        self.shared, self.places, self.copies = [], {}, []
        try:
            try:
                reply = ['ok', self.perform(*message)]
            except Refused as refusal:
                reply = ['refused', str(refusal)]
            except BaseException as error:
                reply = self.deeply(self.encode_error, error)
            answer = [reply, self.changes()]
        finally:
            self.shared, self.places, self.copies = outer
        try:
            self.send(answer)
        except OSError:
            # The assertions have ended: the next message says so.
            pass

    def perform(self, act, *rest):
        if act == 'name':
            return self.named(rest[0])
        if act == 'target':
            parts = rest[0].split('.')
            names = self.module.__dict__
            if parts[0] not in names:
                raise NameError('the program defines no %s' % parts[0])
            value = names[parts[0]]
            return self.carried(getattr(value(), parts[1]) if len(parts) == 2 else value)
        target = self.objects[rest[0]]
        if act == 'call':
            arguments, keywords = self.deeply(self.decode_call, *rest[1:])
            return self.carried(target(*arguments, **keywords))
        if act == 'plain':
            return self.deeply(self.encode, self.plain(target))
        if act == 'isinstance':
            return isinstance(self.decode(rest[1]), target)
        if act in ('iter', 'next', 'len', 'str', 'repr'):
            return self.carried({'iter': iter, 'next': next, 'len': len, 'str': str, 'repr': repr}[act](target))
        if act == 'get':
            return self.carried(getattr(target, rest[1]))
        first, second = [self.deeply(self.decode, part) for part in (rest + (None,))[1:3]]
        if act == 'set':
            return setattr(target, first, second)
        if act == 'item':
            return self.carried(target[first])
        if act == 'setitem':
            target[first] = second
        elif act == 'delitem':
            del target[first]
        return None

    def carried(self, value):
        return self.deeply(self.encode, value)

    def named(self, name):
        """A name of the program; [] where it has none."""
        names = self.module.__dict__
        if name not in names:
            return []
        value = names[name]
        if type(value) is self.module_type and self.modules.get(value.__name__) is value:
            return ['M', value.__name__]
        if callable(value):
            for home, module in self.modules.items():
                if vars(module).get(name) is value:
                    return ['g', home, name]
        if isinstance(value, type) and issubclass(value, BaseException) and value not in self.names:
            return ['E'] + self.lineage(value)
        return self.carried(value)

    def lineage(self, kind):
        """An exception class as its own classes (number and name), lowest first, and the known one they come from."""
        own = []
        for each in kind.__mro__:
            if each in self.names:
                return [own, self.names[each]]
            if issubclass(each, BaseException):
                own.append([self.number_of(each), str(each.__name__)])
        return [own, 'Exception']

    def encode_error(self, error):
        kind = type(error)
        try:
            arguments = self.encode_items(error.args, 0)
        except BaseException:
            arguments = [0, []]
        try:
            text = str(error)
        except BaseException:
            text = ''
        own, base = self.lineage(kind)
        return ['error', own, base, arguments, self.encode(text), self.encode(described(error)), self.number_of(error)]

    def number_of(self, value):
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return number

    def encode_other(self, value, depth):
        callback = self.callbacks.get(id(value))
        if callback is not None:
            return ['k', callback]
        kind = type(value)
        if issubclass(kind, tuple) and kind.__eq__ is tuple.__eq__ and type(getattr(kind, '_fields', None)) is tuple:
            return ['n', self.number_of(kind), str(kind.__name__), [str(field) for field in kind._fields],
                    self.encode_items(tuple.__getitem__(value, slice(None)), depth + 1)]
        number = self.number_of(value)
        if isinstance(value, type):
            return ['h', number, 1 if type(value).__eq__ is type.__eq__ else 0]
        for base in self.bases:
            if issubclass(kind, base):
                return ['h', number, base.__name__]
        return ['h', number, 1 if kind.__eq__ is object.__eq__ else 0]

    def plain(self, value):
        """What an object of a class derived from a plain type holds as one, whatever the class made of it."""
        for base in self.bases:
            if not isinstance(value, base):
                continue
            if base in (list, tuple, set, frozenset):
                return base(base.__iter__(value))
            if base is dict:
                return {key: dict.__getitem__(value, key) for key in dict.__iter__(value)}
            if base is int:
                return int.__int__(value)
            if base is float:
                return float.__float__(value)
            if base is str:
                return str.__str__(value)
            return base.__getitem__(value, slice(None)) if base is not complex else complex.__add__(value, 0j)
        raise Refused('an object that holds no plain data')

    def share(self, value):
        return None

    def received(self, place, value):
        if place != len(self.shared):
            raise Garbled
        self.shared.append(value)
        self.places[id(value)] = place
        self.copies.append(None)

    def fill(self, value, content):
        Peer.fill(self, value, content)
        place = self.places.get(id(value))
        if place is not None:
            self.copies[place] = self.copied(value)

    def copied(self, value):
        """Something that tells whether the object has changed since, by the identity of what it holds."""
        if type(value) in (set, bytearray):
            return value.copy()
        return list(value) if type(value) is list or not hasattr(value, 'items') else [*value, *value.values()]

    def changes(self):
        """The mutable arguments that the program has changed, as they are now."""
        changed = []
        for place, value in enumerate(self.shared):
            old = self.copies[place]
            if old is None:
                continue
            new = self.copied(value)
            if type(new) is list:
                same = len(old) == len(new) and all(one is other for one, other in zip(old, new))
            else:
                same = old == new
            if not same:
                try:
                    changed.append([place, self.deeply(self.encode_content, value, self.tags[type(value)], 0)])
                except Refused as refusal:
                    changed.append([place, None, str(refusal)])
        return changed

    def decode_other(self, tag, data):
        if tag == 'h':
            return self.objects[data[1]]
        if tag == 'n':
            return tuple.__new__(self.objects[data[1]], self.decode_items(data[2]))
        if tag == 'g':
            __import__(data[1])
            value = sys.modules[data[1]]
            for part in data[2].split('.'):
                value = getattr(value, part)
            return value
        if tag == 'k':
            number = data[1]

            def callback(*arguments, **keywords):
                return self.ask_back(number, arguments, keywords)

            self.objects.append(callback)
            self.callbacks[id(callback)] = number
            return callback
        raise Garbled

    def ask_back(self, number, arguments, keywords):
        """Calls a function of the assertions."""
        self.send(['call', number] + self.deeply(self.encode_call, arguments, keywords))
        while True:
            message = self.receive()
            if message is None:
                raise EOFError('the assertions have ended')
            if message[0] == 'returned':
                return self.deeply(self.decode, message[1])
            if message[0] == 'raised':
                raise self.kinds[message[1]](*self.decode_items(message[2]))
            self.serve(message)

    def oversize(self):
        raise Refused('a message that is too large')


def described(error):
    """An exception of the program as the interpreter would print it, its end."""
    import traceback

    try:
        trace = own_part(error.__traceback__)
        return ''.join(traceback.format_exception(type(error), error, trace))[-2000:]
    except BaseException:
        return type(error).__name__


class RemoteKind(type):
    """The class of the stand-ins' classes: it does not tell their names for those of the program's classes."""

    @property
    def __name__(cls):
        SIDE[0].refuse('the name of the class of an object that the program made')


class Remote(metaclass=RemoteKind):
    """Stands, in the assertions' process, for an object of the program that is no plain data.

    What it is asked for comes from the program as plain data again. What would decide an assertion by the program's own
    word (equality, order, truth, membership, arithmetic) is refused."""

    __slots__ = ('_wellspring_number', '_wellspring_base')

    def __init__(self, number, base=None):
        object.__setattr__(self, '_wellspring_number', number)
        object.__setattr__(self, '_wellspring_base', base)

    def __call__(self, *arguments, **keywords):
        return SIDE[0].converse(
            lambda: ['call', self._wellspring_number] + SIDE[0].encode_call(arguments, keywords))

    def __getattr__(self, name):
        return SIDE[0].ask('get', self._wellspring_number, name)

    def __setattr__(self, name, value):
        SIDE[0].ask('set', self._wellspring_number, name, value)

    def __getitem__(self, key):
        return SIDE[0].ask('item', self._wellspring_number, key)

    def __setitem__(self, key, value):
        SIDE[0].ask('setitem', self._wellspring_number, key, value)

    def __delitem__(self, key):
        SIDE[0].ask('delitem', self._wellspring_number, key)

    def __iter__(self):
        return SIDE[0].ask('iter', self._wellspring_number)

    def __next__(self):
        return SIDE[0].ask('next', self._wellspring_number)

    def __len__(self):
        return SIDE[0].ask('len', self._wellspring_number)

    def __str__(self):
        return SIDE[0].ask('str', self._wellspring_number)

    def __repr__(self):
        return SIDE[0].ask('repr', self._wellspring_number)

    def __format__(self, form):
        return format(str(self), form)

    def __instancecheck__(self, value):
        return SIDE[0].ask('isinstance', self._wellspring_number, value) is True

    def __hash__(self):
        return hash(('an object of the program', self._wellspring_number))

    def __eq__(self, other):
        return True if other is self else SIDE[0].refuse('the equality of an object that the program made')

    def __ne__(self, other):
        return not self == other


class RemoteObject(Remote):
    """Stands for an object whose class leaves equality to identity."""

    __slots__ = ()
    __hash__ = Remote.__hash__

    def __eq__(self, other):
        if type(other) is Remote:
            SIDE[0].refuse('the equality of an object that the program made')
        return other is self


class RemoteValue(Remote):
    """Stands for an object of a class that the program derived from a plain type: counts as what it holds as that."""

    __slots__ = ()

    @property
    def __class__(self):
        return SIDE[0].kinds[self._wellspring_base]

    def __hash__(self):
        return hash(held_by(self))

    def __bool__(self):
        return bool(held_by(self))

    def __format__(self, form):
        return format(held_by(self), form)

    def __contains__(self, item):
        return item in held_by(self)


def held_by(value):
    return SIDE[0].ask('plain', value._wellspring_number) if type(value) is RemoteValue else value


def give_operators():
    def refusing(name):
        def refused(self, *_):
            SIDE[0].refuse('%s of an object that the program made' % name)

        return refused

    def by_value(name):
        def operator(self, *others):
            value = held_by(self)
            method = getattr(type(value), name, None)
            if method is None:
                if others:
                    return NotImplemented
                raise TypeError('%s is not defined for %s' % (name, type(value).__name__))
            return method(value, *map(held_by, others))

        return operator

    for name in 'bool contains enter exit await aiter deepcopy copy reduce reduce_ex subclasscheck mro_entries'.split():
        setattr(Remote, '__%s__' % name, refusing('__%s__' % name))
    def in_place(name):
        refused = refusing(name)

        def operator(self, other):
            return refused(self) if self._wellspring_base in ('list', 'set', 'dict', 'bytearray') else NotImplemented

        return operator

    operators = 'add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or'.split()
    names = operators + ['r' + name for name in operators]
    names += 'lt le gt ge neg pos abs invert int float complex index round trunc floor ceil bytes reversed'.split()
    for name in names:
        name = '__%s__' % name
        setattr(Remote, name, refusing(name))
        setattr(RemoteValue, name, by_value(name))
    for name in operators:
        name = '__i%s__' % name
        setattr(Remote, name, refusing(name))
        setattr(RemoteValue, name, in_place(name))
    for name in ('__eq__', '__ne__'):
        setattr(RemoteValue, name, by_value(name))


SIDE = [None]
MISSING = object()


class Assertions(Peer):
    """Assertion mode in the assertions' process: runs their text, with stand-ins for what the program made."""

    def __init__(self, header, descriptor):
        Peer.__init__(self, descriptor, header['output'])
        self.function = header.get('function')
        self.remotes, self.mirrors, self.tuples, self.exported = {}, {}, {}, []
        self.unshared, self.globals, self.reached = None, {}, 0
        give_operators()
        SIDE[0] = self

    # --- the talk

    def ask(self, act, number, *parts):
        return self.converse(lambda: [act, number] + [self.encode(part) for part in parts])

    def converse(self, message, named=None):
        """Sends a request and returns, or raises, what the program answers; serves what it asks meanwhile.

        named: the name that the request asks for."""
        outer = self.shared, self.places
        self.shared, self.places = [], {}
        try:
            try:
                message = self.deeply(message)
            except Refused as refusal:
                self.refuse(str(refusal))
            try:
                self.send(message)
            except OSError:
                self.end(ENDED, 'the program ended before the last assertion was reached')
            while True:
                try:
                    answer = self.receive()
                except (ValueError, RecursionError):
                    self.end(GARBLED, 'the program wrote to the connection of the assertions')
                if answer is None:
                    self.end(ENDED, 'the program ended before the last assertion was reached')
                try:
                    if answer[0] != 'call':
                        reply, changes = answer
                        return self.deeply(self.accept, reply, changes, named)
                    act, number, arguments, names, values = answer
                    function = self.exported[number]
                    arguments, keywords = self.deeply(self.decode_call, arguments, names, values)
                except AnswerError:
                    raise
                except MemoryError:
                    self.end(OUT_OF_MEMORY, 'a result takes more memory than the limit')
                except Exception:
                    self.end(GARBLED, 'the program wrote to the connection of the assertions')
                self.serve(function, arguments, keywords)
        except AnswerError as wrapped:
            error = wrapped.error
        finally:
            self.shared, self.places = outer
        raise error from None

    def accept(self, reply, changes, named):
        for place, content, *reason in changes:
            value = self.shared[place]
            if content is None:
                self.refuse(str(reason[0]))
            self.fill(value, self.decode_content(self.tags[type(value)], content))
        if reply[0] == 'ok':
            return self.decode(reply[1]) if named is None else self.decode_named(reply[1], named)
        if reply[0] == 'refused':
            self.refuse(self.text(reply[1]))
        if reply[0] != 'error':
            raise Garbled
        _, own, base, arguments, text, trace, number = reply
        kind = self.mirror(own, base)
        text, trace = self.text(self.decode(text)), self.text(self.decode(trace))
        try:
            error = kind(*self.decode_items(arguments))
        except Exception:
            error = kind.__new__(kind)
        error.__dict__.update(wellspring_trace=trace, wellspring_text=text, wellspring_number=number)
        raise AnswerError(error)

    def decode_named(self, data, name):
        """What the program has under a name. Modules of the library, and what they define, are this process's own."""
        if data == []:
            return MISSING
        tag = data[0] if type(data) is list else None
        if tag == 'M':
            if data[1] not in SHARED_MODULES:
                raise Garbled
            return sys.modules[data[1]]
        if tag == 'g':
            if data[1] not in SHARED_MODULES or data[2] != name:
                raise Garbled
            return getattr(sys.modules[data[1]], name)
        if tag == 'E':
            return self.mirror(data[1], data[2])
        return self.decode(data)

    def text(self, value):
        if type(value) is not str:
            raise Garbled
        return value

    def mirror(self, own, base):
        """The class here that stands for an exception class of the program."""
        kind = self.kinds[base]
        if not issubclass(kind, BaseException):
            raise Garbled
        for number, name in reversed(own):
            key = number, self.text(name)
            if key not in self.mirrors:
                self.mirrors[key] = type(name, (kind,), {'__str__': mirrored_text, '__getattr__': mirrored_attribute})
            kind = self.mirrors[key]
        return kind

    def serve(self, function, arguments, keywords):
        """Calls a function that the assertions handed to the program."""
        try:
            value = function(*arguments, **keywords)
        except Exception as error:
            known = next(kind for kind in type(error).__mro__ if kind in self.names)
            try:
                message = ['raised', self.names[known], self.encode_items(error.args, 0)]
            except Refused:
                message = ['raised', self.names[known], [0, []]]
        else:
            # A copy: the program's changes to it are not followed.
            places, self.places = self.places, None
            try:
                message = ['returned', self.deeply(self.encode, value)]
            except Refused as refusal:
                self.refuse(str(refusal))
            finally:
                self.places = places
        try:
            self.send(message)
        except OSError:
            self.end(ENDED, 'the program ended before the last assertion was reached')

    # --- objects

    def encode_other(self, value, depth):
        kind = type(value)
        if issubclass(kind, Remote):
            return ['h', value._wellspring_number]
        for number, mirrored in self.tuples.items():
            if kind is mirrored:
                return ['n', number, self.encode_items(tuple(value), depth + 1)]
        for (number, _), mirrored in self.mirrors.items():
            if value is mirrored:
                return ['h', number]
        if kind is type(give_operators) and value.__globals__ is self.globals:
            if value not in self.exported:
                self.exported.append(value)
            return ['k', self.exported.index(value)]
        home, name = getattr(value, '__module__', None), getattr(value, '__qualname__', None)
        owner = getattr(value, '__objclass__', None)
        if owner is not None:
            home = owner.__module__
        if callable(value) and type(home) is str and type(name) is str:
            found = sys.modules.get(home)
            for part in name.split('.'):
                found = getattr(found, part, None)
            if found is value and home != 'sandbox':
                return ['g', home, name]
        raise Refused('an argument of the type %s' % kind.__name__)

    def share(self, value):
        place = self.places[id(value)] = len(self.shared)
        self.shared.append(value)
        return place

    def received(self, place, value):
        raise Garbled

    def decode_other(self, tag, data):
        if tag == 'h':
            _, number, kind = data
            if type(number) is not int:
                raise Garbled
            if number not in self.remotes:
                if type(kind) is str and kind not in self.kinds:
                    raise Garbled
                self.remotes[number] = RemoteValue(number, kind) if type(kind) is str else \
                    RemoteObject(number) if kind == 1 else Remote(number)
            return self.remotes[number]
        if tag == 'n':
            _, number, name, fields, items = data
            if type(number) is not int:
                raise Garbled
            if number not in self.tuples:
                self.tuples[number] = self.namedtuple(self.text(name), list(map(self.text, fields)))
            return self.tuples[number]._make(self.decode_items(items))
        if tag == 'k':
            return self.exported[data[1]]
        raise Garbled

    def oversize(self):
        self.end(TOO_LARGE, '')

    # --- the text

    def run(self, text):
        import ast
        import builtins
        import io

        # What the assertions print may name what they expect, and the program can read the standard streams.
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()

        class Counting(ast.NodeTransformer):
            """Counts the assertions that are reached: assertions that never are say nothing of the program."""

            def visit_Assert(self, node):
                call = ast.Expr(ast.Call(ast.Name('_wellspring_reached', ast.Load()), [], []))
                return [ast.fix_missing_locations(ast.copy_location(call, node)), node]

        try:
            tree = ast.parse(text, 'assertions.py')
            nodes = list(ast.walk(tree))
            code = compile(Counting().visit(tree), 'assertions.py', 'exec', 0, True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return self.end(UNSUPPORTED, 'the assertions do not compile: %s' % error)
        claims = any(isinstance(node, ast.Assert) for node in nodes)
        if not claims and not any(isinstance(node, ast.Raise) or 'assert' in getattr(node, 'attr', '') for node in nodes):
            return self.end(UNSUPPORTED, 'the assertions hold no assertion')
        used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        mentioned = used | {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        mentioned |= {node.name.split('.')[-1] for node in nodes if isinstance(node, ast.alias)}
        self.unshared = min(mentioned & UNSHARED, default=None)
        own = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        own |= {node.name for node in nodes
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler))}
        own |= {(node.asname or node.name).split('.')[0] for node in nodes if isinstance(node, ast.alias)}
        called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        attributes = {}
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                attributes.setdefault(node.value.id, set()).add(node.attr)
        side, function = self, self.function
        root = None if function is None else function.split('.')[0]

        class Names(dict):
            """The builtins, and after them the program's names."""

            def __missing__(self, name):
                module = sys.modules.get(name)
                if name in SHARED_MODULES and name != root and name not in called and module is not None and all(
                        hasattr(module, attribute) for attribute in attributes.get(name, [''])):
                    return module
                return side.name(name)

        given = Names(vars(builtins))
        self.guard(given)
        names = self.globals
        # Not another name: what stands behind a guard of the main module is to be run.
        names.update({'__builtins__': given, '__name__': '__main__', '__file__': 'assertions.py',
                      '_wellspring_reached': self.reach})
        try:
            if function is not None:
                names['candidate'] = self.converse(lambda: ['target', function])
                if root in given:
                    names[root] = self.name(root)
            elif used - own <= set(vars(builtins)):
                # Nothing but builtins: one of them must be what the program defines.
                for name in used - own:
                    try:
                        names[name] = self.name(name)
                    except KeyError:
                        pass
            exec(code, names)
            # HumanEval's form: the assertions define check(candidate) and leave the call to the harness.
            if function is not None and callable(names.get('check')) and 'check' != root:
                names['check'](names['candidate'])
        except MemoryError as error:
            return self.end(OUT_OF_MEMORY, 'the assertions ran out of memory', getattr(error, 'wellspring_trace', ''))
        except SystemExit:
            return self.end(ENDED, 'the assertions ended before the last of them was reached')
        except BaseException as error:
            trace = getattr(error, 'wellspring_trace', None)
            if trace is None:
                import linecache

                linecache.cache['assertions.py'] = (len(text), None, text.splitlines(True), 'assertions.py')
                trace = described(error)
            elif isinstance(error, MemoryError):
                return self.end(OUT_OF_MEMORY, 'MemoryError', trace)
            is_ours = not hasattr(error, 'wellspring_trace')
            return self.end(WRONG if isinstance(error, AssertionError) and is_ours else RAISED,
                            type.__dict__['__name__'].__get__(type(error)), trace)
        if claims and self.reached == 0:
            return self.end(UNSUPPORTED, 'no assertion was reached')
        return self.end(HELD, '')

    def reach(self):
        self.reached += 1

    def name(self, name):
        """A name of the program. Throws KeyError where it has none."""
        if name.startswith('__') and name.endswith('__'):
            raise KeyError(name)
        found = self.converse(lambda: ['name', name], name)
        if found is MISSING:
            raise KeyError(name)
        return found

    def guard(self, given):
        """Replaces the builtins that would run the program's data as code, or be misled by a stand-in."""
        import_module, is_instance, kind_of, has = given['__import__'], isinstance, type, hasattr

        def refusing(name):
            return lambda *_, **__: self.refuse('a call of %s' % name)

        def is_remote(value):
            return issubclass(kind_of(value), Remote)

        def __import__(name, *rest, **more):
            if name.split('.')[0] in CODE_MODULES:
                self.refuse('the module %s' % name)
            return import_module(name, *rest, **more)

        def isinstance_(value, kinds):
            for kind in kinds if kind_of(kinds) is tuple else (kinds,):
                kind = kind_of if kind is type_ else kind
                if is_remote(value) and not is_remote(kind) and kind not in self.names:
                    self.refuse('the class of an object that the program made')
                if is_instance(value, kind):
                    return True
            return False

        def type_(*arguments):
            if len(arguments) == 1 and is_remote(arguments[0]):
                self.refuse('the class of an object that the program made')
            return kind_of(*arguments)

        def callable_(value):
            return self.refuse('callable of an object that the program made') if is_remote(value) else callable(value)

        def hasattr_(value, name):
            if is_remote(value) and name.startswith('__'):
                self.refuse('%s of an object that the program made' % name)
            return has(value, name)

        given.update({name: refusing(name) for name in ('eval', 'exec', 'compile', 'breakpoint')})
        given.update({'__import__': __import__, 'isinstance': isinstance_, 'type': type_, 'callable': callable_,
                      'hasattr': hasattr_})

    def refuse(self, what):
        """Ends with no verdict. Not by an exception, which the assertions might catch."""
        self.end(UNSUPPORTED, 'assertion mode cannot carry or judge: %s' % what)

    def end(self, code, message, trace=''):
        if code in (WRONG, RAISED) and self.unshared is not None:
            code, message = UNSUPPORTED, 'the assertions use %s, which they do not share with the program' % self.unshared
        try:
            os.pwrite(RESULT, message[:MOST_MESSAGE].encode('utf-8', 'replace'), 0)
            if trace:
                os.write(STDERR, trace[-4000:].encode('utf-8', 'replace'))
        except OSError:
            pass
        os._exit(code)


class AnswerError(Exception):
    """Carries an exception of the program past the handlers of what cannot be read."""

    def __init__(self, error):
        Exception.__init__(self)
        self.error = error


def mirrored_text(self):
    return self.__dict__.get('wellspring_text', '')


def mirrored_attribute(self, name):
    number = self.__dict__.get('wellspring_number')
    if number is None or name.startswith('__'):
        raise AttributeError(name)
    return SIDE[0].ask('get', number, name)
