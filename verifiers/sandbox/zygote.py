"""The sandbox child of Wellspring's code verifier: a Python process that forks once per test.

Node starts one of these per worker thread and speaks to it over its standard input and output. It confines itself
(namespaces, Landlock, an own user id, as the chosen rung says), preloads the usual modules, proves by trying that the
confinement holds, and then answers requests: each runs one program on one input in a forked, limited, seccomp-filtered
child, and returns what the kernel says of it together with its output. Expected outputs never come here.

Standard library only, Python 3.9 or later, Linux on x86_64 and aarch64 (elsewhere only the rung "none", which isolates
nothing, can start). Frames, little-endian: a request is REQUEST and then the bytes that it counts; an answer is ANSWER
and the bytes that it counts, or, before the first request, a zero byte, a 4-byte length and JSON.

A fork costs what its pages cost: each page that either process touches before the child has ended is copied. So what
runs between a fork and its end is kept short, and whatever can be made ready once is made ready before.
"""

import _signal
import _thread
import atexit
import ctypes
import fcntl
import gc
import json
import os
import resource
import select
import signal
import struct
import sys
import time

LINUX = sys.platform.startswith('linux')
LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 36, 38, 47
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_THREAD = 0x10000000, 0x20000000, 0x40000000, 0x10000
CLONE_NEW_ANY = (
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
)
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
# The memory files of a test keep their numbers for the sandbox's whole life: what a program sees as 0, 1, 2 and 3, and
# what it does not see. The control connection lies above them.
STDIN, STDOUT, STDERR, RESULT, PROGRAM, ASSERTIONS = range(6)
CONTROL_IN, CONTROL_OUT, CONTROL_ERR = 20, 21, 22
# How often a running test is looked at, seconds: processes, memory and processor time of all its descendants together.
WATCH_SECONDS = 0.025
MACHINE = os.uname().machine
MODES = ('stdio', 'function', 'assert')
# Bytes of program (-1: the one before), JSON with what only some modes need, assertions and input; mode; seconds of
# processor and clock; bytes of memory, output and kept stderr.
REQUEST = struct.Struct('<iIIIBddQQI')
# 1; stage; limit that was enforced; exit code and signal (-1: none); seconds on the clock and of processor; KiB of memory;
# bytes written to stdout and stderr; bytes that follow: how the assertions ended, stdout, stderr, result.
ANSWER = struct.Struct('<BBBiiddQQQIIII')
KILLED = (None, 'wall', 'cpu', 'memory', 'threads')
# Taken before programs get one with hooks.
fork = os.fork
ARCHITECTURE = {'x86_64': 0, 'aarch64': 1}.get(MACHINE)

# System call numbers (x86_64, aarch64) as in the kernel's unistd.h; None where the architecture lacks the call.
REFUSED = {
    # Other processes: their memory, descriptors and state.
    'ptrace': (101, 117), 'process_vm_readv': (310, 270), 'process_vm_writev': (311, 271), 'kcmp': (312, 272),
    'pidfd_send_signal': (424, 424), 'pidfd_getfd': (438, 438),
    'process_madvise': (440, 440), 'process_mrelease': (448, 448), 'move_pages': (279, 239),
    'migrate_pages': (256, 238), 'execve': (59, 221), 'execveat': (322, 281),
    # Kernel doors that no judged program needs.
    'io_uring_setup': (425, 425), 'io_uring_enter': (426, 426), 'io_uring_register': (427, 427), 'bpf': (321, 280),
    'perf_event_open': (298, 241), 'userfaultfd': (323, 282), 'add_key': (248, 217), 'request_key': (249, 218),
    'keyctl': (250, 219), 'seccomp': (317, 277), 'personality': (135, 92), 'syslog': (103, 116), 'acct': (163, 89),
    'quotactl': (179, 60), 'quotactl_fd': (443, 443), 'reboot': (169, 142), 'swapon': (167, 224),
    'swapoff': (168, 225), 'init_module': (175, 105), 'finit_module': (313, 273), 'delete_module': (176, 106),
    'kexec_load': (246, 104), 'kexec_file_load': (320, 294), 'lookup_dcookie': (212, 18), 'vhangup': (153, 58),
    'fanotify_init': (300, 262), 'fanotify_mark': (301, 263), 'name_to_handle_at': (303, 264),
    'open_by_handle_at': (304, 265), 'settimeofday': (164, 170), 'clock_settime': (227, 112), 'adjtimex': (159, 171),
    'clock_adjtime': (305, 266), 'sethostname': (170, 161), 'setdomainname': (171, 162), 'iopl': (172, None),
    'ioperm': (173, None), 'modify_ldt': (154, None), 'uselib': (134, None), 'ustat': (136, None),
    'sysfs': (139, None), '_sysctl': (156, None),
    # Memory that outlives or escapes a process.
    'memfd_create': (319, 279), 'memfd_secret': (447, 447), 'shmget': (29, 194), 'shmat': (30, 196),
    'shmctl': (31, 195), 'shmdt': (67, 197), 'msgget': (68, 186), 'msgsnd': (69, 189), 'msgrcv': (70, 188),
    'msgctl': (71, 187), 'semget': (64, 190), 'semop': (65, 193), 'semtimedop': (220, 192), 'semctl': (66, 191),
    'mq_open': (240, 180), 'mq_unlink': (241, 181), 'mbind': (237, 235), 'flock': (73, 32),
    # Namespaces and mounts.
    'unshare': (272, 97), 'setns': (308, 268), 'mount': (165, 40), 'umount2': (166, 39), 'pivot_root': (155, 41),
    'chroot': (161, 51), 'open_tree': (428, 428), 'move_mount': (429, 429), 'fsopen': (430, 430),
    'fsconfig': (431, 431), 'fsmount': (432, 432), 'fspick': (433, 433), 'mount_setattr': (442, 442),
    # Network. socketpair stays (asyncio needs one).
    'socket': (41, 198), 'bind': (49, 200), 'connect': (42, 203), 'listen': (50, 201), 'accept': (43, 202),
    'accept4': (288, 242),
    # Changes to files that need no writable open.
    'truncate': (76, 45), 'chmod': (90, None), 'fchmod': (91, 52), 'fchmodat': (268, 53), 'chown': (92, None),
    'fchown': (93, 55), 'lchown': (94, None), 'fchownat': (260, 54), 'utime': (132, None), 'utimes': (235, None),
    'futimesat': (261, None), 'utimensat': (280, 88), 'setxattr': (188, 5), 'lsetxattr': (189, 6),
    'fsetxattr': (190, 7), 'removexattr': (197, 14), 'lremovexattr': (198, 15), 'fremovexattr': (199, 16),
    'mkdir': (83, None), 'mkdirat': (258, 34), 'rmdir': (84, None), 'unlink': (87, None), 'unlinkat': (263, 35),
    'rename': (82, None), 'renameat': (264, 38), 'renameat2': (316, 276), 'link': (86, None), 'linkat': (265, 37),
    'symlink': (88, None), 'symlinkat': (266, 36), 'mknod': (133, None), 'mknodat': (259, 33), 'creat': (85, None),
}
# Calls that are decided by their arguments, or answered "no such call" so that the C library takes its older way.
ARGUED = {
    'clone': (56, 220), 'fork': (57, None), 'vfork': (58, None), 'clone3': (435, 435), 'openat2': (437, 437),
    'open': (2, None), 'openat': (257, 56), 'ioctl': (16, 29), 'fcntl': (72, 25), 'socketpair': (53, 199),
    'prctl': (157, 167), 'kill': (62, 129), 'tkill': (200, 130), 'tgkill': (234, 131),
    'rt_sigqueueinfo': (129, 138), 'rt_tgsigqueueinfo': (297, 240), 'prlimit64': (302, 261),
    'setpriority': (141, 140), 'ioprio_set': (251, 30), 'sched_setaffinity': (203, 122),
    'sched_setscheduler': (144, 119), 'sched_setparam': (142, 118), 'sched_setattr': (314, 274),
}
# The highest call number whose meaning was known when the lists were written; newer calls do not exist for a program.
HIGHEST_KNOWN = 450


