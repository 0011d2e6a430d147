/* SPDX-License-Identifier: MIT */
#include "common/net/sandbox_attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/landlock.h"

#define PATH_ROOM 4096

#define NETWORK   (SANDBOX_TCP | SANDBOX_UDP)
#define PROCESSES SANDBOX_FORK

/* Younger than Debian 12's headers. */
#define CALL_FCHMODAT2 452

static int
result(long rc)
{
	return rc == -1 ? errno : 0;
}

/* A child, if there is one, ends at once. */
static int
born(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return result(pid);
}

static int
try_fork(const struct sandbox_ground *g)
{
	(void)g;
	return born(fork());
}

static int
try_vfork(const struct sandbox_ground *g)
{
	(void)g;
	return born(
	    syscall(SYS_clone, CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int
try_clone3(const struct sandbox_ground *g)
{
	struct clone_args args = {.exit_signal = SIGCHLD};

	(void)g;
	return born(syscall(SYS_clone3, &args, sizeof(args)));
}

static int
try_namespace(const struct sandbox_ground *g)
{
	(void)g;
	return born(syscall(
	    SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int
try_secrets(const struct sandbox_ground *g)
{
	int err = EACCES, fd;

	for (size_t i = 0; g->secrets[i] != NULL && sandbox_is_refusal(err);
	     i++) {
		fd = open(g->secrets[i], O_RDONLY | O_CLOEXEC);
		err = result(fd);
		if (fd != -1)
			close(fd);
	}
	return err;
}

static int
map_and(int first, int then)
{
	void *at = mmap(NULL, 4096, first, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err = 0;

	if (at == MAP_FAILED)
		return errno;
	if (then != first)
		err = result(mprotect(at, 4096, then));
	munmap(at, 4096);
	return err;
}

static int
try_writable_code(const struct sandbox_ground *g)
{
	const int all = PROT_READ | PROT_WRITE | PROT_EXEC;

	(void)g;
	return map_and(all, all);
}

static int
try_code(const struct sandbox_ground *g)
{
	(void)g;
	return map_and(PROT_READ | PROT_EXEC, PROT_READ | PROT_EXEC);
}

static int
try_turn_to_code(const struct sandbox_ground *g)
{
	(void)g;
	return map_and(PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC);
}

/* ---- sockets ---- */

static int
connect_to(int fd, int family, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = (sa_family_t)family,
	    .sin_port = htons(port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};

	return result(connect(fd, (struct sockaddr *)&in, sizeof(in)));
}

/* A connection that came in is taken apart and led elsewhere. */
static int
try_reuse(const struct sandbox_ground *g)
{
	int err = connect_to(g->accepted, AF_UNSPEC, 0);

	return err != 0 ? err : connect_to(g->accepted, AF_INET, g->port);
}

static int
try_fast_open(const struct sandbox_ground *g)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons(g->port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};

	int err = result(sendto(g->accepted, "x", 1,
	    MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&in, sizeof(in)));

	/* refused in this way, libraries go on without */
	return err == EOPNOTSUPP ? EPERM : err;
}

static int
try_connect(const struct sandbox_ground *g)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd == -1)
		return errno;
	err = connect_to(fd, AF_INET, g->port);
	close(fd);
	return err;
}

static int
try_datagram(const struct sandbox_ground *g)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd == -1)
		return errno;
	err = connect_to(fd, AF_INET, g->port);
	close(fd);
	return err;
}

static int
try_bind(const struct sandbox_ground *g)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	(void)g;
	if (fd == -1)
		return errno;
	err = result(bind(fd, (struct sockaddr *)&in, sizeof(in)));
	close(fd);
	return err;
}

static int
try_abstract(const struct sandbox_ground *g)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(g->abstract);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd == -1)
		return errno;
	memcpy(un.sun_path + 1, g->abstract, n);
	err = result(connect(fd, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)));
	close(fd);
	return err;
}

/* ---- the table ---- */

#define N(v)                                                                   \
	{                                                                      \
		SANDBOX_NUMBER, (long)(v), NULL                                \
	}
#define TEXT(t)                                                                \
	{                                                                      \
		SANDBOX_TEXT, 0, t                                             \
	}
#define OUT(t)                                                                 \
	{                                                                      \
		SANDBOX_OUTSIDE, 0, t                                          \
	}
#define PARENT                                                                 \
	{                                                                      \
		SANDBOX_PARENT, 0, NULL                                        \
	}
#define HERE N(AT_FDCWD)
#define NOTHING                                                                \
	{                                                                      \
		{                                                              \
			SANDBOX_NUMBER, 0, NULL                                \
		}                                                              \
	}

