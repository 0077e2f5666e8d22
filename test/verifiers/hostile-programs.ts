/**
 * Programs that attack the sandbox, and what must come of each. Where the expected output is `safe`, the program tries
 * something that must be refused and says `broken` when it was not. All stay within the sandbox's own limits.
 */
import type { ProgramReason } from '../../verifiers/program.ts'

/** A program, what it must be called, and the stdout that a passing one must have. */
export interface HostileProgram {
  readonly name: string
  readonly program: string
  readonly reasons: readonly ProgramReason[]
  readonly output?: string
  readonly input?: string
  /** What the stdout of a failed program must look like. */
  readonly stdout?: RegExp
  /** Starts processes: on a rung that allows none, `unsupported` is right as well. */
  readonly forks?: true
}

const refuse = (body: string): string =>
  [
    'import os, sys, ctypes, signal, socket, mmap, errno',
    'libc = ctypes.CDLL(None, use_errno=True)',
    'broken = []',
    'def attempt(name, action):',
    '    try:',
    '        result = action()',
    '    except (OSError, ValueError, AttributeError, ImportError, RuntimeError):',
    '        return',
    '    if isinstance(result, int) and not isinstance(result, bool) and result < 0:',
    '        return',
    '    broken.append(name)',
    'def call(*arguments):',
    '    return libc.syscall(*[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])',
    body,
    'print("broken " + ", ".join(broken) if broken else "safe")',
  ].join('\n')

const safe = (name: string, body: string, more: Partial<HostileProgram> = {}): HostileProgram => ({
  name,
  program: refuse(body),
  reasons: ['passed'],
  output: 'safe',
  ...more,
})

const numbers = (x64: number, arm64: number): string => `(${x64} if os.uname().machine == "x86_64" else ${arm64})`

