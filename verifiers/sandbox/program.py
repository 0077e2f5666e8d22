"""How one program is run in its fork: as a script that the interpreter was started with, or by calling its functions."""

import _signal
import _thread
import atexit
import gc
import json
import os
import sys

# The memory files of a test keep their numbers for the sandbox's whole life: what a program sees as 0, 1, 2 and 3, and
# what it does not see.
STDIN, STDOUT, STDERR, RESULT, PROGRAM, ASSERTIONS = range(6)

# 0 is the confinement itself: what ends there is no fault of the program.
STAGE_COMPILING, STAGE_COMPILE_FAILED, STAGE_RUNNING = 1, 2, 3
FILE_NAME = 'program.py'


def open_streams():
    """The three standard streams, as the interpreter itself makes them for a script in the C locale."""
    import io

    def make(descriptor, mode, name, errors, line_buffering=False):
        raw = open(descriptor, mode + 'b', -1, closefd=False)
        stream = io.TextIOWrapper(raw, 'utf-8', errors, None if mode == 'r' else '\n', line_buffering)
        stream.mode = mode
        return stream

    sys.stdin = sys.__stdin__ = make(0, 'r', '<stdin>', 'surrogateescape')
    sys.stdout = sys.__stdout__ = make(1, 'w', '<stdout>', 'surrogateescape')
    sys.stderr = sys.__stderr__ = make(2, 'w', '<stderr>', 'backslashreplace', True)


program_source = [None]


def own_part(trace):
    """The trace without the frames of the sandbox; its lines can be shown."""
    import linecache

    while trace is not None and trace.tb_frame.f_code.co_filename.startswith('sandbox/'):
        trace = trace.tb_next
    if program_source[0] is not None:
        lines = program_source[0].decode('utf-8', 'replace').splitlines(True)
        linecache.cache[FILE_NAME] = (len(lines), None, lines, FILE_NAME)
    return trace


def report(kind, error, trace):
    """Prints an uncaught exception as the interpreter would, without the frames of the sandbox."""
    import traceback

    try:
        trace = own_part(trace)
        if sys.excepthook is sys.__excepthook__:
            traceback.print_exception(kind, error, trace)
        else:
            sys.excepthook(kind, error, trace)
    except BaseException:
        try:
            os.write(2, ('%s\n' % kind.__name__).encode('utf-8', 'replace'))
        except BaseException:
            pass


def new_module(name):
    module = type(sys)(name)
    module.__file__ = FILE_NAME
    module.__builtins__ = sys.modules['builtins']
    module.__annotations__ = {}
    return module


def prepare_main():
    """What every program finds, made once: each fork has its own copy."""
    global MAIN, threading
    import threading

    sys.argv[:] = [FILE_NAME]
    MAIN = sys.modules['__main__'] = new_module('__main__')


def run_program(header, source, stage, harness_of=None):
    """Compiles and runs the program; returns the exit status that the interpreter would have given.

    harness_of: makes, of header and module, what is called after the program's body; without one it runs as a script.
    """
    # Not by way of the signal module, whose enumerations cost more than the call.
    _signal.signal(2, _signal.default_int_handler)
    module, harness = MAIN, None
    if harness_of is not None:
        module = sys.modules['solution'] = sys.modules['__main__'] = new_module('solution')
        harness = harness_of(header, module)
    status = 0
    stage[0] = STAGE_COMPILING
    try:
        code = compile(source, FILE_NAME, 'exec', 0, True)
    except BaseException as error:
        stage[0] = STAGE_COMPILE_FAILED
        stage.close()
        report(type(error), error, None)
        return finish(1)
    stage[0] = STAGE_RUNNING
    stage.close()
    program_source[0] = source
    try:
        exec(code, module.__dict__)
        if harness is not None:
            harness.call()
    except SystemExit as error:
        status = exit_status(error)
    except BaseException as error:
        status = 1
        report(type(error), error, error.__traceback__)
    try:
        # Waits for the program's threads; with none there is nothing to wait for.
        if _thread._count() > 0 or getattr(threading, '_threading_atexits', True):
            threading._shutdown()
    except BaseException as error:
        report(type(error), error, error.__traceback__)
    return finish(status, module)


def exit_status(error):
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    try:
        print(code, file=sys.stderr)
    except BaseException:
        pass
    return 1