#define CALL(name, call, ...)                                                  \
	{                                                                      \
		name, NULL, SYS_##call, {__VA_ARGS__}, 0, 0                    \
	}
#define OPEN(path, flags)                                                      \
	CALL("open " path, openat, HERE, TEXT(path),                           \
	    N((flags) | O_CLOEXEC | O_NONBLOCK))
#define ACT(name, act, may, abi)                                               \
	{                                                                      \
		name, act, 0, NOTHING, may, abi                                \
	}
#define SOCKET(name, family, type, protocol, may)                              \
	{                                                                      \
		"socket " name, NULL, SYS_socket,                              \
		    {N(family), N(type), N(protocol)}, may, 0                  \
	}

const struct sandbox_attempt sandbox_attempts[] = {
  /* programs and processes */
    CALL("execve", execve, N(0), N(0), N(0)),
    CALL("execveat", execveat, N(-1), N(0), N(0), N(0), N(0)),
    CALL("memfd_create", memfd_create, N(0), N(0)),
    ACT("fork", try_fork, PROCESSES, 0),
    ACT("vfork", try_vfork, PROCESSES, 0),
    ACT("clone3", try_clone3, 0, 0),
    ACT("clone of a user namespace", try_namespace, 0, 0),
    CALL("unshare", unshare, N(CLONE_FS)),
    CALL("setns", setns, N(-1), N(0)),
    CALL("ptrace of our parent", ptrace, N(PTRACE_SEIZE), PARENT, N(0), N(0)),
    CALL("process_vm_readv", process_vm_readv, PARENT, N(0), N(0), N(0), N(0)),
    CALL(
	"process_vm_writev", process_vm_writev, PARENT, N(0), N(0), N(0), N(0)),
    CALL("kcmp", kcmp, PARENT, PARENT, N(0), N(0), N(0)),
    CALL("pidfd_open", pidfd_open, PARENT, N(0)),
    CALL("pidfd_getfd", pidfd_getfd, N(-1), N(0), N(0)),
    CALL("kill process 1", kill, N(1), N(0)),
    CALL("kill our parent", kill, PARENT, N(0)),
    CALL("tkill our parent", tkill, PARENT, N(0)),
    CALL("tgkill our parent", tgkill, PARENT, PARENT, N(0)),
    CALL("queue a signal", rt_sigqueueinfo, PARENT, N(0), N(0)),
    CALL("setpriority", setpriority, N(99), N(0), N(0)),
    CALL("setpriority of our parent", setpriority, N(PRIO_PROCESS), PARENT,
	N(0)),
    CALL("sched_setscheduler", sched_setscheduler, N(0), N(-1), N(0)),
    CALL("ioprio_set", ioprio_set, N(99), N(0), N(0)),
    CALL("raise a limit", prlimit64, N(0), N(7), N(1), N(0)),
    CALL("setrlimit", setrlimit, N(7), N(1)),
 /* memory */
    ACT("memory to write and execute", try_writable_code, 0, 0),
    ACT("memory to execute", try_code, 0, 0),
    ACT("mprotect of memory to execute", try_turn_to_code, 0, 0),
    CALL("pkey_mprotect", pkey_mprotect, N(0), N(0), N(0), N(-1)),
    CALL("userfaultfd", userfaultfd, N(0x100)),
    CALL("remap_file_pages", remap_file_pages, N(0), N(0), N(0), N(0), N(0)),
 /* files of others */
    OPEN("/etc/shadow", O_RDONLY),
    OPEN("/etc/passwd", O_RDONLY),
    OPEN("/root", O_RDONLY | O_DIRECTORY),
    OPEN("/", O_RDONLY | O_DIRECTORY),
    OPEN("/tmp", O_RDONLY | O_DIRECTORY),
    OPEN("/proc/1/mem", O_RDWR),
    OPEN("/proc/1/environ", O_RDONLY),
    OPEN("/proc/self/mem", O_RDWR),
    OPEN("/proc/sys/kernel/core_pattern", O_WRONLY),
    OPEN("/proc/sysrq-trigger", O_WRONLY),
    OPEN("/dev/kmsg", O_WRONLY),
    OPEN("/dev/tty", O_RDWR),
    ACT("open files of other daemons", try_secrets, 0, 0),
    CALL("read a file outside", openat, HERE, OUT("file"), N(O_RDONLY)),
    CALL("write a file outside", openat, HERE, OUT("file"), N(O_WRONLY)),
    CALL("make a file outside", openat, HERE, OUT("new"), N(O_WRONLY | O_CREAT),
	N(0600)),
    CALL("a file without a name outside", openat, HERE, OUT("."),
	N(O_RDWR | O_TMPFILE), N(0600)),
    CALL("truncate outside", truncate, OUT("file"), N(0)),
    CALL("unlink outside", unlinkat, HERE, OUT("file"), N(0)),
    CALL("rename outside", renameat2, HERE, OUT("other"), HERE, OUT("new2"),
	N(0)),
    CALL("link outside", linkat, HERE, OUT("other"), HERE, OUT("new3"), N(0)),
    CALL("mkdir outside", mkdirat, HERE, OUT("folder"), N(0700)),
    CALL("rmdir outside", unlinkat, HERE, OUT("empty"), N(AT_REMOVEDIR)),
    CALL("symlink", symlinkat, TEXT("/etc"), HERE, OUT("link")),
    CALL("mknod", mknodat, HERE, OUT("node"), N(0010600), N(0)),
    CALL("chmod", fchmodat, HERE, OUT("other"), N(0600)),
    {"fchmodat2", NULL, CALL_FCHMODAT2, {HERE, OUT("other"), N(0600)}, 0, 0},
    CALL("chown", fchownat, HERE, OUT("other"), N(-1), N(-1), N(0)),
    CALL("utimensat", utimensat, HERE, OUT("other"), N(0), N(0)),
    CALL("setxattr", setxattr, OUT("other"), TEXT("user.x"), TEXT("x"), N(1),
	N(0)),
    CALL("chroot", chroot, N(0)),
    CALL("chdir", chdir, TEXT("/")),
    CALL("name_to_handle_at", name_to_handle_at, N(-1), N(0), N(0), N(0), N(0)),
    CALL("open_by_handle_at", open_by_handle_at, N(-1), N(0), N(0)),
    CALL("inotify_init1", inotify_init1, N(0)),
    CALL("fanotify_init", fanotify_init, N(0), N(0)),
    CALL("fcntl F_SETOWN", fcntl, N(0), N(F_SETOWN), N(0)),
    CALL("ioctl TIOCSTI", ioctl, N(0), N(TIOCSTI), N(0)),
 /* the network */
    ACT("TCP connection to a port of this host", try_connect, SANDBOX_TCP, 0),
    ACT("TCP connection to a port that is nobody's business", try_connect,
	SANDBOX_ACCEPT, LANDLOCK_PORTS),
    ACT("TCP connection by one that came in", try_reuse, SANDBOX_TCP,
	LANDLOCK_PORTS),
    ACT("TCP Fast Open", try_fast_open, 0, 0),
    ACT("UDP", try_datagram, SANDBOX_UDP, 0),
    ACT("bind a TCP port", try_bind, SANDBOX_LISTEN, LANDLOCK_PORTS),
    CALL("listen", listen, N(-1), N(1)),
    ACT("connect to an abstract Unix socket", try_abstract, 0, LANDLOCK_SCOPES),
    SOCKET("TCP", AF_INET, SOCK_STREAM, 0, SANDBOX_TCP),
    SOCKET("TCP over IPv6", AF_INET6, SOCK_STREAM, 0, SANDBOX_TCP),
    SOCKET("UDP", AF_INET, SOCK_DGRAM, 0, SANDBOX_UDP),
    SOCKET("UDP over IPv6", AF_INET6, SOCK_DGRAM, 0, SANDBOX_UDP),
    SOCKET("ping", AF_INET, SOCK_DGRAM, IPPROTO_ICMP, 0),
    SOCKET("raw", AF_INET, SOCK_RAW, IPPROTO_ICMP, 0),
    SOCKET("MPTCP", AF_INET, SOCK_STREAM, 262, 0),
    SOCKET("SCTP", AF_INET, SOCK_STREAM, IPPROTO_SCTP, 0),
    SOCKET("netlink", AF_NETLINK, SOCK_RAW, 0, SANDBOX_ADDRESSES),
    SOCKET("netlink of the audit", AF_NETLINK, SOCK_RAW, 9, 0),
    SOCKET("packet", AF_PACKET, SOCK_RAW, 0, 0),
    SOCKET("vsock", AF_VSOCK, SOCK_STREAM, 0, 0),
    SOCKET("crypto", AF_ALG, SOCK_SEQPACKET, 0, 0),
    SOCKET("Bluetooth", AF_BLUETOOTH, SOCK_RAW, 0, 0),
    SOCKET("Unix packets", AF_UNIX, SOCK_SEQPACKET, 0, 0),
    CALL("setsockopt SO_ATTACH_FILTER", setsockopt, N(0), N(SOL_SOCKET),
	N(SO_ATTACH_FILTER), N(0), N(0)),
    CALL("setsockopt TCP_ULP", setsockopt, N(0), N(IPPROTO_TCP), N(TCP_ULP),
	N(0), N(0)),
    CALL("setsockopt TCP_REPAIR", setsockopt, N(0), N(IPPROTO_TCP),
	N(TCP_REPAIR), N(0), N(0)),
 /* rights */
    CALL("setresuid", setresuid, N(-1), N(-1), N(-1)),
    CALL("setresgid", setresgid, N(-1), N(-1), N(-1)),
    CALL("setgroups", setgroups, N(-1), N(0)),
    CALL("capset", capset, N(0), N(0)),
    CALL("prctl PR_SET_KEEPCAPS", prctl, N(PR_SET_KEEPCAPS), N(0)),
    CALL("prctl PR_SET_MM", prctl, N(PR_SET_MM), N(0)),
    CALL("personality", personality, N(0xffffffff)),
    CALL("seccomp", seccomp, N(99), N(0), N(0)),
    CALL("keyctl", keyctl, N(0), N(-2), N(0)),
    CALL("add_key", add_key, N(0), N(0), N(0), N(0), N(0)),
    CALL("request_key", request_key, N(0), N(0), N(0), N(0)),
 /* the system */
    CALL("mount", mount, N(0), N(0), N(0), N(0), N(0)),
    CALL("umount", umount2, N(0), N(0)),
    CALL("fsopen", fsopen, N(0), N(0)),
    CALL("open_tree", open_tree, N(-1), N(0), N(0)),
    CALL("move_mount", move_mount, N(-1), N(0), N(-1), N(0), N(0)),
    CALL("pivot_root", pivot_root, N(0), N(0)),
    CALL("swapon", swapon, N(0), N(0)),
    CALL("quotactl", quotactl, N(-1), N(0), N(0), N(0)),
    CALL("reboot", reboot, N(0), N(0), N(0), N(0)),
    CALL("kexec_load", kexec_load, N(0), N(-1), N(0), N(-1)),
    CALL("init_module", init_module, N(0), N(0), N(0)),
    CALL("finit_module", finit_module, N(-1), N(0), N(0)),
    CALL("delete_module", delete_module, N(0), N(0)),
    CALL("bpf", bpf, N(-1), N(0), N(0)),
    CALL("perf_event_open", perf_event_open, N(0), N(0), N(0), N(0), N(0)),
    CALL("io_uring_setup", io_uring_setup, N(0), N(0)),
    CALL("io_setup", io_setup, N(0), N(0)),
    CALL("clock_settime", clock_settime, N(0), N(0)),
    CALL("settimeofday", settimeofday, N(0), N(0)),
    CALL("adjtimex", adjtimex, N(0)),
    CALL("sethostname", sethostname, N(0), N(-1)),
    CALL("setdomainname", setdomainname, N(0), N(-1)),
    CALL("syslog", syslog, N(10), N(0), N(0)),
    CALL("shmget", shmget, N(0), N(0), N(0)),
    CALL("msgget", msgget, N(0), N(0)),
    CALL("mq_open", mq_open, N(0), N(0), N(0), N(0)),
#ifdef SYS_iopl
    CALL("iopl", iopl, N(0)),
    CALL("ioperm", ioperm, N(0), N(0), N(0)),
    CALL("modify_ldt", modify_ldt, N(0), N(0), N(0)),
#endif
};

