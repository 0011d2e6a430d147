/* SPDX-License-Identifier: MIT */
#include "common/net/sandbox_calls.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/net/sandbox.h"

#define ALWAYS  SANDBOX_ALWAYS
#define FILES   SANDBOX_FILES
#define LOCAL   SANDBOX_LOCAL
#define NETWORK (SANDBOX_TCP | SANDBOX_UDP)
#define SOCKETS (LOCAL | NETWORK | SANDBOX_ACCEPT)

/* An int argument that is v, and one whose bits of mask are v. */
#define IS(which, v)                                                           \
	{                                                                      \
		which, 0xffffffff, v                                           \
	}
#define BITS(which, mask, v)                                                   \
	{                                                                      \
		which, mask, v                                                 \
	}
#define IS_NULL(which)                                                         \
	{                                                                      \
		which, ~UINT64_C(0), 0                                         \
	}

#define CALL(name, may, ...)                                                   \
	{                                                                      \
		SCMP_SYS(name), may,                                           \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
#define ANY                                                                    \
	{                                                                      \
		0, 0, 0                                                        \
	}

#define SOCKET_TYPE 0xf /* without SOCK_NONBLOCK, SOCK_CLOEXEC */
#define NAMESPACES                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

const struct sandbox_call sandbox_calls[] = {
    /* the process itself */
    CALL(exit, ALWAYS, ANY),
    CALL(exit_group, ALWAYS, ANY),
    CALL(getpid, ALWAYS, ANY),
    CALL(getppid, ALWAYS, ANY),
    CALL(gettid, ALWAYS, ANY),
    CALL(getuid, ALWAYS, ANY),
    CALL(geteuid, ALWAYS, ANY),
    CALL(getgid, ALWAYS, ANY),
    CALL(getegid, ALWAYS, ANY),
    CALL(uname, ALWAYS, ANY),
    CALL(getrusage, ALWAYS, ANY),
    CALL(times, ALWAYS, ANY),
    CALL(sysinfo, ALWAYS, ANY),
    CALL(umask, ALWAYS, ANY),
    CALL(getcpu, ALWAYS, ANY),
    /* time */
    CALL(clock_gettime, ALWAYS, ANY),
    CALL(clock_getres, ALWAYS, ANY),
    CALL(clock_nanosleep, ALWAYS, ANY),
    CALL(nanosleep, ALWAYS, ANY),
    CALL(gettimeofday, ALWAYS, ANY),
    CALL(time, ALWAYS, ANY),
    CALL(restart_syscall, ALWAYS, ANY),
    /* signals to itself; tgkill: sandbox.c */
    CALL(rt_sigaction, ALWAYS, ANY),
    CALL(rt_sigprocmask, ALWAYS, ANY),
    CALL(rt_sigreturn, ALWAYS, ANY),
    CALL(rt_sigpending, ALWAYS, ANY),
    CALL(rt_sigtimedwait, ALWAYS, ANY),
    CALL(sigaltstack, ALWAYS, ANY),
    /* memory, never executable */
    CALL(brk, ALWAYS, ANY),
    CALL(munmap, ALWAYS, ANY),
    CALL(mremap, ALWAYS, ANY),
    CALL(madvise, ALWAYS, ANY),
    CALL(membarrier, ALWAYS, ANY),
    CALL(getrandom, ALWAYS, ANY),
    CALL(futex, ALWAYS, ANY),
    CALL(sched_yield, ALWAYS, ANY),
    CALL(sched_getaffinity, ALWAYS, ANY),
    CALL(set_robust_list, ALWAYS, ANY),
    CALL(rseq, ALWAYS, ANY),
    CALL(mmap, ALWAYS, BITS(3, PROT_EXEC, 0)),
    CALL(mprotect, ALWAYS, BITS(3, PROT_EXEC, 0)),
    CALL(prlimit64, ALWAYS, IS_NULL(3)),
    CALL(getrlimit, ALWAYS, ANY),
    CALL(prctl, ALWAYS, IS(1, PR_SET_NAME)),
    CALL(prctl, ALWAYS, IS(1, PR_GET_NAME)),
    CALL(prctl, ALWAYS, IS(1, PR_GET_DUMPABLE)),
    /* descriptors */
    CALL(read, ALWAYS, ANY),
    CALL(readv, ALWAYS, ANY),
    CALL(pread64, ALWAYS, ANY),
    CALL(preadv, ALWAYS, ANY),
    CALL(write, ALWAYS, ANY),
    CALL(writev, ALWAYS, ANY),
    CALL(pwrite64, ALWAYS, ANY),
    CALL(pwritev, ALWAYS, ANY),
    CALL(lseek, ALWAYS, ANY),
    CALL(close, ALWAYS, ANY),
    CALL(close_range, ALWAYS, ANY),
    CALL(fstat, ALWAYS, ANY),
    CALL(dup, ALWAYS, ANY),
    CALL(poll, ALWAYS, ANY),
    CALL(ppoll, ALWAYS, ANY),
    CALL(select, ALWAYS, ANY),
    CALL(pselect6, ALWAYS, ANY),
    CALL(epoll_ctl, ALWAYS, ANY),
    CALL(epoll_wait, ALWAYS, ANY),
    CALL(epoll_pwait, ALWAYS, ANY),
    CALL(epoll_create1, ALWAYS, ANY),
    CALL(eventfd2, ALWAYS, ANY),
    CALL(pipe2, ALWAYS, ANY),
    CALL(pipe, ALWAYS, ANY),
    CALL(timerfd_create, ALWAYS, ANY),
    CALL(timerfd_settime, ALWAYS, ANY),
    CALL(fcntl, ALWAYS, IS(2, F_GETFD)),
    CALL(fcntl, ALWAYS, IS(2, F_SETFD)),
    CALL(fcntl, ALWAYS, IS(2, F_GETFL)),
    CALL(fcntl, ALWAYS, IS(2, F_SETFL)),
    CALL(fcntl, ALWAYS, IS(2, F_DUPFD_CLOEXEC)),
    CALL(ioctl, ALWAYS, IS(2, FIONBIO)),
    CALL(ioctl, ALWAYS, IS(2, FIONREAD)),
    CALL(ioctl, ALWAYS, IS(2, FIOCLEX)),
    /* looking at files: Landlock says at which octets */
    CALL(openat, ALWAYS, ANY),
    CALL(open, ALWAYS, ANY),
    CALL(newfstatat, ALWAYS, ANY),
    CALL(stat, ALWAYS, ANY),
    CALL(lstat, ALWAYS, ANY),
    CALL(statx, ALWAYS, ANY),
    CALL(access, ALWAYS, ANY),
    CALL(faccessat, ALWAYS, ANY),
    CALL(faccessat2, ALWAYS, ANY),
    CALL(readlink, ALWAYS, ANY),
    CALL(readlinkat, ALWAYS, ANY),
    CALL(getcwd, ALWAYS, ANY),
    CALL(getdents64, ALWAYS, ANY),
    CALL(fstatfs, ALWAYS, ANY),
    CALL(statfs, ALWAYS, ANY),
    /* changing them */
    CALL(unlink, FILES, ANY),
    CALL(unlinkat, FILES, ANY),
    CALL(rename, FILES, ANY),
    CALL(renameat, FILES, ANY),
    CALL(renameat2, FILES, ANY),
    CALL(link, FILES, ANY),
    CALL(linkat, FILES, ANY),
    CALL(mkdir, FILES, ANY),
    CALL(mkdirat, FILES, ANY),
    CALL(rmdir, FILES, ANY),
    CALL(ftruncate, FILES, ANY),
    CALL(fallocate, FILES, ANY),
    CALL(fsync, FILES, ANY),
    CALL(fdatasync, FILES, ANY),
    CALL(sync_file_range, FILES, ANY),
    CALL(flock, FILES, ANY),
    CALL(fchmod, FILES, ANY),
    CALL(fchown, FILES, ANY),
    CALL(fadvise64, FILES, ANY),
    CALL(copy_file_range, FILES, ANY),
    CALL(sendfile, FILES, ANY),
    CALL(fcntl, FILES, IS(2, F_GETLK)),
    CALL(fcntl, FILES, IS(2, F_SETLK)),
    CALL(fcntl, FILES, IS(2, F_SETLKW)),
    CALL(fcntl, FILES, IS(2, F_OFD_GETLK)),
    CALL(fcntl, FILES, IS(2, F_OFD_SETLK)),
    CALL(fcntl, FILES, IS(2, F_OFD_SETLKW)),
    /* sockets that are there; TCP Fast Open would connect unseen */
    CALL(recvfrom, SOCKETS, ANY),
    CALL(recvmsg, SOCKETS, ANY),
    CALL(recvmmsg, SOCKETS, ANY),
    CALL(shutdown, SOCKETS, ANY),
    CALL(getsockname, SOCKETS, ANY),
    CALL(getpeername, SOCKETS, ANY),
    CALL(getsockopt, SOCKETS, ANY),
    CALL(sendto, SOCKETS, BITS(4, MSG_FASTOPEN, 0)),
    CALL(sendmsg, SOCKETS, BITS(3, MSG_FASTOPEN, 0)),
    CALL(sendmmsg, SOCKETS, BITS(4, MSG_FASTOPEN, 0)),
    CALL(setsockopt, SOCKETS, IS(2, SOL_SOCKET), IS(3, SO_KEEPALIVE)),
    CALL(setsockopt, SOCKETS, IS(2, SOL_SOCKET), IS(3, SO_LINGER)),
    CALL(setsockopt, SOCKETS, IS(2, SOL_SOCKET), IS(3, SO_REUSEADDR)),
    CALL(setsockopt, SOCKETS, IS(2, SOL_SOCKET), IS(3, SO_RCVBUF)),
    CALL(setsockopt, SOCKETS, IS(2, SOL_SOCKET), IS(3, SO_SNDBUF)),
    CALL(setsockopt, SOCKETS, IS(2, SOL_SOCKET), IS(3, SO_RCVTIMEO)),
    CALL(setsockopt, SOCKETS, IS(2, SOL_SOCKET), IS(3, SO_SNDTIMEO)),
    CALL(setsockopt, SOCKETS, IS(2, IPPROTO_TCP), IS(3, TCP_NODELAY)),
    CALL(setsockopt, SOCKETS, IS(2, IPPROTO_TCP), IS(3, TCP_KEEPIDLE)),
    CALL(setsockopt, SOCKETS, IS(2, IPPROTO_TCP), IS(3, TCP_KEEPINTVL)),
    CALL(setsockopt, SOCKETS, IS(2, IPPROTO_TCP), IS(3, TCP_KEEPCNT)),
    CALL(setsockopt, SOCKETS, IS(2, IPPROTO_TCP), IS(3, TCP_CORK)),
    CALL(setsockopt, SOCKETS, IS(2, IPPROTO_TCP), IS(3, TCP_USER_TIMEOUT)),
    CALL(setsockopt, SOCKETS, IS(2, IPPROTO_TCP), IS(3, TCP_MAXSEG)),
    CALL(setsockopt, SOCKETS, IS(2, IPPROTO_TCP), IS(3, TCP_QUICKACK)),
    /* new sockets, each kind by name */
    CALL(accept4, SANDBOX_ACCEPT, ANY),
    CALL(accept, SANDBOX_ACCEPT, ANY),
    CALL(socket, LOCAL, IS(1, AF_UNIX), BITS(2, SOCKET_TYPE, SOCK_STREAM)),
    CALL(socket, LOCAL, IS(1, AF_UNIX), BITS(2, SOCKET_TYPE, SOCK_DGRAM)),
    CALL(socket, SANDBOX_ADDRESSES, IS(1, AF_NETLINK),
	BITS(2, SOCKET_TYPE, SOCK_RAW), IS(3, 0)), /* NETLINK_ROUTE */
    CALL(socketpair, LOCAL | NETWORK, IS(1, AF_UNIX)),
    CALL(socket, SANDBOX_TCP, IS(1, AF_INET), BITS(2, SOCKET_TYPE, SOCK_STREAM),
	IS(3, 0)),
    CALL(socket, SANDBOX_TCP, IS(1, AF_INET), BITS(2, SOCKET_TYPE, SOCK_STREAM),
	IS(3, IPPROTO_TCP)),
    CALL(socket, SANDBOX_UDP, IS(1, AF_INET), BITS(2, SOCKET_TYPE, SOCK_DGRAM),
	IS(3, 0)),
    CALL(socket, SANDBOX_UDP, IS(1, AF_INET), BITS(2, SOCKET_TYPE, SOCK_DGRAM),
	IS(3, IPPROTO_UDP)),
    CALL(socket, SANDBOX_TCP, IS(1, AF_INET6),
	BITS(2, SOCKET_TYPE, SOCK_STREAM), IS(3, 0)),
    CALL(socket, SANDBOX_TCP, IS(1, AF_INET6),
	BITS(2, SOCKET_TYPE, SOCK_STREAM), IS(3, IPPROTO_TCP)),
    CALL(socket, SANDBOX_UDP, IS(1, AF_INET6), BITS(2, SOCKET_TYPE, SOCK_DGRAM),
	IS(3, 0)),
    CALL(socket, SANDBOX_UDP, IS(1, AF_INET6), BITS(2, SOCKET_TYPE, SOCK_DGRAM),
	IS(3, IPPROTO_UDP)),
    CALL(connect, LOCAL | NETWORK, ANY),
    CALL(bind, SANDBOX_BIND | SANDBOX_LISTEN, ANY),
    CALL(listen, SANDBOX_LISTEN, ANY),
    /* what libunbound and curl set on them */
    CALL(setsockopt, NETWORK, IS(2, IPPROTO_IPV6), IS(3, IPV6_V6ONLY)),
    CALL(setsockopt, NETWORK, IS(2, IPPROTO_IPV6), IS(3, IPV6_UNICAST_HOPS)),
    CALL(setsockopt, NETWORK, IS(2, IPPROTO_IPV6), IS(3, IPV6_MTU)),
    CALL(setsockopt, NETWORK, IS(2, IPPROTO_IP), IS(3, IP_MTU_DISCOVER)),
    CALL(setsockopt, NETWORK, IS(2, IPPROTO_IPV6), IS(3, IPV6_MTU_DISCOVER)),
    CALL(
	setsockopt, NETWORK, IS(2, IPPROTO_IP), IS(3, IP_BIND_ADDRESS_NO_PORT)),
    CALL(setsockopt, NETWORK, IS(2, IPPROTO_IP), IS(3, IP_TOS)),
    CALL(setsockopt, NETWORK, IS(2, IPPROTO_IPV6), IS(3, IPV6_TCLASS)),
    /* threads, in no namespace of their own */
    CALL(clone, SANDBOX_THREADS,
	BITS(1, CLONE_THREAD | NAMESPACES, CLONE_THREAD)),
    CALL(clone, SANDBOX_FORK, BITS(1, CLONE_THREAD | CLONE_VM | NAMESPACES, 0)),
    /* those that stand back, each for itself: net/worker.h */
    CALL(getpriority, SANDBOX_THREADS, IS(1, PRIO_PROCESS), IS(2, 0)),
    CALL(setpriority, SANDBOX_THREADS, IS(1, PRIO_PROCESS), IS(2, 0)),
    CALL(wait4, SANDBOX_FORK, ANY),
    CALL(waitid, SANDBOX_FORK, ANY),
    /* a stricter profile */
    CALL(seccomp, SANDBOX_ENTER, ANY),
    CALL(landlock_create_ruleset, SANDBOX_ENTER, ANY),
    CALL(landlock_add_rule, SANDBOX_ENTER, ANY),
    CALL(landlock_restrict_self, SANDBOX_ENTER, ANY),
    CALL(prctl, SANDBOX_ENTER, IS(1, PR_SET_NO_NEW_PRIVS)),
    CALL(prctl, SANDBOX_ENTER, IS(1, PR_GET_NO_NEW_PRIVS)),
    CALL(prctl, SANDBOX_ENTER, IS(1, PR_SET_PDEATHSIG)),
    CALL(prctl, SANDBOX_ENTER, IS(1, PR_GET_SECCOMP)),
    CALL(prctl, SANDBOX_ENTER, IS(1, PR_SET_SECCOMP)),
};

const size_t sandbox_n_calls = sizeof(sandbox_calls) / sizeof(sandbox_calls[0]);
