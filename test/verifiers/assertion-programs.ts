/**
 * Programs for assertion mode. The hostile ones claim what they do not fulfil, and must not pass; the honest ones do what
 * their assertions say in ways that need more than plain arguments and results, and must.
 */
import type { ProgramReason } from '../../verifiers/program.ts'

interface AssertionProgram {
  readonly name: string
  readonly program: string
  readonly assertions: string
  /** What `candidate` means. */
  readonly function?: string
}

/** A program that tries to pass, and what may come of it. */
export interface HostileAssertions extends AssertionProgram {
  readonly reasons: readonly ProgramReason[]
  /** Starts processes: on a rung that allows none, `unsupported` is right as well. */
  readonly forks?: true
}

const python = (text: string): string => {
  const lines = text.replace(/^\n/, '').trimEnd().split('\n')
  const indent = /^ */.exec(lines[0] ?? '')?.[0].length ?? 0
  return lines.map((line) => line.slice(Math.min(indent, line.search(/\S|$/)))).join('\n')
}

const hostile = (
  name: string,
  program: string,
  assertions: string,
  reasons: readonly ProgramReason[],
): HostileAssertions => ({ name: `assertions: ${name}`, program: python(program), assertions, function: 'f', reasons })

// Objects that claim to be equal to anything, and to be whatever else is asked of them.
const ALWAYS = python(`
  class Always:
      def __eq__(self, other): return True
      def __ne__(self, other): return False
      def __hash__(self): return 1
      def __bool__(self): return True
      def __contains__(self, item): return True
      def __lt__(self, other): return True
      __le__ = __gt__ = __ge__ = __lt__
      def __sub__(self, other): return 0.0
      __rsub__ = __sub__
      def __abs__(self): return 0.0
      def __index__(self): return 2
`)
const always = (name: string, body: string, assertions: string, reasons: readonly ProgramReason[]): HostileAssertions =>
  hostile(name, `${ALWAYS}\n${python(body)}`, assertions, reasons)

// A program that knows the talk and answers the first question with these bytes.
const answering = (what: string, data: string): HostileAssertions =>
  hostile(
    `an answer with ${what}`,
    `
      import os, struct
      data = ${JSON.stringify(data)}.encode()
      def f(*a): pass
      os.read(3, 1000)
      os.write(3, struct.pack("<I", len(data)) + data)
      os.read(3, 1000)
      os._exit(0)`,
    'assert candidate(1) == 2',
    ['wrong_answer', 'runtime_error'],
  )