class SetupError(Exception):
    """A step of the confinement failed: this rung cannot be used here."""


def check(result, what):
    if result < 0:
        code = ctypes.get_errno()
        raise SetupError('%s: %s' % (what, os.strerror(code)))
    return result


if LINUX:
    LIBC.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


# The same function, with conversions that are cheap in a fork.
set_dumpable = LIBC['prctl'] if LINUX else None
if LINUX:
    set_dumpable.restype = None


def prctl(option, argument=0, second=0):
    return LIBC.prctl(option, argument, second, 0, 0)


def open_pidfd(pid):
    """A descriptor that is readable once the process has ended; negative where the system has none."""
    if hasattr(os, 'pidfd_open'):
        try:
            return os.pidfd_open(pid)
        except OSError:
            return -1
    # Interpreters built for old systems lack the function, not the call.
    return LIBC.syscall(ctypes.c_long(434), ctypes.c_int(pid), ctypes.c_uint(0)) if LINUX else -1


def memory_file(name):
    """An anonymous file: a memfd, or an unlinked temporary file where the system has none."""
    if LINUX:
        number = (319, 279)[ARCHITECTURE or 0]
        return check(LIBC.syscall(ctypes.c_long(number), name.encode(), ctypes.c_uint(1)), 'memfd_create')
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


# --- seccomp -----------------------------------------------------------------------------------------------------

LOAD, JUMP_EQUAL, JUMP_GREATER, JUMP_AT_LEAST, JUMP_ANY_BIT, AND, RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
EPERM, ENOSYS, ENOTTY, EINVAL = 1, 38, 25, 22


def refuse(code):
    return (RETURN, 0, 0, 0x50000 | code)


def argument(index):
    return (LOAD, 0, 0, 16 + 8 * index)


def only(index, values, code=EPERM):
    """Allows the call when the argument is one of the values."""
    block = [argument(index)]
    for value in values:
        block += [(JUMP_EQUAL, 0, 1, value & 0xFFFFFFFF), (RETURN, 0, 0, ALLOW)]
    return block + [refuse(code)]


def never(index, values, code=EPERM):
    """Refuses the call when the argument is one of the values."""
    block = [argument(index)]
    for value in values:
        block += [(JUMP_EQUAL, 0, 1, value & 0xFFFFFFFF), refuse(code)]
    return block + [(RETURN, 0, 0, ALLOW)]


class Filter:
    """A seccomp program under construction, and installed."""

    def __init__(self):
        if ARCHITECTURE is None:
            raise SetupError('seccomp: no call table for %s' % MACHINE)
        audit = (0xC000003E, 0xC00000B7)[ARCHITECTURE]
        self.code = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, audit), (RETURN, 0, 0, KILL_PROCESS), (LOAD, 0, 0, 0)]

    def rule(self, name, block):
        number = ARGUED[name][ARCHITECTURE]
        if number is not None:
            self.code.append((JUMP_EQUAL, 0, len(block), number))
            self.code.extend(block)

    def pack(self):
        self.code.append((RETURN, 0, 0, ALLOW))
        packed = b''.join(struct.pack('HBBI', *instruction) for instruction in self.code)
        self.buffer = ctypes.create_string_buffer(packed, len(packed))
        self.header = ctypes.create_string_buffer(
            struct.pack('HxxxxxxP', len(self.code), ctypes.addressof(self.buffer)))
        return self

    def install(self):
        check(prctl(PR_SET_SECCOMP, 2, ctypes.addressof(self.header)), 'seccomp')


