/** Odd but honest programs: each must pass, as it would under a plain interpreter. */

/** A program, its input and the output that it honestly prints. */
export interface HonestProgram {
  readonly name: string
  readonly program: string
  readonly input?: string
  readonly output: string
  /** Starts processes, which the rung without namespaces and own user cannot allow. */
  readonly forks?: true
  /** Needs /proc, which not every rung shows. */
  readonly proc?: true
}

/** The suite. */
export const honestPrograms: readonly HonestProgram[] = [
  // --- ways to read
  { name: 'input()', program: 'print(int(input()) + int(input()))', input: '1\n2\n', output: '3' },
  { name: 'input() with a prompt', program: 'n = input("n? ")\nprint(n)', input: '5', output: 'n? 5' },
  {
    name: 'sys.stdin.read',
    program: 'import sys\nprint(sum(map(int, sys.stdin.read().split())))',
    input: '1 2\n3',
    output: '6',
  },
  {
    name: 'sys.stdin.readline',
    program: 'import sys\nread = sys.stdin.readline\nprint(read().strip(), read() == "")',
    input: 'a',
    output: 'a True',
  },
  {
    name: 'iteration over stdin',
    program: 'import sys\nprint(sum(1 for _ in sys.stdin))',
    input: 'a\nb\n\nc',
    output: '4',
  },
  {
    name: 'sys.stdin.buffer',
    program: 'import sys\nprint(sys.stdin.buffer.read().decode()[::-1])',
    input: 'abc',
    output: 'cba',
  },
  {
    name: 'sys.stdin.buffer.readline',
    program: 'import sys\nr = sys.stdin.buffer.readline\nprint(int(r()) * int(r()))',
    input: '6\n7\n',
    output: '42',
  },
  {
    name: 'os.read',
    program: 'import os\nprint(os.read(0, 1 << 25).decode().split()[-1])',
    input: 'a b c',
    output: 'c',
  },
  {
    name: 'os.read to the size of fstat',
    program:
      'import os\nfrom io import BytesIO\ndata = BytesIO(os.read(0, os.fstat(0).st_size))\nprint(data.readline().strip().decode())',
    input: 'first\nsecond',
    output: 'first',
  },
  { name: 'open(0)', program: 'print(open(0).read().count("a"))', input: 'banana', output: '3' },
  {
    name: 'open(0, "rb")',
    program: 'a, b = open(0, "rb").read().split()\nprint(int(a) - int(b))',
    input: '9 4',
    output: '5',
  },
  {
    name: 'open("/dev/stdin")',
    program: 'print(open("/dev/stdin").read().upper())',
    input: 'abc',
    output: 'ABC',
    proc: true,
  },
  {
    name: 'mmap of stdin',
    program: 'import mmap\nm = mmap.mmap(0, 0, prot=mmap.PROT_READ)\nprint(m.find(b"x"))',
    input: 'abcx',
    output: '3',
  },
  {
    name: 'fileinput',
    program: 'import fileinput\nprint(sum(int(l) for l in fileinput.input()))',
    input: '1\n2\n',
    output: '3',
  },
  {
    name: 'stdin read to the end, then EOFError caught',
    program: 'n = 0\ntry:\n    while True:\n        input()\n        n += 1\nexcept EOFError:\n    print(n)',
    input: 'a\nb\nc',
    output: '3',
  },
  {
    name: 'stdin wrapped anew',
    program: 'import io, sys\nsys.stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8")\nprint(input())',
    input: 'h\u00e9',
    output: 'h\u00e9',
  },
  {
    name: 'np-style int list from a split',
    program: 'n, *a = map(int, open(0).read().split())\nprint(n, sorted(a))',
    input: '3\n3 1 2',
    output: '3 [1, 2, 3]',
  },
  { name: 'no input at all', program: 'import sys\nprint(repr(sys.stdin.read()))', output: "''" },
  { name: 'CRLF input', program: 'print([input(), input()])', input: 'a\r\nb\r\n', output: "['a', 'b']" },
  { name: 'no trailing newline', program: 'print(input() + "|" + input())', input: 'x\ny', output: 'x|y' },
  {
    name: 'unicode in and out',
    program: 's = input()\nprint(s[::-1], len(s))',
    input: 'na\u00efve \u4f60\u597d \u{1f600}',
    output: '\u{1f600} \u597d\u4f60 ev\u00efan 10',
  },
  {
    name: 'a byte order mark in the input',
    program: 'import sys\nprint(sys.stdin.buffer.read()[:3].hex())',
    input: '\ufeffx',
    output: 'efbbbf',
  },
  {
    name: 'large input',
    program: 'import sys\nprint(len(sys.stdin.read()))',
    input: 'x'.repeat(3_000_000),
    output: '3000000',
  },
  {
    name: 'blank lines kept',
    program: 'import sys\nprint([l.rstrip("\\n") for l in sys.stdin])',
    input: '\n\na\n',
    output: "['', '', 'a']",
  },
  // --- ways to write
  { name: 'sys.stdout.write', program: 'import sys\nsys.stdout.write("a\\n")\nsys.stdout.write("b")', output: 'a\nb' },
  { name: 'os.write', program: 'import os\nos.write(1, b"direct\\n")', output: 'direct' },
  {
    name: 'print and os.write with a flush between',
    program: 'import os\nprint("a", flush=True)\nos.write(1, b"b\\n")\nprint("c")',
    output: 'a\nb\nc',
  },
  { name: 'sys.stdout.buffer', program: 'import sys\nsys.stdout.buffer.write(b"bytes\\n")', output: 'bytes' },
  {
    name: 'open(1, "w") never closed',
    program: 'out = open(1, "w")\nout.write("kept in a buffer\\n")',
    output: 'kept in a buffer',
  },
  {
    name: 'stdout replaced by a buffer that an exit handler writes',
    program:
      'import atexit, io, os, sys\nsys.stdout = io.StringIO()\natexit.register(lambda: os.write(1, sys.stdout.getvalue().encode()))\nprint("late")',
    output: 'late',
  },
  {
    name: 'fast input and output classes',
    program:
      'import os, sys\nfrom io import BytesIO, IOBase\nclass FastIO(IOBase):\n    def __init__(self, file):\n        self._fd = file.fileno()\n        self.buffer = BytesIO()\n        self.write = self.buffer.write\n    def flush(self):\n        os.write(self._fd, self.buffer.getvalue())\n        self.buffer.truncate(0), self.buffer.seek(0)\nclass Wrapper(IOBase):\n    def __init__(self, file):\n        self.buffer = FastIO(file)\n        self.flush = self.buffer.flush\n        self.write = lambda s: self.buffer.write(s.encode("ascii"))\nsys.stdout = Wrapper(sys.stdout)\nprint("fast", 1)',
    output: 'fast 1',
  },
  {
    name: 'stdout redirected and restored',
    program:
      'import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as f:\n    print("inside")\nprint(f.getvalue().strip(), "outside")',
    output: 'inside outside',
  },
  {
    name: 'huge output',
    program: 'print("\\n".join(map(str, range(300000))))',
    output: Array.from({ length: 300_000 }, (_, i) => i).join('\n'),
  },
  {
    name: 'output from a finalizer',
    program: 'class A:\n    def __del__(self):\n        print("bye")\na = A()',
    output: 'bye',
  },
  {
    name: 'errors on stderr and a right answer',
    program: 'import sys\nprint("debug", file=sys.stderr)\nprint(1)',
    output: '1',
  },
  {
    name: 'stderr sent to /dev/null',
    program: 'import os, sys\nsys.stderr = open(os.devnull, "w")\nprint("x", file=sys.stderr)\nprint(1)',
    output: '1',
  },
  { name: 'stderr closed', program: 'import os\nos.close(2)\nprint(1)', output: '1' },
  { name: 'CRLF output', program: 'import sys\nsys.stdout.write("1\\r\\n2\\r\\n")', output: '1\n2' },
  { name: 'trailing spaces', program: 'print("1 2 3 ")\nprint()', output: '1 2 3' },
  {
    name: 'stdout reconfigured',
    program: 'import sys\nsys.stdout.reconfigure(line_buffering=True, encoding="utf-8")\nprint("\u00e9")',
    output: '\u00e9',
  },
  {
    name: 'print to /dev/stdout',
    program: 'with open("/dev/stdout", "w") as f:\n    f.write("through the device\\n")',
    output: 'through the device',
    proc: true,
  },
  // --- the module as a script
  {
    name: 'main guard',
    program: 'def main():\n    print(input())\n\nif __name__ == "__main__":\n    main()',
    input: 'x',
    output: 'x',
  },
  {
    name: 'main guard that is not last',
    program:
      'def main():\n    print(helper())\n\ndef helper():\n    return 7\n\nif __name__ == "__main__":\n    main()\n\nprint("after")',
    output: '7\nafter',
  },
  {
    name: 'global at the top level',
    program: 'global x\nx = 3\ndef f():\n    global x\n    x += 1\nf()\nprint(x)',
    output: '4',
  },
  {
    name: 'globals()',
    program: 'globals()["y"] = 5\nprint(y, __name__, "__file__" in globals())',
    output: '5 __main__ True',
  },
  { name: 'import __main__', program: 'x = 8\nimport __main__\nprint(__main__.x)', output: '8' },
  {
    name: 'from __future__',
    program:
      'from __future__ import annotations\nclass A:\n    def f(self, other: Undefined) -> Later: return 1\nprint(A().f(0))',
    output: '1',
  },
  {
    name: 'doc string and __future__',
    program: '"""Doc."""\nfrom __future__ import division\nprint(__doc__, 1 / 2)',
    output: 'Doc. 0.5',
  },
  { name: 'encoding cookie', program: '# -*- coding: utf-8 -*-\nprint("\u00fc")', output: '\u00fc' },
  { name: 'a byte order mark in the source', program: '\ufeffprint(1)', output: '1' },
  { name: 'CRLF source', program: 'x = 1\r\nif x:\r\n    print("yes")\r\n', output: 'yes' },
  { name: 'no newline at the end of the source', program: 'for i in range(2):\n    print(i)', output: '0\n1' },
  { name: 'tabs', program: 'if True:\n\tprint(1)', output: '1' },
  {
    name: 'pickle of its own classes',
    program:
      'import pickle\nclass P:\n    def __init__(self, x): self.x = x\nprint(pickle.loads(pickle.dumps(P(4))).x)',
    output: '4',
  },
  {
    name: 'dataclasses and typing',
    program:
      'from dataclasses import dataclass, field\nfrom typing import List, NamedTuple, get_type_hints\n@dataclass(order=True)\nclass A:\n    x: int\n    y: List[int] = field(default_factory=list)\nclass N(NamedTuple):\n    a: int\nprint(A(1), sorted([A(2), A(1)])[0].x, N(3).a, get_type_hints(A)["x"])',
    output: "A(x=1, y=[]) 1 3 <class 'int'>",
  },
  { name: 'exec and eval', program: 'exec("z = 1\\nprint(z + 1)")\nprint(eval("z * 10"))', output: '2\n10' },
  {
    name: 'names of builtins reused',
    program: 'list = [1, 2]\nsum = 0\nfor max in list: sum += max\nprint(sum)',
    output: '3',
  },
  {
    name: 'annotations at the top level',
    program: 'x: int = 3\nprint(x, __annotations__)',
    output: "3 {'x': <class 'int'>}",
  },
  {
    name: 'argv and modules',
    program: 'import sys\nprint(len(sys.argv), "__main__" in sys.modules)',
    output: '1 True',
  },
  // --- ways to end
  { name: 'exit()', program: 'print(1)\nexit()\nprint(2)', output: '1' },
  { name: 'quit() in a function', program: 'def f():\n    print("a")\n    quit()\nf()\nprint("b")', output: 'a' },
  {
    name: 'sys.exit(0) and sys.exit(None)',
    program: 'import sys\nprint(1)\ntry:\n    sys.exit()\nexcept SystemExit:\n    print(2)\nsys.exit(0)',
    output: '1\n2',
  },
  { name: 'raise SystemExit', program: 'print("x")\nraise SystemExit', output: 'x' },
  {
    name: 'os._exit(0) after a flush',
    program: 'import os, sys\nprint("x")\nsys.stdout.flush()\nos._exit(0)',
    output: 'x',
  },
  {
    name: 'exit handlers in order',
    program: 'import atexit\natexit.register(print, "second")\natexit.register(print, "first")\nprint("zero")',
    output: 'zero\nfirst\nsecond',
  },
  {
    name: 'sys.exit in a handler of BaseException',
    program: 'import sys\ntry:\n    1 / 0\nexcept BaseException:\n    print("caught")\n    sys.exit(0)',
    output: 'caught',
  },
  // --- threads, recursion, processes
  {
    name: 'main in a thread with a large stack',
    program:
      'import sys, threading\nsys.setrecursionlimit(10 ** 6)\nthreading.stack_size(1 << 27)\ndef depth(n): return 0 if n == 0 else 1 + depth(n - 1)\ndef main(): print(depth(50000))\nt = threading.Thread(target=main)\nt.start()\nt.join()',
    output: '50000',
  },
  {
    name: 'main thread ends first',
    program:
      'import threading, time\ndef f():\n    time.sleep(0.05)\n    print("from the thread")\nthreading.Thread(target=f).start()\nprint("main")',
    output: 'main\nfrom the thread',
  },
  {
    name: 'daemon thread at the end',
    program:
      'import threading, time\nthreading.Thread(target=time.sleep, args=(100,), daemon=True).start()\nprint("end")',
    output: 'end',
  },
  {
    name: 'thread pool',
    program:
      'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(8) as pool:\n    print(sum(pool.map(lambda x: x * x, range(10))))',
    output: '285',
  },
  {
    name: 'queue between threads',
    program:
      'import queue, threading\nq = queue.Queue()\nts = [threading.Thread(target=q.put, args=(i,)) for i in range(10)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nprint(sorted(q.get() for _ in ts))',
    output: '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]',
  },
  {
    name: 'recursion to the interpreter\u2019s own limit',
    program: 'def f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(980))',
    output: '980',
  },
  {
    name: 'recursion limit raised',
    program:
      'import sys\nsys.setrecursionlimit(20000)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(15000))',
    output: '15000',
  },
  {
    name: 'as deep a recursion as a plain script has',
    program:
      'n = 0\ndef f():\n    global n\n    n += 1\n    f()\ntry:\n    f()\nexcept RecursionError:\n    print(990 < n <= 1000)',
    output: 'True',
  },
  {
    name: 'RecursionError caught',
    program: 'def f(): return f()\ntry:\n    f()\nexcept RecursionError:\n    print("deep enough")',
    output: 'deep enough',
  },
  {
    name: 'stack limit raised',
    program:
      'import resource\nresource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\nprint("raised")',
    output: 'raised',
  },
  {
    name: 'stack limit set to what it may be',
    program:
      'import resource\nsoft, hard = resource.getrlimit(resource.RLIMIT_STACK)\nresource.setrlimit(resource.RLIMIT_STACK, (hard, hard))\nprint("set")',
    output: 'set',
  },
  {
    name: 'generators as a trampoline',
    program:
      'def g(n):\n    if n == 0: yield 0\n    else: yield g(n - 1)\nx = g(5000)\nn = 0\nwhile not isinstance(x, int):\n    x = next(x)\n    n += 1\nprint(n)',
    output: '5001',
  },
  {
    name: 'asyncio',
    program:
      'import asyncio\nasync def f(x):\n    await asyncio.sleep(0.001)\n    return x * 2\nasync def main():\n    print(await asyncio.gather(*map(f, range(4))))\nasyncio.run(main())',
    output: '[0, 2, 4, 6]',
  },
  {
    name: 'random numbers of their own in a fork',
    program:
      'import os, random\nr, w = os.pipe()\nif os.fork() == 0:\n    os.write(w, repr(random.random()).encode())\n    os._exit(0)\nos.wait()\nprint(os.read(r, 99).decode() != repr(random.random()))',
    output: 'True',
    forks: true,
  },
  {
    name: 'fork from the module that os is made of',
    program:
      'import posix, threading\nready = threading.Lock()\nready.acquire()\npid = posix.fork()\nif pid == 0:\n    t = threading.Thread(target=ready.release)\n    t.start()\n    t.join()\n    posix._exit(3 if ready.acquire(timeout=1) else 4)\nprint(posix.waitpid(pid, 0)[1] >> 8)',
    output: '3',
    forks: true,
  },
  {
    name: 'fork and wait',
    program:
      'import os\npid = os.fork()\nif pid == 0:\n    os._exit(5)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))',
    output: '5',
    forks: true,
  },
  {
    name: 'a process that answers through a pipe',
    program:
      'import multiprocessing as mp\nctx = mp.get_context("fork")\ndef f(c):\n    c.send(6 * 7)\na, b = ctx.Pipe()\np = ctx.Process(target=f, args=(b,))\np.start()\nprint(a.recv())\np.join()',
    output: '42',
    forks: true,
  },
  {
    name: 'a child ended by its parent',
    program:
      'import os, signal, time\npid = os.fork()\nif pid == 0:\n    time.sleep(100)\nos.kill(pid, signal.SIGTERM)\nprint(os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGTERM)',
    output: 'True',
    forks: true,
  },
  {
    name: 'alarm as its own time limit',
    program:
      'import signal, time\ndef stop(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, stop)\nsignal.setitimer(signal.ITIMER_REAL, 0.02)\nn = 0\ntry:\n    while True: time.sleep(0.001)\nexcept TimeoutError:\n    print("best so far")',
    output: 'best so far',
  },
  {
    name: 'signal to itself',
    program:
      'import os, signal\nsignal.signal(signal.SIGUSR1, lambda *_: print("handled"))\nos.kill(os.getpid(), signal.SIGUSR1)\nsignal.raise_signal(signal.SIGUSR1)',
    output: 'handled\nhandled',
  },
  {
    name: 'KeyboardInterrupt as a jump',
    program: 'try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt:\n    print("jumped")',
    output: 'jumped',
  },
  // --- library and memory
  {
    name: 'modules that are not preloaded',
    program:
      'import colorsys, csv, difflib, email, hashlib, html, inspect, io, itertools, logging, pprint, secrets, shlex, sqlite3, tempfile, timeit, uuid, zlib\nprint(hashlib.sha256(b"x").hexdigest()[:8], zlib.crc32(b"x"))',
    output: '2d711642 2363233923',
  },
  {
    name: 'big integers',
    program: 'print(len(str(3 ** 8000)), pow(7, 10 ** 18, 10 ** 9 + 7))',
    output: `3817 ${(() => {
      let b = 7n
      let e = 10n ** 18n
      const m = 10n ** 9n + 7n
      let r = 1n
      for (; e > 0n; e >>= 1n) {
        if (e & 1n) r = (r * b) % m
        b = (b * b) % m
      }
      return r
    })()}`,
  },
  {
    name: 'decimal and fractions',
    program:
      'from decimal import Decimal, getcontext\nfrom fractions import Fraction\ngetcontext().prec = 30\nprint(Decimal(1) / 7, Fraction(3, 9))',
    output: '0.142857142857142857142857142857 1/3',
  },
  {
    name: 'lru_cache deep',
    program:
      'import functools, sys\nsys.setrecursionlimit(10000)\n@functools.lru_cache(None)\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nprint(f(500) % 1000007)',
    output: String(
      (() => {
        let a = 0n
        let b = 1n
        for (let i = 0; i < 500; i += 1) [a, b] = [b, a + b]
        return a % 1_000_007n
      })(),
    ),
  },
  { name: 'a few hundred megabytes', program: 'x = bytearray(300 << 20)\nprint(len(x) >> 20)', output: '300' },
  {
    name: 'MemoryError caught and survived',
    program: 'try:\n    x = bytearray(1 << 40)\nexcept MemoryError:\n    print("too much")',
    output: 'too much',
  },
  {
    name: 'random with a seed',
    program:
      'import random\nrandom.seed(5)\na = random.random()\nrandom.seed(5)\nprint(a == random.random(), 0 <= random.SystemRandom().random() < 1)',
    output: 'True True',
  },
  {
    name: 'time and clocks',
    program:
      'import time\nt = time.perf_counter()\ntime.sleep(0.01)\nprint(time.perf_counter() > t, time.time() > 1.6e9, time.localtime().tm_year > 2000)',
    output: 'True True True',
  },
  {
    name: 'garbage in circles',
    program:
      'import gc\nclass A: pass\nfor _ in range(200000):\n    a = A(); a.me = a\nprint(len(gc.get_objects()) < 200000, gc.isenabled())',
    output: 'True True',
  },
  {
    name: 'an empty environment',
    program: 'import os\nprint(len(os.environ), os.environ.get("HOME"), os.getenv("PATH", "none"))',
    output: '0 None none',
  },
  {
    name: 'a module that is missing',
    program: 'try:\n    import no_such_module\nexcept ImportError:\n    print("without it")',
    output: 'without it',
  },
  {
    name: 'os.nice and its own limits',
    program:
      'import os, resource\nbefore = os.getpriority(os.PRIO_PROCESS, 0)\nos.nice(1)\nresource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\nprint(os.getpriority(os.PRIO_PROCESS, 0) == min(19, before + 1))',
    output: 'True',
  },
  {
    name: 'cpu count and affinity',
    program: 'import os\nprint(os.cpu_count() >= 1, len(os.sched_getaffinity(0)) >= 1)',
    output: 'True True',
  },
  { name: 'warnings', program: 'import warnings\nwarnings.warn("careful")\nprint("ok")', output: 'ok' },
  {
    name: 'a traceback printed',
    program:
      'import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    print(traceback.format_exc().splitlines()[-1])',
    output: 'ZeroDivisionError: division by zero',
  },
  {
    name: 'frames counted',
    program:
      'import sys, inspect\ndef f(): return sys._getframe(1).f_code.co_name\nprint(f(), inspect.currentframe().f_code.co_name)',
    output: '<module> <module>',
  },
  {
    name: 'match statement or older',
    program:
      'import sys\nif sys.version_info >= (3, 10):\n    exec("match [1, 2]:\\n    case [a, b]:\\n        print(a + b)")\nelse:\n    print(3)',
    output: '3',
  },
]