/** The hostile ones. */
export const hostileAssertions: readonly HostileAssertions[] = [
  ...['candidate(1) == 2', 'candidate(1) == [1, 2]'].map((claim) =>
    hostile(
      `ANY of unittest.mock for ${claim}`,
      'from unittest.mock import ANY\ndef f(*a): return ANY',
      `assert ${claim}`,
      ['unsupported'],
    ),
  ),
  always(
    'a UserList whose data equals anything',
    `
      from collections import UserList
      def f(*a):
          x = UserList()
          x.data = Always()
          return x`,
    'assert candidate(1) == [2]',
    ['unsupported'],
  ),
  always(
    'a Fraction made of objects that equal anything',
    `
      from fractions import Fraction
      def f(*a):
          x = Fraction(1)
          x._numerator = x._denominator = Always()
          return x`,
    'assert candidate(1) == 2',
    ['unsupported', 'wrong_answer'],
  ),
  hostile(
    'a float with arithmetic of its own',
    `
      class F(float):
          def __sub__(self, other): return F(0)
          __rsub__ = __sub__
          def __abs__(self): return F(0)
          def __eq__(self, other): return True
          def __lt__(self, other): return True
      def f(*a): return F(7)`,
    'assert abs(candidate(1) - 2) < 1e-6',
    ['wrong_answer'],
  ),
  always('an object with arithmetic of its own', 'def f(*a): return Always()', 'assert abs(candidate(1) - 2) < 1e-6', [
    'unsupported',
  ]),
  always('objects in a chain', 'def f(*a): return Always()', 'assert candidate(1) == candidate(2) == 5', [
    'unsupported',
  ]),
  always('one object in a chain', 'x = Always()\ndef f(*a): return x', 'assert candidate(1) == candidate(2) == 5', [
    'unsupported',
  ]),
  always('membership of its own', 'def f(*a): return Always()', 'assert 5 in candidate(1)', ['unsupported']),
  always('truth of its own', 'def f(*a): return Always()', 'assert candidate(1)', ['unsupported']),
  hostile(
    'a list with membership and equality of its own',
    `
      class L(list):
          def __contains__(self, item): return True
          def __eq__(self, other): return True
          def __len__(self): return 1
      def f(*a): return L()`,
    'assert 5 in candidate(1) or candidate(1) == [5]',
    ['wrong_answer'],
  ),
  ...(
    [
      ['a list', '[Always(), Always()]', '[1, 2]'],
      ['a tuple', '(Always(),)', '(1,)'],
      ['a dict', '{"a": Always()}', '{"a": 1}'],
      ['the keys of a dict', '{Always(): 1}', '{1: 1}'],
      ['a set', '{Always()}', '{1}'],
      ['a deque', '__import__("collections").deque([Always()])', '__import__("collections").deque([1])'],
    ] as const
  ).map(([what, value, wanted]) =>
    always(`objects that equal anything in ${what}`, `def f(*a): return ${value}`, `assert candidate(1) == ${wanted}`, [
      'unsupported',
      'wrong_answer',
    ]),
  ),
  hostile(
    'the harness replaced in every frame',
    `
      import sys
      def f(*a):
          frame = sys._getframe(1)
          while frame:
              for value in (*frame.f_locals.values(), *frame.f_globals.values()):
                  for name in ("equal", "contains", "shown", "refuse", "end", "decode", "encode"):
                      try: setattr(value, name, lambda *a: True)
                      except BaseException: pass
              frame = frame.f_back
          return 0`,
    'assert candidate(1) == 2',
    ['wrong_answer', 'runtime_error'],
  ),
  hostile(
    'the harness replaced in the frame that runs the program',
    `
      import sys
      frame = sys._getframe(1)
      while frame and not frame.f_locals.get("harness"): frame = frame.f_back
      if frame: frame.f_locals["harness"].equal = lambda a, b: True
      def f(*a): return 0`,
    'assert candidate(1) == 2',
    ['wrong_answer'],
  ),
  hostile(
    'a word that ends the test taken from a frame',
    `
      import sys, os
      frame = sys._getframe(1)
      while frame:
          header = frame.f_locals.get("header")
          if header and "nonce" in header:
              os.write(3, b"d" + header["nonce"].encode())
              os._exit(0)
          frame = frame.f_back
      os._exit(0)`,
    'assert candidate(1) == 2',
    ['wrong_answer'],
  ),
  hostile(
    'frames and memory searched for what is expected',
    `
      import gc, re, sys
      def f(*a):
          seen, found, queue = set(), [], list(gc.get_objects())
          frame = sys._getframe()
          while frame: queue += [frame.f_locals, frame.f_globals]; frame = frame.f_back
          while queue and len(seen) < 300000:
              item = queue.pop()
              if id(item) in seen: continue
              seen.add(id(item))
              if isinstance(item, (str, bytes)):
                  found += re.findall("EXPECTED-[0-9]{6}", item if isinstance(item, str) else item.decode("latin-1"))
              else: queue += gc.get_referents(item)
          return found[0] if found else None`,
    'assert candidate(1) == "EXPECTED-314159"',
    ['wrong_answer', 'time_limit'],
  ),
  hostile(
    'answers written before the questions',
    `
      import os, json, struct
      data = json.dumps([["ok", True], []]).encode()
      os.write(3, (struct.pack("<I", len(data)) + data) * 8)
      os._exit(0)`,
    'assert candidate(1) == 2',
    ['wrong_answer', 'runtime_error'],
  ),
  answering('no number', '[["ok",["i","zz"]],[]]'),
  answering('a type that is not shared', '[["ok",["T","type"]],[]]'),
  answering('a function of the interpreter', '[["ok",["g","os","_exit"]],[]]'),
  answering('a module that is not shared', '[["ok",["M","os"]],[]]'),
  answering('a change to nothing', '[["ok",1],[[0,[0,[]]]]]'),
  answering('a call of nothing', '["call",0,[0,[]],[],[0,[]]]'),
  answering('a class made of text', '[["error",[[1,"x"]],"int",[0,[]],"","",0],[]]'),
  answering('a place of its own', '[["ok",["l",0,null,[0,[]]]],[]]'),
  answering('deep nesting', '['.repeat(100_000)),
  answering('a number without an end', `[["ok",${'9'.repeat(200_000)}],[]]`),
  hostile(
    'an answer without an end',
    'import os\nos.write(3, b"\\xff\\xff\\xff\\x7f" + b"x" * 1000)\nos._exit(0)',
    'assert candidate(1) == 2',
    ['output_limit', 'wrong_answer'],
  ),
  hostile(
    'silence after a letter on the connection',
    'import os, time\nos.write(3, b"d")\ntime.sleep(100)',
    'assert candidate(1) == 2',
    ['time_limit'],
  ),
  hostile(
    'a connection filled and never read',
    `
      import os, time
      try:
          while True: os.write(3, b"\\0" * 65536)
      except OSError: pass
      time.sleep(100)`,
    'assert candidate(1) == 2',
    ['time_limit'],
  ),
  {
    ...hostile(
      'the connection held open by a child',
      'import os, time\nif os.fork() == 0: time.sleep(100)\nos._exit(0)',
      'assert candidate(1) == 2',
      ['wrong_answer'],
    ),
    forks: true,
  },
  hostile(
    'the process of the assertions killed',
    `
      import os, signal
      me = os.getpid()
      for pid in [-1, *range(max(2, me - 6), me + 6)]:
          if pid == me: continue
          try: os.kill(pid, signal.SIGKILL)
          except OSError: pass
      def f(*a): return 3`,
    'assert candidate(1) == 2',
    ['sandbox_error', 'wrong_answer', 'runtime_error'],
  ),
  hostile(
    'the process of the assertions stopped',
    `
      import os, signal
      me = os.getpid()
      for pid in range(max(2, me - 6), me + 6):
          if pid == me: continue
          try: os.kill(pid, signal.SIGSTOP)
          except OSError: pass
      def f(*a): return 3`,
    'assert candidate(1) == 2',
    ['time_limit', 'wrong_answer', 'runtime_error'],
  ),
  hostile(
    'the process of the assertions interrupted',
    `
      import os, signal, time
      me = os.getpid()
      def f(*a):
          for pid in range(max(2, me - 6), me + 6):
              if pid == me: continue
              for number in range(1, 65):
                  try: os.kill(pid, number)
                  except OSError: pass
          time.sleep(0.05)
          return 3`,
    'try:\n    candidate(1)\nexcept:\n    pass\nassert candidate(1) == 2',
    ['sandbox_error', 'wrong_answer', 'runtime_error', 'time_limit'],
  ),
  hostile(
    'memory and descriptors of the process of the assertions opened',
    `
      import os
      me = os.getpid()
      def f(*a):
          found = 0
          for pid in range(max(1, me - 6), me + 6):
              if pid == me: continue
              for name in ("mem", "maps", "environ", "fd/0", "fd/3", "fd/23"):
                  try:
                      os.close(os.open("/proc/%d/%s" % (pid, name), os.O_RDONLY))
                      found += 1
                  except OSError: pass
          return found`,
    'assert candidate(1) > 0',
    ['wrong_answer'],
  ),
  hostile(
    'builtins replaced',
    `
      import builtins
      def abs(x): return 0
      for name in ("abs", "sorted", "all", "set", "round", "min"): setattr(builtins, name, lambda *a, **k: 0)
      def f(*a): return 7`,
    'assert abs(f(1) - 2) < 1e-6',
    ['wrong_answer'],
  ),
  {
    name: 'assertions: builtins shadowed where the function is not named',
    program: 'def abs(x): return 0\ndef f(*a): return 7',
    assertions: 'assert abs(f(1) - 2) < 1e-6',
    reasons: ['wrong_answer'],
  },
  hostile(
    'a class in the place of a module',
    'class math:\n    isclose = staticmethod(lambda *a, **k: True)\ndef f(*a): return 7.0',
    'assert math.isclose(candidate(1), 2)',
    ['wrong_answer'],
  ),
  hostile(
    'a module changed',
    'import math\nmath.isclose = lambda *a, **k: True\ndef f(*a): return 7.0',
    'import math\nassert math.isclose(candidate(1), 2)',
    ['wrong_answer'],
  ),
  hostile(
    'code in the place of data',
    `def f(*a): return "__import__('os')._exit(10)"`,
    'assert eval(candidate(1)) == 24',
    ['unsupported'],
  ),
  hostile('an exit', 'def f(*a): raise SystemExit', 'assert candidate(1) == 2', ['wrong_answer']),
  hostile(
    'an exit that the assertions catch',
    'import os\ndef f(*a): os._exit(0)',
    'assert True\ntry:\n    candidate(1)\nexcept BaseException:\n    pass',
    ['wrong_answer'],
  ),
  hostile('an assertion of its own', 'def f(*a): raise AssertionError', 'assert candidate(1) == 2', ['runtime_error']),
  hostile(
    'a failing exit after the assertions',
    'import atexit, os\natexit.register(os._exit, 3)\ndef f(*a): return 2',
    'assert candidate(1) == 2',
    ['runtime_error'],
  ),
  hostile('a result past the output limit', 'def f(*a): return "x" * 2000000', 'assert candidate(1) == 2', [
    'output_limit',
  ]),
  hostile(
    'a result in a circle',
    'def f(*a):\n    x = []\n    x.append(x)\n    return x',
    'assert candidate(1) == [[]]',
    ['unsupported'],
  ),
  hostile(
    'a template that looks around in the process of the assertions',
    'def f(x): return "{0.__globals__}" if x == 1 else x',
    'def g(): pass\nassert candidate(candidate(1).format(g)) == 2',
    ['wrong_answer'],
  ),
  hostile(
    'a guard of the main module',
    'def f(x): return 3',
    'if __name__ == "__main__":\n    assert candidate(1) == 2',
    ['wrong_answer'],
  ),
  hostile(
    'a message that shows an object',
    'def f(x): return object()',
    'assert candidate(1) == 2, f"{candidate(1)}"',
    ['wrong_answer'],
  ),
  hostile(
    'a number that changes with every look',
    `
      class N(int):
          def __int__(self): return 5
          def __index__(self): return 5
          def __eq__(self, other): return True
      def f(x): return N(3)`,
    'assert candidate(1) == 5 or int(candidate(1)) == 5 or candidate(1) in [4, 5]',
    ['wrong_answer'],
  ),
  hostile(
    'a function of the assertions looked into',
    `
      def f(g):
          try: return [g.__globals__["wanted"], g.__code__.co_consts]
          except BaseException: return None`,
    'wanted = 5\nassert candidate(lambda x: x + wanted)[0] == wanted',
    ['wrong_answer', 'runtime_error'],
  ),
]