const size_t sandbox_n_attempts = sizeof(sandbox_attempts) /
                                  sizeof(sandbox_attempts[0]);

static long
value_of(const struct sandbox_word *w, const struct sandbox_ground *g,
    char path[PATH_ROOM])
{
	switch (w->kind) {
	case SANDBOX_TEXT:
		return (long)(intptr_t)w->text;
	case SANDBOX_OUTSIDE:
		snprintf(path, PATH_ROOM, "%s/%s", g->outside, w->text);
		return (long)(intptr_t)path;
	case SANDBOX_PARENT:
		return getppid();
	case SANDBOX_NUMBER:
		break;
	}
	return w->n;
}

int
sandbox_attempt_make(
    const struct sandbox_attempt *a, const struct sandbox_ground *g)
{
	char paths[5][PATH_ROOM];
	long v[5];

	if (a->act != NULL)
		return a->act(g);
	for (size_t i = 0; i < 5; i++)
		v[i] = value_of(&a->words[i], g, paths[i]);
	return result(syscall(a->call, v[0], v[1], v[2], v[3], v[4], 0L));
}

bool
sandbox_is_refusal(int err)
{
	return err == EPERM || err == EACCES || err == ENOSYS;
}

bool
sandbox_attempt_is_moot(const struct sandbox_attempt *a, int err)
{
	return (err == ENOENT || err == ENXIO) && a->call == SYS_openat &&
	       a->words[1].kind == SANDBOX_TEXT;
}