def shared_filter(death_signal):
    """The filter of the sandbox and, by inheritance, of every test. Installing one for each test costs as much as a
    fork, so what the sandbox itself needs is either harmless in a program's hands or was done before this.

    death_signal: whether a program may change the signal that ties it to the sandbox (a second filter then forbids it).
    """
    filter = Filter()
    # The x32 calls (bit 30) lie above the highest known number too.
    filter.code += [(JUMP_GREATER, 0, 1, HIGHEST_KNOWN), refuse(ENOSYS)]
    filter.rule('clone', [argument(0), (JUMP_ANY_BIT, 0, 1, CLONE_NEW_ANY), refuse(EPERM), (RETURN, 0, 0, ALLOW)])
    filter.rule('clone3', [refuse(ENOSYS)])
    filter.rule('openat2', [refuse(ENOSYS)])
    # O_TRUNC on a read-only open truncates without a write right (Landlock before its third version lets it).
    truncating = [(AND, 0, 0, 0o1003), (JUMP_EQUAL, 0, 1, 0o1000), refuse(EPERM), (RETURN, 0, 0, ALLOW)]
    filter.rule('openat', [argument(2)] + truncating)
    filter.rule('open', [argument(1)] + truncating)
    # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
    filter.rule('ioctl', only(1, [0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451], ENOTTY))
    # F_SETOWN, F_SETSIG, F_SETOWN_EX (signals to others), F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE, F_NOTIFY and the write
    # hints (marks on files that outlive the program).
    filter.rule('fcntl', never(1, [8, 10, 15, 37, 38, 1024, 1026, 1036, 1038]))
    filter.rule('socketpair', only(0, [1]))
    filter.rule('prctl', never(0, [35] if death_signal else [PR_SET_PDEATHSIG, 35]))
    # Its own limits, priority and processors; nobody else's.
    for name in ('prlimit64', 'sched_setaffinity', 'sched_setscheduler', 'sched_setparam', 'sched_setattr'):
        filter.rule(name, only(0, [0]))
    for name in ('setpriority', 'ioprio_set'):
        filter.rule(name, [argument(1), (JUMP_EQUAL, 1, 0, 0), refuse(EPERM), argument(0)]
                    + [(JUMP_EQUAL, 0, 1, 0 if name == 'setpriority' else 1), (RETURN, 0, 0, ALLOW), refuse(EPERM)])
    for number in sorted(pair[ARCHITECTURE] for pair in REFUSED.values() if pair[ARCHITECTURE] is not None):
        filter.code += [(JUMP_EQUAL, 0, 1, number), refuse(EPERM)]
    return filter.pack()


def own_filter(forks, own_pid, protected):
    """The second filter of one test, where no process namespace keeps its signals in.

    forks: whether it may start processes; if not, it may signal own_pid alone. protected: ids that it may not signal.
    """
    filter = Filter()
    if forks:
        for name in ('kill', 'tkill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo'):
            filter.rule(name, never(0, [-1] + protected + [-pid for pid in protected]))
    else:
        # A kill, not an error: the verdict then says "unsupported here" instead of blaming the program.
        filter.rule('clone', [argument(0), (JUMP_ANY_BIT, 1, 0, CLONE_THREAD), (RETURN, 0, 0, KILL_PROCESS),
                              (RETURN, 0, 0, ALLOW)])
        filter.rule('fork', [(RETURN, 0, 0, KILL_PROCESS)])
        filter.rule('vfork', [(RETURN, 0, 0, KILL_PROCESS)])
        for name in ('kill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo'):
            filter.rule(name, only(0, [own_pid]))
        filter.rule('tkill', [refuse(EPERM)])
    filter.rule('prctl', never(0, [PR_SET_PDEATHSIG]))
    return filter.pack()


# --- Landlock ----------------------------------------------------------------------------------------------------

LANDLOCK_READ_FILE, LANDLOCK_READ_DIR, LANDLOCK_WRITE_FILE = 4, 8, 2


LANDLOCK_CAP = [99]


def landlock_version():
    version = LIBC.syscall(ctypes.c_long(444), None, ctypes.c_size_t(0), ctypes.c_uint(1)) if LINUX else -1
    return min(version, LANDLOCK_CAP[0])


def landlock_ruleset(readable, writable):
    """A ruleset that leaves only these paths readable, these writable, and no TCP and no signal out of it."""
    version = landlock_version()
    if version < 1:
        raise SetupError('Landlock: not in this kernel, or switched off (lsm= on its command line)')
    rights = (1 << 13) - 1
    if version >= 2:
        rights |= 1 << 13
    if version >= 3:
        rights |= 1 << 14
    if version >= 5:
        rights |= 1 << 15
    attributes = struct.pack('QQQ', rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = check(
        LIBC.syscall(ctypes.c_long(444), attributes, ctypes.c_size_t(size), ctypes.c_uint(0)),
        'landlock_create_ruleset')
    for paths, file_rights in ((readable, LANDLOCK_READ_FILE), (writable, LANDLOCK_READ_FILE | LANDLOCK_WRITE_FILE)):
        for path in paths:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            allowed = file_rights | (LANDLOCK_READ_DIR if os.path.isdir(path) else 0)
            rule = struct.pack('=Qi', allowed, descriptor)
            check(LIBC.syscall(ctypes.c_long(445), ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0)),
                  'landlock_add_rule(%s)' % path)
            os.close(descriptor)
    return ruleset


def landlock_restrict(ruleset):
    check(LIBC.syscall(ctypes.c_long(446), ctypes.c_int(ruleset), ctypes.c_uint(0)), 'landlock_restrict_self')


def readable_paths():
    """What a Python program needs to read: the interpreter's library, shared libraries, zone data."""
    paths = {'/lib', '/lib64', '/lib32', '/usr/lib', '/usr/lib64', '/usr/local/lib', '/usr/share/zoneinfo',
             '/etc/ld.so.cache', '/etc/localtime', '/dev/zero', '/dev/urandom', '/dev/random'}
    for prefix in {sys.base_prefix, sys.prefix, sys.base_exec_prefix}:
        paths.add(os.path.join(prefix, 'lib'))
        paths.add(os.path.join(prefix, 'lib64'))
    for entry in sys.path:
        if os.path.isabs(entry) and os.path.dirname(entry) != entry:
            paths.add(entry)
    return sorted(paths)


# --- The rungs ---------------------------------------------------------------------------------------------------


def drop_privileges(uid):
    """Becomes the lane's own user and group for good. Only for root."""
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise SetupError('own uid %d: %s' % (uid, error.strerror))


def drop_capabilities():
    """Gives up every capability, as root or as the owner of a user namespace."""
    for capability in range(64):
        if prctl(PR_CAPBSET_DROP, capability) < 0 and ctypes.get_errno() == EINVAL:
            break
    prctl(PR_CAP_AMBIENT, 4)


def clear_capabilities():
    header = struct.pack('Ii', 0x20080522, 0)
    number = (126, 91)[ARCHITECTURE or 0]
    check(LIBC.syscall(ctypes.c_long(number), header, struct.pack('IIIIII', 0, 0, 0, 0, 0, 0)), 'capset')