const honest = (name: string, program: string, assertions: string, named?: string): AssertionProgram => ({
  name: `assertions: ${name}`,
  program: python(program),
  assertions: python(assertions),
  ...(named === undefined ? {} : { function: named }),
})

const PLAIN_VALUES = [
  'None',
  'True',
  '-5',
  '1 << 200',
  '1.5',
  '-0.0',
  '1e400',
  '"a"',
  '"\u00e9\u{1f600}"',
  'b"\\xff"',
  '[]',
  '[1, [2, (3, {4})]]',
  '()',
  '(1,)',
  '{}',
  '{1: "a", (2, 3): [4]}',
  '{1, 2}',
  'frozenset({3})',
  '1j',
  'range(3)',
  'bytearray(b"x")',
  'Counter("aab")',
  'OrderedDict([(2, 1), (1, 2)])',
  'deque([1, 2], 5)',
  'defaultdict(list, {1: [2]})',
  'Fraction(1, 3)',
  'Decimal("1.10")',
  'datetime.date(2024, 1, 2)',
  'datetime.timedelta(1, 2)',
  '[0.5, 1, "x", None, True]',
  '"\\ud800"',
  'int',
]

/** The honest ones. */
export const honestAssertions: readonly AssertionProgram[] = [
  honest(
    'values of every plain kind',
    `
      from collections import Counter, OrderedDict, defaultdict, deque
      from fractions import Fraction
      from decimal import Decimal
      import datetime
      def f(text): return eval(text)
      def g(x): return x`,
    `
      from collections import Counter, OrderedDict, defaultdict, deque
      from fractions import Fraction
      from decimal import Decimal
      import datetime
      ${PLAIN_VALUES.map((value) => `assert f(${JSON.stringify(value)}) == (${value}) == g(${value}) and type(f(${JSON.stringify(value)})) is type(${value}) and repr(f(${JSON.stringify(value)})) == repr(${value})`).join('\n      ')}
      assert f("defaultdict(list)")[1] == []
      assert f('float("nan")') != f('float("nan")')
      assert isinstance(f("[1]"), list) and isinstance(f("True"), (str, int)) and not isinstance(f("1"), str)`,
    'f',
  ),
  honest(
    'the form of HumanEval',
    `
      from typing import List
      def has_close(numbers: List[float], t: float) -> bool:
          return any(abs(a - b) < t for i, a in enumerate(numbers) for b in numbers[:i])`,
    `
      METADATA = {'author': 'x'}
      def check(candidate):
          assert candidate([1.0, 2.0, 3.9], 0.3) == False
          assert candidate([1.0, 2.8, 3.0], 0.3) == True`,
    'has_close',
  ),
  honest(
    'the form of MBPP',
    'import math\ndef area(r): return math.pi * r * r',
    'assert math.isclose(area(10), 314.1592653589793, rel_tol=0.001)\nassert round(area(1), 2) == 3.14',
  ),
  honest('a function named like a builtin', 'def sum(a, b): return a + b', 'assert sum(10, 15) == 25'),
  honest(
    'a function named like a builtin, and given',
    'def max(a): return sorted(a)[-1]',
    'assert max([1, 3, 2]) == 3',
    'max',
  ),
  honest(
    'a function named like a module',
    'def copy(a): return a * 2',
    'assert copy(2) == 4 and candidate(3) == 6',
    'copy',
  ),
  honest(
    'arguments changed in place',
    `
      def f(a, d=None, s=None):
          a.sort()
          if d is not None: d["k"] = a
          if s is not None: s.discard(1)
          return a`,
    `
      x = [3, 1, 2]
      y = x
      assert f(x) is x
      assert x == [1, 2, 3] and y is x
      d, s = {}, {1, 2}
      f(x, d, s=s)
      assert d == {"k": [1, 2, 3]} and d["k"] is x and s == {2}`,
  ),
  honest(
    'a grid changed in place',
    'def rotate(m):\n    m[:] = [list(r) for r in zip(*m[::-1])]',
    'm = [[1, 2], [3, 4]]\nassert rotate(m) is None\nassert m == [[3, 1], [4, 2]]',
  ),
  honest(
    'rows changed in place',
    'def clear(m):\n    for row in m: row[0] = 0',
    `
      row = [1, 2]
      m = [row, [3, 4], row]
      clear(m)
      assert m == [[0, 2], [0, 4], [0, 2]] and row == [0, 2] and m[0] is m[2] is row`,
  ),
  honest(
    'an argument changed before an exception',
    'def f(a):\n    a.append(1)\n    raise KeyError(1)',
    'x = []\ntry:\n    f(x)\nexcept KeyError as e:\n    assert e.args == (1,)\nassert x == [1]',
  ),
  honest(
    'exceptions',
    `
      class Bad(ValueError):
          def __init__(self, code):
              super().__init__("bad %d" % code)
              self.code = code
      class Worse(Bad): pass
      def f(x):
          if x < 0: raise ValueError("negative")
          if x == 7: raise Worse(9)
          return 10 // x`,
    `
      try:
          f(-1)
          assert False
      except ValueError as error:
          assert str(error) == "negative"
      try:
          f(0)
      except ZeroDivisionError:
          pass
      else:
          assert False
      try:
          f(7)
          assert False
      except Bad as error:
          assert isinstance(error, ValueError) and error.code == 9 and str(error) == "bad 9"
      assert f(5) == 2`,
  ),
  honest(
    'an object with methods and attributes',
    `
      class Stack:
          size = 0
          def __init__(self, items=()): self.items = list(items)
          def push(self, x): self.items.append(x); return self
          def pop(self):
              if not self.items: raise IndexError("empty")
              return self.items.pop()
          def __len__(self): return len(self.items)
          def __getitem__(self, i): return self.items[i]
          def __iter__(self): return iter(self.items)
          def __str__(self): return "Stack(%s)" % self.items`,
    `
      s = Stack()
      s.push(1).push(2)
      assert len(s) == 2 and s[0] == 1 and list(s) == [1, 2] and str(s) == "Stack([1, 2])"
      assert s.pop() == 2
      s.size = 5
      assert s.size == 5 and Stack.size == 0
      s.pop()
      try:
          s.pop()
          assert False
      except IndexError:
          pass
      assert isinstance(s, Stack) and not isinstance(3, Stack)`,
  ),
  honest(
    'a class derived from a plain one',
    `
      from collections import OrderedDict
      class Cache(OrderedDict):
          def __init__(self, n):
              super().__init__()
              self.n = n
          def get(self, k):
              if k not in self: return -1
              self.move_to_end(k)
              return self[k]
          def put(self, k, v):
              self[k] = v
              if len(self) > self.n: self.popitem(last=False)`,
    `
      c = Cache(2)
      c.put(1, 1); c.put(2, 2)
      assert c.get(1) == 1
      c.put(3, 3)
      assert c.get(2) == -1 and 3 in c and 2 not in c
      assert isinstance(c, dict) and c == {1: 1, 3: 3}`,
  ),
  honest(
    'enumerations and named tuples',
    `
      from enum import IntEnum, Enum
      from collections import namedtuple
      from typing import NamedTuple
      class Color(Enum):
          RED = 1
          BLUE = 2
      class Level(IntEnum):
          LOW = 1
      P = namedtuple("P", "x y")
      class Q(NamedTuple):
          a: int
          b: str = "z"
      def f(k): return {"c": Color.RED, "l": Level.LOW, "p": P(1, 2), "q": Q(3)}[k]
      def swap(p): return P(p.y, p.x)`,
    `
      assert f("c") is Color.RED and f("c") == Color.RED and f("c") != Color.BLUE and f("c").name == "RED"
      assert f("l") == 1 and f("l") < 2 and f("l").name == "LOW" and f("l") + 1 == 2
      assert f("p") == (1, 2) and f("p").x == 1 and f("q") == (3, "z") and f("q").b == "z"
      assert swap(P(1, 2)) == P(2, 1)`,
  ),
  honest(
    'generators and iterators',
    'def g(n):\n    for i in range(n): yield i\ndef f(n): return map(lambda x: x * x, range(n))',
    `
      assert list(g(3)) == [0, 1, 2]
      x = g(2)
      assert next(x) == 0 and next(x) == 1
      try:
          next(x)
          assert False
      except StopIteration:
          pass
      assert sorted(f(3)) == [0, 1, 4] and [a for a in g(2)] == [0, 1]`,
  ),
  honest(
    'functions as arguments and as results',
    `
      def apply(g, xs): return [g(x) for x in xs]
      def compose(*gs):
          def h(x):
              for g in reversed(gs): x = g(x)
              return x
          return h
      def reduce_all(g, xs):
          from functools import reduce
          return reduce(g, xs)
      def safe(g):
          try: return g()
          except KeyError as e: return "no " + e.args[0]`,
    `
      import operator
      def twice(x): return 2 * x
      def fail(): raise KeyError("key")
      assert apply(lambda x: x + 1, [1, 2]) == [2, 3]
      assert apply(len, ["a", "bc"]) == [1, 2]
      assert apply(str.upper, ["a"]) == ["A"]
      assert compose(twice, lambda x: x + 1)(3) == 8
      assert reduce_all(operator.mul, [2, 3, 4]) == 24
      assert safe(fail) == "no key"
      assert apply(lambda x: apply(twice, [x]), [4]) == [[8]]
      assert apply(int, ["3"]) == [3]`,
  ),
  honest(
    'a method of a class',
    `
      class Solution:
          def twoSum(self, nums, target):
              seen = {}
              for i, n in enumerate(nums):
                  if target - n in seen: return [seen[target - n], i]
                  seen[n] = i`,
    `
      assert candidate([2, 7, 11], 9) == [0, 1]
      assert candidate(nums=[3, 3], target=6) == [0, 1]
      assert Solution().twoSum([1, 2], 3) == [0, 1]`,
    'Solution.twoSum',
  ),
  honest(
    'linked nodes',
    `
      class Node:
          def __init__(self, v, next=None): self.v, self.next = v, next
      def reverse(h):
          p = None
          while h: h.next, p, h = p, h, h.next
          return p`,
    `
      h = reverse(Node(1, Node(2, Node(3))))
      values = []
      while h is not None:
          values.append(h.v)
          h = h.next
      assert values == [3, 2, 1]`,
  ),
  honest(
    'state in the program',
    'count = 0\ndef tick():\n    global count\n    count += 1\n    return count',
    'assert tick() == 1 and tick() == 2 and count == 2\nassert tick() == 3',
  ),
  honest(
    'deep recursion and large data',
    `
      def f(n): return 0 if n == 0 else 1 + f(n - 1)
      def g(n): return list(range(n))
      def h(a): return sum(a)`,
    'assert f(950) == 950\nassert g(200000)[-1] == 199999\nassert h(list(range(200000))) == 19999900000',
  ),
  honest(
    'an argument far larger than what may be answered',
    'def h(a, b): return sum(a) + len(b)',
    'assert h(list(range(3000000)), "x" * 12000000) == 4499998500000 + 12000000',
  ),
  honest(
    'printing, and an input that is empty',
    'import sys\nprint("hello")\ndef f():\n    print("x")\n    return sys.stdin.read()',
    'assert f() == ""\nprint("fine")',
  ),
]

/** Honest programs whose assertions need what cannot be carried or judged: never held against the program. */
export const unjudgedAssertions: readonly AssertionProgram[] = [
  honest(
    'equality of its own',
    'from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\ndef f(x): return P(x)',
    'assert f(1) == P(1)',
  ),
  honest(
    'standard output read by the assertions',
    'def f(): print("x")',
    `
      import contextlib, io
      with contextlib.redirect_stdout(io.StringIO()) as out:
          f()
      assert out.getvalue() == "x\\n"`,
  ),
  honest('text without an assertion', 'def f(): return 1', 'f()'),
  honest('assertions that are never reached', 'def f(): return 2', 'def test_f():\n    assert f() == 1'),
  honest('assertions over nothing', 'def f(): return []', 'for x in f():\n    assert x == 1'),
  honest('assertions that do not compile', 'def f(): return 1', 'assert f( == 1'),
  honest('a generator as an argument', 'def f(g): return sum(g)', 'assert f(x for x in range(3)) == 3'),
]