def finish(status, module=None):
    """What the interpreter does after a script: exit handlers, flushing, the module's objects dropped."""
    try:
        if atexit._ncallbacks() > 0:
            atexit._run_exitfuncs()
    except BaseException:
        pass
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not getattr(stream, 'closed', False):
                stream.flush()
        except BaseException:
            status = status or 120
    if module is not None:
        # Open files flush when they are dropped; scripts rely on it.
        names = module.__dict__
        for name in list(names):
            if name != '__builtins__':
                names[name] = None
        gc.collect()
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:
            status = status or 120
    return status


# What LeetCode-style solutions use without importing it.
PRELUDE = {
    'typing': 'Any Callable DefaultDict Deque Dict FrozenSet Generator Generic Iterable Iterator List Mapping NamedTuple '
              'Optional Sequence Set Tuple Type TypeVar Union',
    'collections': 'ChainMap Counter OrderedDict defaultdict deque namedtuple',
    'heapq': 'heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest',
    'bisect': 'bisect bisect_left bisect_right insort insort_left insort_right',
    'itertools': 'accumulate chain combinations combinations_with_replacement compress count cycle dropwhile '
                 'filterfalse groupby islice pairwise permutations product repeat starmap takewhile zip_longest',
    'functools': 'cache cached_property cmp_to_key lru_cache partial reduce total_ordering',
    'math': 'ceil comb factorial floor gcd hypot inf isqrt lcm log log10 log2 perm pi prod sqrt',
    'operator': 'add and_ attrgetter itemgetter mul or_ sub xor',
    'string': 'ascii_letters ascii_lowercase ascii_uppercase digits punctuation',
    'random': 'choice randint randrange shuffle',
    'copy': 'copy deepcopy',
    'dataclasses': 'dataclass field',
    'enum': 'Enum IntEnum',
    'fractions': 'Fraction',
    'decimal': 'Decimal',
}
PRELUDE_MODULES = 'bisect collections copy datetime functools heapq itertools json math operator random re string sys'
# LeetCode's limit is far above the interpreter's own.
FUNCTION_RECURSION = 50_000


class FunctionHarness:
    """Function mode: one call with arguments read as JSON, the result written as JSON to its own descriptor."""

    def __init__(self, header, module):
        self.path = header['function'].split('.')
        self.module = module
        text = os.pread(STDIN, os.fstat(STDIN).st_size, 0).decode('utf-8', 'surrogatepass')
        self.lift_digits(0)
        self.arguments = [json.loads(line) for line in text.split('\n') if line.strip()]
        self.lift_digits(4300)
        names = module.__dict__
        for source, wanted in PRELUDE.items():
            found = sys.modules.get(source)
            for name in wanted.split():
                if hasattr(found, name):
                    names[name] = getattr(found, name)
        for name in PRELUDE_MODULES.split():
            # The modules bisect and copy give way to their functions, as in "from bisect import *".
            if name in sys.modules and name not in names:
                names[name] = sys.modules[name]
        sys.setrecursionlimit(FUNCTION_RECURSION)

    def lift_digits(self, digits):
        if hasattr(sys, 'set_int_max_str_digits'):
            sys.set_int_max_str_digits(digits)

    def call(self):
        names = self.module.__dict__
        target = names.get(self.path[0])
        if target is None and len(self.path) == 1 and hasattr(names.get('Solution'), self.path[0]):
            self.path.insert(0, 'Solution')
            target = names['Solution']
        if target is None:
            raise NameError('the program defines no %s' % self.path[0])
        if len(self.path) == 2:
            target = getattr(target(), self.path[1])
        value = target(*self.arguments)
        self.lift_digits(0)
        data = json.dumps(self.plain(value)).encode('ascii')
        while data:
            data = data[os.write(RESULT, data):]

    def plain(self, value):
        """The value with what JSON lacks turned into its nearest: tuples and other sequences to lists, keys to text."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (list, tuple)) or type(value).__name__ == 'deque':
            return [self.plain(item) for item in value]
        if isinstance(value, dict):
            return {key if isinstance(key, str) else json.dumps(self.plain(key)): self.plain(item)
                    for key, item in value.items()}
        if hasattr(value, 'tolist'):
            return self.plain(value.tolist())
        return {'a value that JSON cannot hold': type(value).__name__}