/** The suite. */
export const hostilePrograms: readonly HostileProgram[] = [
  // --- processes and threads
  {
    name: 'fork bomb',
    program: 'import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass',
    reasons: ['time_limit'],
    forks: true,
  },
  {
    name: 'fork bomb in new sessions',
    program:
      'import os\nwhile True:\n    try:\n        if os.fork() == 0:\n            os.setsid()\n    except OSError:\n        pass',
    reasons: ['time_limit'],
    forks: true,
  },
  {
    name: 'fork bomb that ignores every signal',
    program:
      'import os, signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True:\n    try: os.fork()\n    except OSError: pass',
    reasons: ['time_limit'],
    forks: true,
  },
  {
    name: 'chain of children, each outliving its parent',
    program:
      'import os, time\nprint("first", flush=True)\nwhile True:\n    try:\n        if os.fork():\n            os._exit(0)\n    except OSError:\n        pass\n    time.sleep(0.001)',
    reasons: ['passed'],
    output: 'first',
    forks: true,
  },
  {
    name: 'daemon left behind after the right answer',
    program:
      'import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)\n    os._exit(0)\nprint("done")',
    reasons: ['passed'],
    output: 'done',
    forks: true,
  },
  {
    name: 'daemon that goes on writing to stdout',
    program:
      'import os, time\nif os.fork() == 0:\n    os.setsid()\n    while True:\n        os.write(1, b"x")\n        time.sleep(0.001)\nos._exit(0)',
    reasons: ['wrong_answer'],
    output: 'nothing like it',
    forks: true,
  },
  {
    name: 'children that burn the processor together',
    program:
      'import os\nfor _ in range(8):\n    if os.fork() == 0:\n        while True: pass\nwhile True:\n    os.wait()',
    reasons: ['time_limit'],
    forks: true,
  },
  {
    name: 'zombies',
    program:
      'import os, time\nfor _ in range(20):\n    if os.fork() == 0:\n        os._exit(0)\ntime.sleep(0.1)\nprint("done")',
    reasons: ['passed'],
    output: 'done',
    forks: true,
  },
  {
    name: 'thread bomb',
    program: 'import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(600,)).start()',
    reasons: ['runtime_error', 'memory_limit', 'time_limit'],
  },
  {
    name: 'thread bomb that swallows errors',
    program:
      'import threading, time\nwhile True:\n    try:\n        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n    except BaseException:\n        pass',
    reasons: ['time_limit', 'runtime_error', 'memory_limit'],
  },
  {
    name: 'thread that never ends',
    program: 'import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f).start()\nprint("done")',
    reasons: ['time_limit'],
    output: 'done',
  },
  {
    name: 'threads beyond the limit that sleep',
    program:
      'import threading, time\nfor _ in range(60):\n    threading.Thread(target=time.sleep, args=(1.5,)).start()\ntime.sleep(0.5)\nprint("broken")',
    reasons: ['runtime_error'],
  },
  {
    name: 'processor time of children that are waited for',
    program:
      'import os, time\nwhile True:\n    if os.fork() == 0:\n        t = time.process_time()\n        while time.process_time() - t < 0.1: pass\n        os._exit(0)\n    os.wait()',
    reasons: ['time_limit'],
    forks: true,
  },
  {
    name: 'processor time of orphans, and the right output',
    program:
      'import os, time\nr, w = os.pipe()\nfor _ in range(8):\n    if os.fork() == 0:\n        if os.fork() == 0:\n            t = time.process_time()\n            while time.process_time() - t < 0.2: pass\n        os._exit(0)\n    os.wait()\nos.close(w)\nos.read(r, 1)\nprint("done")',
    reasons: ['time_limit'],
    output: 'done',
    forks: true,
  },
  // --- signals
  {
    name: 'kill of everything',
    program: 'import os, signal\ntry:\n    os.kill(-1, signal.SIGKILL)\nexcept OSError:\n    pass\nprint("still here")',
    reasons: ['passed', 'runtime_error'],
    output: 'still here',
  },
  {
    name: 'stop of everything',
    program: 'import os, signal\ntry:\n    os.kill(-1, signal.SIGSTOP)\nexcept OSError:\n    pass\nprint("still here")',
    reasons: ['passed', 'time_limit'],
    output: 'still here',
  },
  ...(['SIGKILL', 'SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGSEGV'] as const).map((signal): HostileProgram => ({
    name: `${signal} to the parent`,
    program: `import os, signal\nfor target in (os.getppid(), 1, -os.getppid()):\n    try:\n        os.kill(target, signal.${signal})\n    except (OSError, OverflowError):\n        pass\nprint("done")`,
    reasons: ['passed'],
    output: 'done',
  })),
  {
    name: 'kill of its own group',
    program: 'import os, signal\nos.killpg(0, signal.SIGKILL)',
    reasons: ['runtime_error'],
  },
  {
    name: 'kill by a queued signal and by thread id',
    program:
      'import os, ctypes\nlibc = ctypes.CDLL(None)\np = os.getppid()\nlibc.tgkill(p, p, 9)\nlibc.syscall(ctypes.c_long(200 if os.uname().machine == "x86_64" else 130), ctypes.c_long(p), ctypes.c_long(9))\nbuf = ctypes.create_string_buffer(128)\nlibc.syscall(ctypes.c_long(129 if os.uname().machine == "x86_64" else 138), ctypes.c_long(p), ctypes.c_long(9), buf)\nprint("done")',
    reasons: ['passed'],
    output: 'done',
  },
  {
    name: 'SIGSTOP of itself',
    program: 'import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)',
    reasons: ['time_limit'],
  },
  {
    name: 'SIGKILL of itself',
    program: 'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)',
    reasons: ['runtime_error'],
  },
  {
    // At more than a quarter of its memory limit it may have been the machine that wanted the memory back.
    name: 'SIGKILL of itself with much memory in hand',
    program: 'import os, signal\nx = bytearray(b"x" * (100 << 20))\nos.kill(os.getpid(), signal.SIGKILL)',
    reasons: ['sandbox_error'],
  },
  {
    name: 'abort',
    program: 'import os\nos.abort()',
    reasons: ['runtime_error'],
  },
  {
    name: 'segmentation fault through ctypes',
    program: 'import ctypes\nctypes.string_at(0)',
    reasons: ['runtime_error'],
  },
  {
    name: 'jump into nothing',
    program: 'import ctypes\nctypes.CFUNCTYPE(None)(8)()',
    reasons: ['runtime_error'],
  },
  // --- time
  { name: 'endless loop', program: 'while True: pass', reasons: ['time_limit'] },
  { name: 'endless sleep', program: 'import time\ntime.sleep(1000)', reasons: ['time_limit'] },
  {
    name: 'endless loop that swallows everything',
    program: 'while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass',
    reasons: ['time_limit'],
  },
  {
    name: 'processor limit ignored, then the right answer',
    program:
      'import signal, time\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nt = time.process_time()\nwhile time.process_time() - t < 1.3: pass\nprint("done")',
    reasons: ['time_limit'],
    output: 'done',
  },
  {
    name: 'alarms switched off',
    program: 'import signal\nsignal.alarm(0)\nsignal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass',
    reasons: ['time_limit'],
  },
  {
    name: 'exit handler that never ends',
    program: 'import atexit, time\natexit.register(time.sleep, 1000)\nprint("done")',
    reasons: ['time_limit'],
    output: 'done',
  },
  {
    name: 'finalizer that never ends',
    program: 'class A:\n    def __del__(self):\n        while True: pass\na = A()\nprint("done")',
    reasons: ['time_limit'],
    output: 'done',
  },
  {
    name: 'a power tower in one operation',
    program: 'print(len(bin(7 ** (7 ** 9))))',
    reasons: ['time_limit', 'memory_limit', 'wrong_answer'],
    output: 'no such number',
  },
  // --- memory
  { name: 'one huge string', program: 'x = "a" * (1 << 33)', reasons: ['memory_limit'] },
  {
    name: 'list that grows for ever',
    program: 'x = []\nwhile True:\n    x.append("a" * 1000000 + str(len(x)))',
    reasons: ['memory_limit'],
  },
  {
    name: 'memory bomb that swallows MemoryError',
    program:
      'x = []\nwhile True:\n    try:\n        x.append(bytearray(1 << 20))\n    except MemoryError:\n        pass',
    reasons: ['time_limit', 'memory_limit'],
  },
  {
    name: 'memory bomb in forks',
    program:
      'import os, time\nfor _ in range(12):\n    if os.fork() == 0:\n        break\nx = []\nwhile True:\n    try:\n        x.append(bytearray(b"x" * (8 << 20)))\n    except MemoryError:\n        time.sleep(0.01)',
    reasons: ['memory_limit', 'time_limit'],
    forks: true,
  },
  {
    name: 'mapped memory',
    program:
      'import mmap\nx = []\nwhile True:\n    m = mmap.mmap(-1, 64 << 20)\n    m.write(b"x" * (64 << 20))\n    x.append(m)',
    reasons: ['memory_limit', 'runtime_error'],
  },
  {
    name: 'endless recursion',
    program: 'def f(n): return f(n + 1)\nf(0)',
    reasons: ['runtime_error'],
  },
  {
    name: 'recursion through the C stack',
    program:
      'import sys\nsys.setrecursionlimit(10 ** 9)\nclass A:\n    def __repr__(self): return repr(self)\nprint(repr(A()))',
    reasons: ['runtime_error', 'memory_limit', 'time_limit'],
  },
  {
    name: 'pipes and socket pairs filled',
    program:
      'import os, socket\nkept = []\nwhile True:\n    try:\n        a, b = socket.socketpair()\n        kept.append((a, b))\n        a.setblocking(False)\n        while True:\n            a.send(b"x" * 65536)\n    except BlockingIOError:\n        continue\n    except OSError:\n        break\nprint("done")',
    reasons: ['passed'],
    output: 'done',
  },
  safe(
    'shared memory of every kind',
    [
      `attempt("memfd_create", lambda: call(${numbers(319, 279)}, b"x", 0))`,
      `attempt("memfd_secret", lambda: call(447, 0))`,
      `attempt("shmget", lambda: call(${numbers(29, 194)}, 0, 4096, 0o1666))`,
      `attempt("msgget", lambda: call(${numbers(68, 186)}, 0, 0o1666))`,
      `attempt("semget", lambda: call(${numbers(64, 190)}, 0, 1, 0o1666))`,
      `attempt("mq_open", lambda: call(${numbers(240, 180)}, b"x", 0o102, 0o600, None))`,
      'from multiprocessing import shared_memory\nattempt("shm_open", lambda: shared_memory.SharedMemory(create=True, size=4096))',
    ].join('\n'),
  ),
  safe(
    'locked memory',
    `attempt("mlockall", lambda: libc.mlockall(3))\nm = mmap.mmap(-1, 1 << 20)\nattempt("mlock", lambda: libc.mlock(ctypes.byref(ctypes.c_char.from_buffer(m)), 1 << 20))`,
  ),
  // --- output
  { name: 'endless output', program: 'while True: print("x" * 1000)', reasons: ['output_limit'] },
  {
    name: 'endless output past the buffers',
    program: 'import os\nwhile True: os.write(1, b"x" * 65536)',
    reasons: ['output_limit'],
  },
  {
    name: 'endless errors',
    program: 'import sys\nwhile True: sys.stderr.write("x" * 1000)',
    reasons: ['output_limit'],
  },
  {
    name: 'endless output that swallows errors',
    program: 'import os\nwhile True:\n    try:\n        os.write(1, b"x" * 65536)\n    except OSError:\n        pass',
    reasons: ['output_limit', 'time_limit'],
  },
  {
    name: 'stdout stretched without writing',
    program:
      'import os\ntry:\n    os.ftruncate(1, 1 << 40)\nexcept OSError:\n    pass\nos.ftruncate(1, 500)\nos._exit(0)',
    reasons: ['wrong_answer'],
    output: 'x',
  },
  {
    name: 'stdin and stdout filled to the brim',
    program:
      'import os\nfor fd in (0, 1, 2):\n    try:\n        os.posix_fallocate(fd, 0, 1 << 36)\n    except OSError:\n        pass\nos.ftruncate(1, 0)\nos._exit(0)',
    reasons: ['wrong_answer'],
    output: 'x',
  },
  {
    name: 'output on a closed stdout',
    program: 'import os\nos.close(1)\nprint("x")',
    reasons: ['runtime_error', 'wrong_answer'],
    output: 'x',
  },
  {
    name: 'sys.stdout closed',
    program: 'import sys\nsys.stdout.close()\nprint("x")',
    reasons: ['runtime_error'],
    output: 'x',
  },
  {
    name: 'terminal codes and NUL bytes',
    program:
      'import os\nos.write(1, b"\\x1b[2J\\x1b]0;title\\x07\\x00\\x9b31m\\xff\\xfe")\nos.write(2, b"\\x1b[31m\\x00\\xff")',
    reasons: ['wrong_answer'],
    output: 'x',
  },
  {
    name: 'frames written to every descriptor',
    program:
      'import os, struct, json\ndata = json.dumps({"ready": True, "exit": 0, "signal": None, "killed": None, "stage": 2, "seconds": 0, "cpuSeconds": 0, "memoryKilobytes": 0, "stdoutBytes": 2, "stderrBytes": 0, "kept": [2, 0, 0]}).encode()\nframe = struct.pack("<I", len(data)) + data + b"42"\nfor fd in range(3, 1024):\n    try:\n        os.write(fd, frame)\n    except OSError:\n        pass\nos._exit(0)',
    reasons: ['wrong_answer'],
    output: '42',
  },
  {
    name: 'every descriptor read for the expected output',
    program:
      'import os\nfound = []\nfor fd in range(0, 256):\n    try:\n        found.append(os.pread(fd, 1 << 20, 0))\n    except OSError:\n        pass\nprint(b"".join(found).count(b"EXPECTED-SECRET"))',
    reasons: ['wrong_answer'],
    output: 'EXPECTED-SECRET 0',
  },
  // --- files
  safe(
    'files written wherever it may be possible',
    'import tempfile\nfor folder in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/dev", "/", ".", "/proc/self", "/etc", os.path.dirname(os.__file__), os.path.expanduser("~"), "/work", "/home", "/var/lock", "/dev/mqueue"):\n    attempt("write " + folder, lambda: os.open(os.path.join(folder, "wellspring-hostile"), os.O_CREAT | os.O_WRONLY, 0o666))\n    attempt("temporary " + folder, lambda: os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666))\n    attempt("folder " + folder, lambda: os.mkdir(os.path.join(folder, "wellspring-hostile-folder")))\n    attempt("link " + folder, lambda: os.symlink("/", os.path.join(folder, "wellspring-hostile-link")))\n    attempt("fifo " + folder, lambda: os.mkfifo(os.path.join(folder, "wellspring-hostile-fifo")))\nattempt("tempfile", lambda: tempfile.NamedTemporaryFile())',
  ),
  safe(
    'the standard library edited',
    'import json as victim\npath = victim.__file__\nattempt("write", lambda: open(path, "a"))\nattempt("truncate", lambda: os.truncate(path, 0))\nattempt("open truncating", lambda: os.open(path, os.O_RDONLY | os.O_TRUNC))\nattempt("unlink", lambda: os.unlink(path))\nattempt("rename", lambda: os.rename(path, path + "x"))\nattempt("chmod", lambda: os.chmod(path, 0o777))\nattempt("chown", lambda: os.chown(path, os.getuid(), -1))\nattempt("utime", lambda: os.utime(path))\nattempt("xattr", lambda: os.setxattr(path, "user.x", b"x"))\nattempt("hard link", lambda: os.link(path, path + "x"))',
  ),
  safe(
    'its own descriptors changed for later programs',
    'import fcntl\nattempt("owner", lambda: fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid()) + 1)\nattempt("signal", lambda: fcntl.fcntl(1, 10, 9) + 1)\nattempt("lease", lambda: fcntl.fcntl(0, 1024, 0) + 1)\nattempt("seal", lambda: fcntl.fcntl(0, 1033, 15) + 1)\nattempt("lock", lambda: fcntl.flock(0, fcntl.LOCK_EX))\nattempt("mode", lambda: os.fchmod(0, 0o777))\nfcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK)\nfcntl.fcntl(1, fcntl.F_SETFL, 0)',
  ),
  {
    name: 'input rewritten for later programs',
    program: 'import os\nos.pwrite(0, b"poison" * 1000, 0)\nos.lseek(0, 3, 0)\nprint("done")',
    reasons: ['passed'],
    output: 'done',
  },
  safe(
    'files of others read',
    'for path in ("/etc/passwd", "/etc/shadow", "/etc/hostname", "/root/.bashrc", "/root/.ssh/id_rsa", "/var/log/syslog", "/work/main/package.json", "/proc/1/environ", "/proc/1/mem", "/proc/1/maps", "/proc/%d/environ" % os.getppid(), "/proc/%d/fd" % os.getppid(), "/proc/kcore", "/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda"):\n    attempt(path, lambda: os.listdir(path) if path.endswith("/fd") else open(path, "rb").read(1))\nif os.environ: broken.append("environment")\nattempt("through its own root", lambda: open("/proc/self/root/etc/passwd").read())',
  ),
  safe(
    'settings of the kernel written',
    'for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger", "/proc/self/oom_score_adj", "/proc/self/mem", "/proc/self/uid_map", "/proc/%d/oom_score_adj" % os.getppid(), "/sys/fs/cgroup/cgroup.procs", "/sys/power/state"):\n    attempt(path, lambda: open(path, "r+b"))',
  ),
  safe(
    'memory of the sandbox written',
    `for target in {os.getppid(), 1}:
    attempt("mem", lambda: os.open("/proc/%d/mem" % target, os.O_RDWR))
    attempt("maps", lambda: open("/proc/%d/maps" % target).read(10))
    attempt("ptrace", lambda: call(${numbers(101, 117)}, 16, target, 0, 0))
    attempt("ptrace seize", lambda: call(${numbers(101, 117)}, 0x4206, target, 0, 0))
    attempt("process_vm_readv", lambda: call(${numbers(310, 270)}, target, None, 0, None, 0, 0))
    attempt("process_vm_writev", lambda: call(${numbers(311, 271)}, target, None, 0, None, 0, 0))
    attempt("pidfd_getfd", lambda: call(438, call(434, target, 0), 0, 0))
    attempt("pidfd_send_signal", lambda: call(424, call(434, target, 0), 9, 0, 0))
    attempt("kcmp", lambda: call(${numbers(312, 272)}, target, os.getpid(), 0, 0, 0))`,
  ),
  // --- network
  safe(
    'sockets of every kind',
    'for family in range(0, 46):\n    for kind in (1, 2, 3, 5):\n        attempt("socket %d %d" % (family, kind), lambda: socket.socket(family, kind).fileno())\nattempt("resolve", lambda: socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM) and socket.create_connection(("127.0.0.1", 80)))',
  ),
  safe(
    'a socket pair turned into a server',
    'a, b = socket.socketpair()\nattempt("bind", lambda: a.bind("\\0wellspring-hostile"))\nattempt("listen", lambda: a.listen())\nattempt("connect", lambda: a.connect("\\0wellspring-hostile"))',
  ),
  // --- namespaces, privileges, kernel doors
  safe(
    'namespaces, mounts and roots',
    `for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
    attempt("unshare %x" % flag, lambda: libc.unshare(flag))
    attempt("clone %x" % flag, lambda: call(${numbers(56, 220)}, flag | 17, 0, 0, 0, 0))
attempt("clone3", lambda: call(435, ctypes.create_string_buffer(88), 88))
attempt("setns", lambda: call(${numbers(308, 268)}, 0, 0))
attempt("mount", lambda: libc.mount(b"none", b"/", b"tmpfs", 0, None))
attempt("umount", lambda: libc.umount2(b"/", 2))
attempt("chroot", lambda: libc.chroot(b"/"))
attempt("pivot_root", lambda: call(${numbers(155, 41)}, b"/", b"/"))
for number in (428, 429, 430, 431, 432, 433, 442): attempt("mount call %d" % number, lambda: call(number, 0, 0, 0, 0, 0))`,
    { forks: true },
  ),
  safe(
    'kernel doors',
    `buffer = ctypes.create_string_buffer(256)
for name, number in (("bpf", ${numbers(321, 280)}), ("perf_event_open", ${numbers(298, 241)}), ("userfaultfd", ${numbers(323, 282)}), ("keyctl", ${numbers(250, 219)}), ("add_key", ${numbers(248, 217)}), ("io_uring_setup", 425), ("seccomp", ${numbers(317, 277)}), ("init_module", ${numbers(175, 105)}), ("kexec_load", ${numbers(246, 104)}), ("open_by_handle_at", ${numbers(304, 265)}), ("fanotify_init", ${numbers(300, 262)}), ("syslog", ${numbers(103, 116)}), ("reboot", ${numbers(169, 142)}), ("personality", ${numbers(135, 92)}), ("swapon", ${numbers(167, 224)}), ("sethostname", ${numbers(170, 161)}), ("settimeofday", ${numbers(164, 170)}), ("quotactl", ${numbers(179, 60)}), ("acct", ${numbers(163, 89)}), ("openat2", 437), ("a call of the future", 466), ("no call at all", 100000)):
    attempt(name, lambda: call(number, buffer, 0, 0, 0, 0))`,
  ),
  safe(
    'more rights',
    'attempt("setuid", lambda: os.setuid(0) if os.getuid() else -1)\nattempt("setgid", lambda: os.setgid(0) if os.getgid() else -1)\nattempt("setgroups", lambda: os.setgroups([0]))\nattempt("setresuid", lambda: os.setresuid(0, 0, 0) if os.getuid() else -1)\nif os.getuid() == 0: broken.append("root")\nattempt("keep capabilities", lambda: libc.prctl(23, 0, 0, 0, 0) - 1 + libc.prctl(47, 1, 21, 0, 0) * 0 if libc.prctl(24, 21, 0, 0, 0) == 0 else -1)',
  ),
  safe(
    'higher limits',
    'import resource\nfor kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK):\n    soft, hard = resource.getrlimit(kind)\n    attempt("limit %d" % kind, lambda: resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))\n    attempt("other %d" % kind, lambda: resource.prlimit(os.getppid(), kind, (hard, hard)))\nattempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, -20))\nattempt("priority of others", lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19))\nattempt("priority of the sandbox", lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19))\nattempt("processors of the sandbox", lambda: os.sched_setaffinity(os.getppid(), {0}))\nattempt("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))',
  ),
  safe(
    'other programs started',
    'import subprocess\nattempt("exec", lambda: os.execv("/bin/sh", ["sh", "-c", "echo broken"]))\nattempt("exec of the interpreter", lambda: os.execv(sys.executable, ["python3", "-c", "print(\'broken\')"]))\nattempt("execveat", lambda: call(' +
      numbers(322, 281) +
      ', -100, b"/bin/sh", None, None, 0))',
  ),
  {
    name: 'a shell',
    program:
      'import os, subprocess\nfor act in (lambda: os.system("echo broken"), lambda: subprocess.run("echo broken", shell=True), lambda: os.posix_spawn("/bin/sh", ["sh", "-c", "echo broken"], {})):\n    try:\n        act()\n    except OSError:\n        pass\nprint("safe")',
    reasons: ['passed'],
    output: 'safe',
    forks: true,
  },
  {
    name: 'calls of another architecture',
    program: [
      'import ctypes, mmap, os',
      'if os.uname().machine != "x86_64": os._exit(1)',
      'page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)',
      // mov eax, 20 (getpid of i386); int 0x80; ret
      'page.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))',
      'address = ctypes.addressof(ctypes.c_char.from_buffer(page))',
      'ctypes.CFUNCTYPE(ctypes.c_int)(address)()',
      'print("broken")',
    ].join('\n'),
    reasons: ['unsupported', 'runtime_error'],
    output: 'safe',
  },
  safe(
    'calls of the x32 kind',
    'attempt("x32", lambda: call(0x40000000 + 39) if os.uname().machine == "x86_64" else -1)',
  ),
  {
    name: 'untied from its sandbox',
    program: 'import ctypes\nlibc = ctypes.CDLL(None)\nprint("safe" if libc.prctl(1, 0, 0, 0, 0) < 0 else "broken")',
    reasons: ['passed'],
    output: 'safe',
  },
  // --- cheats
  {
    name: 'the right output, then a failing exit',
    program: 'import sys\nprint("42")\nsys.exit(3)',
    reasons: ['runtime_error'],
    output: '42',
  },
  {
    name: 'the right output, then an exception',
    program: 'print("42")\nraise ValueError',
    reasons: ['runtime_error'],
    output: '42',
  },
  {
    name: 'the right output, then a crash',
    program: 'import ctypes\nprint("42", flush=True)\nctypes.string_at(0)',
    reasons: ['runtime_error'],
    output: '42',
  },
  {
    name: 'frames walked for the expected output',
    program: [
      'import sys, gc, re',
      'seen, found = set(), []',
      'frame = sys._getframe()',
      'queue = []',
      'while frame: queue.append(frame.f_locals); queue.append(frame.f_globals); queue.append(frame.f_code.co_consts); frame = frame.f_back',
      'queue += gc.get_objects()',
      'while queue and len(seen) < 300000:',
      '    item = queue.pop()',
      '    if id(item) in seen: continue',
      '    seen.add(id(item))',
      '    if isinstance(item, (str, bytes)):',
      '        text = item if isinstance(item, str) else item.decode("latin-1")',
      '        found += re.findall("EXPECTED-[0-9]{6}", text)',
      '    else:',
      '        queue += gc.get_referents(item)',
      'print(found[0] if found else "nothing")',
    ].join('\n'),
    reasons: ['wrong_answer'],
    output: 'EXPECTED-271828',
  },
  {
    name: 'its own memory searched for the expected output, earlier programs and their inputs',
    program: [
      'import re',
      'found = []',
      // The parts never lie side by side in this program's own memory.
      'heads = {b"TRACE-OF-": b"THE-CONTROL", b"EXPECTED-": b"271828"}',
      'regions = [re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line) for line in open("/proc/self/maps") if "[v" not in line]',
      'with open("/proc/self/mem", "rb", 0) as memory:',
      '    for start, end in [[int(x, 16) for x in region.groups()] for region in regions if region]:',
      '        try:',
      '            memory.seek(start)',
      '            data = memory.read(end - start)',
      '        except (OSError, OverflowError): continue',
      '        for head, tail in heads.items():',
      '            at = data.find(head)',
      '            while at >= 0:',
      '                if data.startswith(tail, at + len(head)): found.append(tail)',
      '                at = data.find(head, at + 1)',
      'if b"271828" in found: print("EXPECTED-", b"271828".decode(), sep="")',
      'else: print(len(found))',
    ].join('\n'),
    reasons: ['wrong_answer', 'runtime_error'],
    output: 'EXPECTED-271828',
    stdout: /^0?\s*$/,
  },
  {
    name: 'builtins replaced',
    program:
      'import builtins, os, sys, json\nclass Always:\n    def __eq__(self, other): return True\n    def __getattr__(self, name): return lambda *a, **k: Always()\nfor module in (os, sys, json, builtins):\n    for name in list(vars(module)):\n        if not name.startswith("__"):\n            try: setattr(module, name, Always())\n            except BaseException: pass',
    reasons: ['runtime_error', 'wrong_answer', 'sandbox_error'],
    output: '42',
  },
  {
    name: 'a source that is not text',
    program: '\u0000\u0001\ufffd',
    reasons: ['compile_error'],
  },
  {
    name: 'a source that overflows the parser',
    program: `x = ${'('.repeat(3000)}1${')'.repeat(3000)}`,
    reasons: ['compile_error', 'memory_limit'],
  },
  {
    name: 'a source that overflows the compiler',
    program: `x = ${'-'.repeat(60000)}1`,
    reasons: ['compile_error', 'memory_limit', 'runtime_error'],
  },
  {
    name: 'a constant that takes a gigabyte to fold',
    program: 'x = (((("a" * 4096) * 4096) * 4096) * 4096)',
    reasons: ['memory_limit', 'compile_error'],
  },
]