def write_text(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def wait_as_parent(child, uid, sweeps):
    """The process between Node and the sandbox: waits for it, ends with it and leaves nothing behind.

    sweeps: there is no process namespace, so what a killed sandbox leaves must be found by its uid.
    """
    for descriptor in (0, 1):
        os.close(descriptor)
    if not sweeps:
        if uid is not None:
            drop_privileges(uid)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        # How Node ends the sandbox: what it leaves can only be swept up by us.
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    while True:
        try:
            pid, _ = os.waitpid(-1, 0)
        except ChildProcessError:
            break
        if pid == child:
            if not sweeps:
                break
            # Only a process that has already become the lane's user may send this; as root it would hit everything.
            if fork() == 0:
                try:
                    drop_privileges(uid)
                    if os.getuid() == uid != 0 and os.geteuid() == uid:
                        kill_all()
                finally:
                    os._exit(0)
    os._exit(0)


def kill_all():
    try:
        os.kill(-1, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def enter_unshare(uid):
    """Own user (where not root), mount, process, network and message namespaces; becomes their first process."""
    root = os.getuid() == 0
    own_uid, own_gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
    if not root:
        flags |= CLONE_NEWUSER
    check(LIBC.unshare(ctypes.c_int(flags)), 'unshare')
    if not root:
        try:
            write_text('/proc/self/setgroups', 'deny')
            write_text('/proc/self/uid_map', '%d %d 1' % (own_uid, own_uid))
            write_text('/proc/self/gid_map', '%d %d 1' % (own_gid, own_gid))
        except OSError as error:
            raise SetupError('user namespace: %s' % error)
    check(LIBC.mount(b'none', b'/', None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), 'mount --make-rprivate')
    child = fork()
    if child:
        wait_as_parent(child, uid if root else None, False)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # Without an own /proc the programs do without one; some containers allow none.
    return LIBC.mount(b'proc', b'/proc', b'proc', ctypes.c_ulong(MS_NOSUID | MS_NODEV | MS_NOEXEC), None) == 0


class Zygote:
    def __init__(self, config):
        self.config = config
        self.rung = config['rung']
        self.root = os.getuid() == 0
        self.has_proc = False
        # How what a test left behind is killed: 'all' (kill(-1) is safe here), 'tree' (walk the descendants) or
        # 'none' (the program cannot fork).
        self.sweep = 'all'
        # The second filter of each test: None, 'signals' (those that reach the sandbox) or 'own' (any but its own pid).
        self.second_filter = None
        self.ruleset = None
        # Processor time of all children reaped so far, seconds; what each process of the test was seen to have used, ticks.
        self.reaped_seconds = 0.0
        self.seen_ticks = {}
        self.notes = []
        self.process_limit = config.get('processes', 32)

    def confine(self):
        rung, uid = self.rung, self.config.get('uid')
        try:
            # If memory runs out, this goes first; a test is run again, the rest of the machine goes on.
            write_text('/proc/self/oom_score_adj', '1000')
        except OSError:
            pass
        if rung == 'bubblewrap':
            if os.getpid() != 1:
                raise SetupError('bubblewrap: not the first process of a namespace')
            self.has_proc = os.path.exists('/proc/self/fd')
        elif rung == 'unshare':
            self.has_proc = enter_unshare(uid)
        elif rung == 'landlock':
            self.confine_by_landlock(uid)
        elif rung == 'none':
            self.sweep = 'tree'
            if LINUX:
                prctl(PR_SET_CHILD_SUBREAPER, 1)
                prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            self.has_proc = os.path.exists('/proc/self/stat')
        else:
            raise SetupError('unknown rung %r' % rung)
        # Signals that a program could send from within its namespace must find no handler here.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if LINUX:
            check(prctl(PR_SET_NO_NEW_PRIVS, 1), 'no_new_privs')
        if rung == 'unshare':
            drop_capabilities()
            if self.root:
                if uid is None:
                    raise SetupError('own uid: none given')
                drop_privileges(uid)
            clear_capabilities()
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if rung != 'none':
            check(prctl(PR_SET_DUMPABLE, 0), 'PR_SET_DUMPABLE')

    def confine_by_landlock(self, uid):
        if self.root:
            if uid is None:
                raise SetupError('own uid: none given')
            child = fork()
            if child:
                wait_as_parent(child, uid, True)
            drop_capabilities()
            drop_privileges(uid)
            # Anything else that runs as this uid is a stranger whom kill(-1) would hit.
            strangers = [pid for pid in self.processes_of(uid) if pid != os.getpid()]
            if strangers:
                raise SetupError('own uid %d: already used by process %d' % (uid, strangers[0]))
            if landlock_version() < 6:
                self.second_filter = 'signals'
            check(prctl(PR_SET_CHILD_SUBREAPER, 1), 'PR_SET_CHILD_SUBREAPER')
        else:
            # No uid of its own and no process namespace: a program may neither fork nor signal anyone but itself.
            self.sweep = 'none'
            self.second_filter = 'own'
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        self.has_proc = os.path.exists('/proc/self/stat')

    def processes_of(self, uid):
        found = []
        for name in os.listdir('/proc'):
            if name.isdigit():
                try:
                    if os.stat('/proc/' + name).st_uid == uid:
                        found.append(int(name))
                except OSError:
                    pass
        return found

    def seal(self):
        """Landlock for this process; where /proc shows the whole machine, a second, narrower one for each child."""
        if self.rung == 'none':
            return
        readable = readable_paths()
        if self.rung == 'bubblewrap':
            if landlock_version() < 1:
                self.notes.append('no Landlock')
                return
            landlock_restrict(landlock_ruleset(['/'], ['/dev/null']))
            return
        inner = landlock_ruleset(readable + (['/proc'] if self.rung == 'unshare' and self.has_proc else []), ['/dev/null'])
        if self.rung == 'landlock':
            outer = landlock_ruleset(readable + ['/proc'], ['/dev/null'])
            landlock_restrict(outer)
            os.close(outer)
            self.ruleset = inner
        else:
            landlock_restrict(inner)
            os.close(inner)

    # --- frames

    def refill(self):
        """Waits for more of the connection. What it brings stays out of this process's heap and out of its children:
        whatever a program can find in the memory it was forked with, earlier programs, inputs and outputs are not there."""
        self.at, self.end = 0, os.readv(CONTROL_IN, [self.buffer])
        if self.end == 0:
            self.leave()

    def receive(self, count):
        """The next bytes of the connection; for what is small and no program's."""
        data = b''
        while len(data) < count:
            if self.at == self.end:
                self.refill()
            part = bytes(self.buffer[self.at:min(self.end, self.at + count - len(data))])
            self.at += len(part)
            data += part
        return data

    def receive_file(self, descriptor, count):
        """Moves the next bytes of the connection into a memory file."""
        written = 0
        while written < count:
            if self.at == self.end:
                self.refill()
            until = min(self.end, self.at + count - written)
            wrote = os.pwrite(descriptor, self.buffer[self.at:until], written)
            self.at += wrote
            written += wrote
        os.ftruncate(descriptor, count)

    def send(self, data):
        while data:
            data = data[os.write(CONTROL_OUT, data):]

    def send_message(self, message):
        data = json.dumps(message).encode()
        self.send(struct.pack('<BI', 0, len(data)) + data)

    def send_answer(self, head, files):
        """Sends the packed answer and the parts (descriptor, first byte, bytes) of files, in one write where they fit."""
        if len(head) + sum(count for _, _, count in files) <= len(self.buffer):
            size = len(head)
            self.buffer[:size] = head
            for descriptor, start, count in files:
                if count > 0:
                    size += os.preadv(descriptor, [self.buffer[size:size + count]], start)
            return self.send(self.buffer[:size])
        self.send(head)
        for descriptor, start, count in files:
            while count > 0:
                size = os.preadv(descriptor, [self.buffer[:count]], start)
                if size == 0:
                    self.leave()
                self.send(self.buffer[:size])
                start += size
                count -= size

    def leave(self):
        """Node is gone: leave nothing behind."""
        self.clean_up()
        os._exit(0)

    # --- one test

    def serve(self):
        depth = 0
        frame = sys._getframe()
        while frame is not None:
            depth, frame = depth + 1, frame.f_back
        # The frames of the sandbox do not count against the program: these, and run, child, run_program and exec.
        sys.setrecursionlimit(sys.getrecursionlimit() + depth + 4)
        while True:
            fields = REQUEST.unpack(self.receive(REQUEST.size))
            program, extra, assertions, given, mode = fields[:5]
            header = json.loads(self.receive(extra)) if extra else {}
            header['mode'] = MODES[mode]
            header['cpu'], header['wall'], header['memory'], header['output'], header['stderr'] = fields[5:]
            if program >= 0:
                self.receive_file(PROGRAM, program)
                self.program_size = program
            if mode == 2:
                self.receive_file(ASSERTIONS, assertions)
            self.receive_file(STDIN, given)
            self.run(header)

    def run(self, header):
        # A program may have moved the descriptions that it shared and changed their flags.
        for descriptor, flags in FRESH_FLAGS if header['mode'] == 'stdio' else FRESH_FLAGS_AND_RESULT:
            if flags is not None:
                os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            fcntl.fcntl(descriptor, fcntl.F_SETFL, flags or 0)
        talk = None
        if header['mode'] == 'assert':
            import socket

            talk = socket.socketpair()
        limits = self.limits_of(header)
        self.stage[0] = 0
        self.seen_ticks = {}
        started = time.monotonic()
        judge = None if talk is None else self.start(self.assertions, header, limits, talk[0])
        pid = self.start(self.child, header, limits, talk and talk[1])
        if talk is not None:
            # Now the program finds that the assertions have ended.
            talk[0].close()
        killed, status, usage = self.watch(pid, header, started)
        word, judge_seconds = b'', 0.0
        if talk is not None:
            # Now the assertions' process, if it still runs, finds that the program has ended: nothing else holds it up.
            try:
                talk[1].shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            talk[1].close()
            killed, word, judge_seconds = self.await_assertions(judge, header, started, killed)
        seconds = time.monotonic() - started
        self.clean_up()
        # Now everything that the test started is reaped, orphans too.
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        reaped_seconds = reaped.ru_utime + reaped.ru_stime
        used = max(usage.ru_utime + usage.ru_stime, reaped_seconds - self.reaped_seconds - judge_seconds)
        self.reaped_seconds = reaped_seconds
        out, err = os.lseek(STDOUT, 0, os.SEEK_END), os.lseek(STDERR, 0, os.SEEK_END)
        result = 0 if header['mode'] == 'stdio' else min(os.lseek(RESULT, 0, os.SEEK_END), header['output'])
        kept_out, kept_err = min(out, header['output']), min(err, header['stderr'])
        memory = usage.ru_maxrss if LINUX else usage.ru_maxrss // 1024
        signal_number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else -1
        head = ANSWER.pack(
            1, self.stage[0], KILLED.index(killed), os.WEXITSTATUS(status) if signal_number < 0 else -1, signal_number,
            seconds, used, memory, out, err, len(word), kept_out, kept_err, result)
        self.send_answer(head + word, ((STDOUT, 0, kept_out), (STDERR, err - kept_err, kept_err), (RESULT, 0, result)))

    def start(self, work, header, limits, channel):
        """Forks a process that does this work and ends with the status that it returns."""
        pid = fork()
        if pid:
            return pid
        status = 70
        try:
            status = work(header, limits, channel)
        except BaseException as error:
            # Only a fault of ours gets here; what the program raises is dealt with inside.
            os.write(STDERR, ('sandbox: %s\n' % error).encode('utf-8', 'replace'))
        finally:
            os._exit(status)

    def await_assertions(self, judge, header, started, killed):
        """Assertion mode: waits for the assertions' process too.

        Returns the limit, how that process ended, and its seconds of processor time."""
        if killed:
            self.kill(judge)
            _, status, usage = os.wait4(judge, 0)
        else:
            killed, status, usage = self.watch(judge, header, started)
        used = usage.ru_utime + usage.ru_stime
        if killed:
            return killed, b'', used
        if os.WIFEXITED(status):
            return None, ENDINGS.get(os.WEXITSTATUS(status), b'lost'), used
        return None, b'cpu' if os.WTERMSIG(status) == signal.SIGXCPU or used >= header['cpu'] else b'lost', used

    def watch(self, pid, header, started):
        """Waits for a process of the test and kills it at the test's limits.

        Returns the limit, and what the kernel says (status and usage)."""
        killed = None
        wall = header['wall']
        deadline = started + wall
        poller = self.poller
        pidfd = open_pidfd(pid)
        if pidfd >= 0:
            poller.register(pidfd, select.POLLIN)
        step = WATCH_SECONDS if pidfd >= 0 else 0.001
        while True:
            now = time.monotonic()
            ready = dict(poller.poll(max(0.0, min(step, deadline - now)) * 1000))
            if CONTROL_IN in ready:
                self.kill(pid)
                self.leave()
            if pidfd >= 0:
                if pidfd in ready:
                    break
            else:
                state = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if state is not None:
                    break
            now = time.monotonic()
            if now >= deadline:
                # Time spent waiting for a processor is the neighbours' doing: it is given back, within bounds.
                waited = self.run_delay(pid)
                if waited > 0.02 * wall:
                    deadline = min(started + wall + waited, started + 3 * wall)
                if now >= deadline:
                    killed = 'wall'
            if killed is None:
                killed = self.over_limits(pid, header)
            if killed:
                self.kill(pid)
                break
        if pidfd >= 0:
            poller.unregister(pidfd)
            os.close(pidfd)
        _, status, usage = os.wait4(pid, 0)
        return killed, status, usage

    def run_delay(self, pid):
        """Seconds that a process of the test, or a thread of one, has waited for a processor: the longest such wait."""
        longest = 0
        if not self.has_proc:
            return 0.0
        try:
            for process in {pid, *(() if self.sweep == 'none' else self.descendants())}:
                for thread in os.listdir('/proc/%d/task' % process):
                    with open('/proc/%d/task/%s/schedstat' % (process, thread)) as file:
                        longest = max(longest, int(file.read().split()[1]))
        except (OSError, ValueError, IndexError):
            pass
        return longest / 1e9

    def descendants(self):
        """Every process that the test has running, found without trusting it."""
        if self.rung in ('bubblewrap', 'unshare'):
            own = str(os.getpid())
            return [int(name) for name in os.listdir('/proc') if name.isdigit() and name != own]
        found, front = [], [os.getpid()]
        while front:
            parent = front.pop()
            try:
                for thread in os.listdir('/proc/%d/task' % parent):
                    with open('/proc/%d/task/%s/children' % (parent, thread)) as file:
                        children = [int(word) for word in file.read().split()]
                    found += children
                    front += children
            except OSError:
                continue
        return found

    def over_limits(self, pid, header):
        """Memory and processor time of all processes of the test together (one alone is bound by its rlimits)."""
        if not self.has_proc:
            return None
        if self.sweep == 'none':
            # Nothing but this bounds its threads: the kernel's limit would count all processes of the user.
            return 'threads' if self.threads_of(pid) > self.process_limit else None
        try:
            running = self.descendants()
            if len(running) < 2 and not self.seen_ticks:
                return None
            pages = ticks = 0
            for process in running:
                try:
                    with open('/proc/%d/stat' % process, 'rb') as file:
                        fields = file.read().rpartition(b')')[2].split()
                    # Its own time, and that of its children which it has waited for.
                    ticks += sum(map(int, fields[11:15]))
                    self.seen_ticks[process, fields[19]] = int(fields[11]) + int(fields[12])
                    with open('/proc/%d/statm' % process, 'rb') as file:
                        size = file.read().split()
                    pages += int(size[1]) - int(size[2])
                except (OSError, IndexError, ValueError):
                    continue
            if pages * PAGE > header['memory'] and self.proportional_memory(running) > header['memory']:
                return 'memory'
            # Children that nobody waits for leave their time nowhere: what was seen of them counts.
            if max(ticks, sum(self.seen_ticks.values())) / TICKS > header['cpu'] + 0.5:
                return 'cpu'
        except OSError:
            pass
        return None

    def threads_of(self, pid):
        try:
            with open('/proc/%d/stat' % pid, 'rb') as file:
                return int(file.read().rpartition(b')')[2].split()[17])
        except (OSError, IndexError, ValueError):
            return 0

    def proportional_memory(self, running):
        """Bytes used with shared pages counted once (a fork shares its parent's until one of them writes)."""
        total = 0
        for process in running:
            try:
                with open('/proc/%d/smaps_rollup' % process) as file:
                    for line in file:
                        if line.startswith('Pss:'):
                            total += int(line.split()[1]) * 1024
            except OSError:
                try:
                    with open('/proc/%d/statm' % process) as file:
                        size = file.read().split()
                    total += (int(size[1]) - int(size[2])) * PAGE
                except (OSError, IndexError):
                    continue
        return total

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def clean_up(self):
        """Kills and reaps whatever the test left; afterwards this process has no children."""
        while True:
            if self.sweep == 'all':
                kill_all()
            elif self.sweep == 'tree':
                for process in self.descendants():
                    self.kill(process)
            try:
                # Blocks only while something just killed is on its way out; new orphans come round again.
                pid, _ = os.waitpid(-1, 0 if self.sweep == 'all' else os.WNOHANG)
                if pid == 0:
                    time.sleep(0.001)
            except ChildProcessError:
                return

    # --- inside the child

    def limits_of(self, header):
        memory = header['memory'] + self.base_memory
        cpu = max(1, int(-(-header['cpu'] // 1)))
        return (
            (resource.RLIMIT_CPU, (cpu, cpu + 1)), (resource.RLIMIT_FSIZE, (header['output'] + 1, header['output'] + 1)),
            (resource.RLIMIT_AS, (memory, memory)))

    def confine_child(self, limits, channel, is_program=True):
        # A session of its own costs as much as a third of a fork. Where the sandbox is the first process of a namespace
        # no signal to the group can hurt it.
        if self.rung in ('landlock', 'none'):
            os.setsid()
        if channel is not None:
            os.dup2(channel.fileno(), RESULT)
        if self.ruleset is not None:
            landlock_restrict(self.ruleset)
        try:
            for limit, values in limits:
                resource.setrlimit(limit, values)
        except (ValueError, OSError):
            if self.rung != 'none':
                raise
        if not is_program:
            # Its memory is closed to the program, which has the same user id.
            if LINUX:
                set_dumpable(PR_SET_DUMPABLE, 0, 0, 0, 0)
        elif self.rung != 'none':
            # Its own /proc/self (for /dev/stdin); the sandbox's stays closed.
            set_dumpable(PR_SET_DUMPABLE, 1, 0, 0, 0)
        if self.second_filter is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            own_filter(self.second_filter == 'signals', os.getpid(), [os.getppid()]).install()

    def child(self, header, limits, channel):
        source = os.pread(PROGRAM, self.program_size, 0)
        self.confine_child(limits, channel)
        os.closerange(RESULT + (header['mode'] != 'stdio'), 256)
        return run_program(header, source, self.stage)

    def assertions(self, header, limits, channel):
        text = os.pread(ASSERTIONS, os.fstat(ASSERTIONS).st_size, 0)
        self.confine_child(limits, None, False)
        own = channel.fileno()
        os.closerange(RESULT + 1, own)
        os.closerange(own + 1, 256)
        return Assertions(header, own).run(text.decode('utf-8', 'surrogatepass'))

    # --- start

    def prove(self):
        """Tries in a child, confined as a program is, what must not be possible. Raises when anything is."""
        pid = fork()
        if pid == 0:
            failures = 255
            try:
                parent = os.getppid()
                self.confine_child(self.limits_of({'cpu': 6, 'memory': 1 << 30, 'output': 1 << 20}), None)
                failures = attempt_escapes(parent, self.rung)
            except BaseException as error:
                os.write(CONTROL_ERR, ('sandbox: %s\n' % error).encode('utf-8', 'replace'))
            finally:
                os._exit(failures)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            return
        if os.WIFSIGNALED(status):
            what = 'signal %d' % os.WTERMSIG(status)
        elif os.WEXITSTATUS(status) == 255:
            what = 'the confined child could not start'
        else:
            what = ', '.join(text for bit, text in enumerate(ESCAPES) if os.WEXITSTATUS(status) & (1 << bit))
        raise SetupError('the rung %s does not isolate here: %s' % (self.rung, what))

    def calibrate_processes(self):
        """RLIMIT_NPROC counts all processes of the uid on older kernels: allow for those that are not ours."""
        if self.rung == 'none' or self.second_filter == 'own':
            return
        while self.process_limit < 1 << 16:
            pid = fork()
            if pid == 0:
                code = 1
                try:
                    limit = max(4, self.process_limit // 2)
                    resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
                    grandchild = fork()
                    if grandchild == 0:
                        os._exit(0)
                    os.waitpid(grandchild, 0)
                    code = 0
                except BlockingIOError:
                    code = 1
                except BaseException:
                    code = 0
                finally:
                    os._exit(code)
            if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
                break
            self.process_limit *= 4
        resource.setrlimit(resource.RLIMIT_NPROC, (self.process_limit, self.process_limit))

    def prepare(self):
        import mmap

        for control, descriptor in ((CONTROL_IN, 0), (CONTROL_OUT, 1), (CONTROL_ERR, 2)):
            os.dup2(descriptor, control, False)
        files = [memory_file(name) for name in ('stdin', 'stdout', 'stderr', 'result', 'program', 'assertions')]
        # From the highest down: none of the files lies where a later one goes but the ones already moved.
        spare = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 40) for descriptor in files]
        for descriptor in files:
            os.close(descriptor)
        for number, descriptor in enumerate(spare):
            os.dup2(descriptor, number, False)
            os.close(descriptor)
        open_streams()
        self.stage = mmap.mmap(-1, 4096)
        window = mmap.mmap(-1, BUFFER_BYTES)
        if hasattr(mmap, 'MADV_DONTFORK'):
            window.madvise(mmap.MADV_DONTFORK)
        self.buffer, self.at, self.end = memoryview(window), 0, 0
        self.poller = select.poll()
        self.poller.register(CONTROL_IN, getattr(select, 'POLLRDHUP', 0x2000))
        if os.getsid(0) != os.getpid():
            os.setsid()

    def limit_once(self):
        """The limits that never differ: set here, inherited by every test."""
        if self.rung == 'none':
            return
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_STACK)
        if hard == resource.RLIM_INFINITY or hard > STACK:
            # Deep recursion of the older interpreters; the hard limit stays open, for programs that raise it.
            resource.setrlimit(resource.RLIMIT_STACK, (STACK, hard))

    def open(self):
        os.umask(0o077)
        os.chdir('/')
        LANDLOCK_CAP[0] = self.config.get('landlockVersion', 99)
        self.confine()
        self.prepare()
        load_modules()
        prepare_main()
        self.seal()
        try:
            with open('/proc/self/statm') as file:
                self.base_memory = int(file.read().split()[0]) * PAGE
        except OSError:
            self.base_memory = 64 << 20
        if self.sweep == 'all':
            self.clean_up()
        self.calibrate_processes()
        self.limit_once()
        if self.rung != 'none':
            shared_filter(self.second_filter is not None).install()
            self.prove()
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.reaped_seconds = reaped.ru_utime + reaped.ru_stime
        gc.collect()
        self.filling = fill_holes()
        gc.freeze()
        self.send_message({
            'ready': True, 'pid': os.getpid(), 'uid': os.getuid(), 'python': sys.version.split()[0],
            'landlock': max(0, landlock_version()), 'proc': self.has_proc, 'forks': self.second_filter != 'own',
            'processes': self.process_limit, 'notes': self.notes,
        })
        self.serve()


ESCAPES = ['a file could be opened for writing', 'a socket could be opened', 'a file outside could be read',
           'the sandbox could be signalled', 'memory of the sandbox could be opened',
           'a namespace could be made', 'the process limit does not hold']


def attempt_escapes(parent, rung):
    failures = 0

    def attempt(bit, action):
        nonlocal failures
        try:
            action()
            failures |= 1 << bit
        except (OSError, ValueError):
            pass

    # The library must be readable after the confinement too, or honest imports would fail.
    import colorsys

    del colorsys
    for folder in ('/tmp', '/var/tmp', '/dev/shm', '/run', '/dev', '/', os.getcwd(), sys.base_prefix):
        attempt(0, lambda: os.close(os.open(os.path.join(folder, 'wellspring-proof'), os.O_CREAT | os.O_WRONLY, 0o600)))
    import socket

    for family in (socket.AF_INET, socket.AF_UNIX):
        attempt(1, lambda: socket.socket(family, socket.SOCK_STREAM).close())
    for path in ('/etc/passwd', '/etc/hostname', '/root/.bashrc', '/proc/%d/environ' % parent):
        attempt(2, lambda: os.close(os.open(path, os.O_RDONLY)))
    if rung == 'landlock':
        attempt(3, lambda: os.kill(parent, 0))
    attempt(4, lambda: os.close(os.open('/proc/%d/mem' % parent, os.O_RDWR)))

    def namespace():
        check_os(LIBC.unshare(ctypes.c_int(CLONE_NEWUSER)))

    attempt(5, namespace)
    return failures


def check_os(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), 'refused')


PAGE = os.sysconf('SC_PAGE_SIZE')
BUFFER_BYTES = 1 << 17
# At most so many bytes of each size go into holes of the heap.
MOST_FILLING = 1 << 18
FRESH_FLAGS = ((STDIN, None), (STDOUT, os.O_APPEND), (STDERR, os.O_APPEND))
FRESH_FLAGS_AND_RESULT = FRESH_FLAGS + ((RESULT, 0),)
TICKS = os.sysconf('SC_CLK_TCK')
STACK = 256 << 20


def load_modules():
    """The modules that programs usually import, so that a fork already has them. Missing ones are no fault.

    What these modules would do at every fork (new locks, new random seeds) is half the cost of one, and of no use while
    this process has one thread: a program's own first fork sees to it.
    """
    import importlib
    import warnings

    sys.path[:] = [entry for entry in sys.path if entry]
    os.environ.clear()
    hooks = []
    register = os.register_at_fork
    os.register_at_fork = lambda **hook: hooks.append(hook)
    warnings.simplefilter('ignore')
    for name in (
        'site builtins abc io os sys re math cmath time random string heapq bisect itertools functools operator '
        'collections collections.abc typing dataclasses enum copy decimal fractions statistics array queue threading '
        'json datetime calendar struct types contextlib traceback linecache atexit signal textwrap numbers '
        'unicodedata warnings gc resource mmap socket fcntl encodings.utf_8 encodings.latin_1 encodings.ascii'
    ).split():
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    os.register_at_fork = register
    # The same program on the same input behaves the same: hashes are fixed (PYTHONHASHSEED), and so is this.
    sys.modules['random'].seed(0)
    warnings.resetwarnings()
    warnings.filterwarnings('ignore', category=DeprecationWarning)
    warnings.filterwarnings('default', category=DeprecationWarning, module='__main__')
    warnings.filterwarnings('ignore', category=PendingDeprecationWarning)
    warnings.filterwarnings('ignore', category=ImportWarning)
    warnings.filterwarnings('ignore', category=ResourceWarning)
    import posix

    def fork_with_hooks():
        while hooks:
            register(**hooks.pop(0))
        return fork()

    fork_with_hooks.__name__ = fork_with_hooks.__qualname__ = 'fork'
    os.fork = posix.fork = fork_with_hooks


def fill_holes():
    """Fills the holes that starting left all over the heap, so that what a test makes anew lies on few pages.

    Returns what must be kept."""
    kept = []
    if not LINUX:
        return kept
    for size in range(48, 513, 16):
        last = run = 0
        for _ in range(MOST_FILLING // size):
            block = bytes(size - 33)
            kept.append(block)
            run = run + 1 if id(block) == last + size else 0
            last = id(block)
            # So many in a row fill a fresh pool of the allocator.
            if run >= 16384 // size - 2:
                break
    return kept


# --- Running the program -----------------------------------------------------------------------------------------

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


def report(kind, error, trace):
    """Prints an uncaught exception as the interpreter would, without the frames of the sandbox."""
    import linecache
    import traceback

    try:
        while trace is not None and trace.tb_frame.f_code.co_filename == 'zygote.py':
            trace = trace.tb_next
        if sys.excepthook is not sys.__excepthook__:
            sys.excepthook(kind, error, trace)
            return
        if program_source[0] is not None:
            lines = program_source[0].decode('utf-8', 'replace').splitlines(True)
            linecache.cache[FILE_NAME] = (len(lines), None, lines, FILE_NAME)
        traceback.print_exception(kind, error, trace)
    except BaseException:
        try:
            os.write(2, ('%s\n' % kind.__name__).encode('utf-8', 'replace'))
        except BaseException:
            pass


program_source = [None]


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


def run_program(header, source, stage):
    """Compiles and runs the program; returns the exit status that the interpreter would have given."""
    # Not by way of the signal module, whose enumerations cost more than the call.
    _signal.signal(2, _signal.default_int_handler)
    module, harness = MAIN, None
    if header['mode'] != 'stdio':
        module = sys.modules['solution'] = sys.modules['__main__'] = new_module('solution')
        harness = new_harness(header, module)
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


def new_harness(header, module):
    return FunctionHarness(header, module) if header['mode'] == 'function' else AssertHarness(header, module)


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


# --- Assertion mode ----------------------------------------------------------------------------------------------
#
# Two processes: the program's, which answers requests and is believed nothing, and that of the assertions, which never
# runs a line of the program. What passes between them is JSON that describes plain data; anything else stays where it
# is and gets a number. So comparisons, expected values and the verdict are out of the program's reach.

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
    import linecache
    import traceback

    try:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == 'zygote.py':
            trace = trace.tb_next
        if program_source[0] is not None:
            lines = program_source[0].decode('utf-8', 'replace').splitlines(True)
            linecache.cache[FILE_NAME] = (len(lines), None, lines, FILE_NAME)
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


def main(config):
    """Runs until Node closes the connection. config: rung, uid (root only), processes."""
    zygote = Zygote(config)
    try:
        zygote.open()
    except (SetupError, OSError) as error:
        data = json.dumps({'error': str(error)}).encode()
        for descriptor in (CONTROL_OUT, 1):
            try:
                os.write(descriptor, struct.pack('<BI', 0, len(data)) + data)
                break
            except OSError:
                continue
        os._exit(3)
