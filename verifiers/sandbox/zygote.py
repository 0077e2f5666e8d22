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

from sandbox.assertions import ENDINGS, AssertHarness, Assertions
from sandbox.confinement import (
    ESCAPES, LANDLOCK_CAP, LINUX, PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG,
    SetupError, attempt_escapes, check, clear_capabilities, drop_capabilities, drop_privileges, enter_unshare, fork,
    kill_all, landlock_restrict, landlock_ruleset, landlock_version, memory_file, open_pidfd, own_filter, prctl,
    readable_paths, set_dumpable, shared_filter, wait_as_parent, write_text)
from sandbox.program import (
    ASSERTIONS, PROGRAM, RESULT, STDERR, STDIN, STDOUT, FunctionHarness, open_streams, prepare_main, run_program)

# Above the memory files of a test.
CONTROL_IN, CONTROL_OUT, CONTROL_ERR = 20, 21, 22
# How often a running test is looked at, seconds: processes, memory and processor time of all its descendants together.
WATCH_SECONDS = 0.025
MODES = ('stdio', 'function', 'assert')
# Bytes of program (-1: the one before), JSON with what only some modes need, assertions and input; mode; seconds of
# processor and clock; bytes of memory, output and kept stderr.
REQUEST = struct.Struct('<iIIIBddQQI')
# 1; stage; limit that was enforced; exit code and signal (-1: none); seconds on the clock and of processor; KiB of memory;
# bytes written to stdout and stderr; bytes that follow: how the assertions ended, stdout, stderr, result.
ANSWER = struct.Struct('<BBBiiddQQQIIII')
KILLED = (None, 'wall', 'cpu', 'memory', 'threads')


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
        harness_of = {'function': FunctionHarness, 'assert': AssertHarness}.get(header['mode'])
        return run_program(header, source, self.stage, harness_of)

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
