"""How a process gives up what a program must not have: privileges, namespaces, files, system calls.

Tables of system calls, seccomp filters, Landlock rules, user ids and namespaces, and the attempts to escape that prove
that they hold. sandbox/zygote.py puts them together for each rung.
"""

import ctypes
import os
import signal
import struct
import sys

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
MACHINE = os.uname().machine
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
