/* SPDX-License-Identifier: MIT */
#include "common/net/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian 12's headers end at ABI 2; the numbers are the kernel's. */
#define CREATE_RULESET 444
#define ADD_RULE       445
#define RESTRICT_SELF  446

#define ASK_VERSION    1U
#define RULE_PATH      1
#define RULE_PORT      2

#define EXECUTE        (UINT64_C(1) << 0)
#define WRITE_FILE     (UINT64_C(1) << 1)
#define READ_FILE      (UINT64_C(1) << 2)
#define READ_DIR       (UINT64_C(1) << 3)
#define REMOVE_DIR     (UINT64_C(1) << 4)
#define REMOVE_FILE    (UINT64_C(1) << 5)
#define MAKE_DIR       (UINT64_C(1) << 7)
#define MAKE_REG       (UINT64_C(1) << 8)
#define MAKE_SOCK      (UINT64_C(1) << 9)
#define REFER          (UINT64_C(1) << 13)
#define TRUNCATE       (UINT64_C(1) << 14)
#define IOCTL_DEV      (UINT64_C(1) << 15)
#define ALL_OF_ABI_2   (REFER | (REFER - 1))

/* What a rule for a file, not a folder, may speak of. */
#define OF_FILES    (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)

#define BIND_TCP    UINT64_C(1)
#define CONNECT_TCP UINT64_C(2)

#define ABSTRACT    UINT64_C(1)
#define SIGNALS     UINT64_C(2)

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed, port;
};

static const struct meaning {
	unsigned use;
	uint64_t rights;
} meanings[] = {
    {SANDBOX_READ,    READ_FILE                     },
    {SANDBOX_LIST,    READ_DIR                      },
    {SANDBOX_WRITE,   WRITE_FILE | TRUNCATE         },
    {SANDBOX_MAKE,    MAKE_REG | REMOVE_FILE | REFER},
    {SANDBOX_FOLDERS, MAKE_DIR | REMOVE_DIR         },
    {SANDBOX_SOCKETS, MAKE_SOCK | REMOVE_FILE       },
};

/* How much of struct ruleset an ABI knows. */
static size_t
ruleset_size(int abi)
{
	return abi >= LANDLOCK_SCOPES  ? sizeof(struct ruleset)
	       : abi >= LANDLOCK_PORTS ? offsetof(struct ruleset, scoped)
	                               : offsetof(struct ruleset, net);
}

static struct ruleset
handled(const struct sandbox_profile *p, int abi)
{
	struct ruleset r = {.fs = ALL_OF_ABI_2};

	if (abi >= LANDLOCK_LENGTHS)
		r.fs |= TRUNCATE;
	if (abi >= LANDLOCK_IOCTL)
		r.fs |= IOCTL_DEV;
	if (abi >= LANDLOCK_PORTS) {
		r.net = BIND_TCP;
		if (!(p->may & SANDBOX_TCP) || p->n_connect > 0)
			r.net |= CONNECT_TCP;
	}
	if (abi >= LANDLOCK_SCOPES)
		r.scoped = p->abstract ? SIGNALS : SIGNALS | ABSTRACT;
	return r;
}

static uint64_t
rights_of(unsigned use, bool folder, uint64_t known)
{
	uint64_t rights = 0;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (use & meanings[i].use)
			rights |= meanings[i].rights;
	return rights & known & (folder ? ~UINT64_C(0) : OF_FILES);
}

static int
allow_path(
    int set, const struct sandbox_path *p, uint64_t known, struct fail *f)
{
	struct path_rule rule = {
	    .parent = open(p->path, O_PATH | O_CLOEXEC),
	};
	struct stat st;
	int rc = 0;

	if (rule.parent == -1)
		return p->needed ? fail(f, FAIL_PERM, "sandbox: %s: %s",
				       p->path, strerror(errno))
		                 : 0;
	if (fstat(rule.parent, &st) == 0)
		rule.allowed = rights_of(p->use, S_ISDIR(st.st_mode), known);
	if (rule.allowed != 0 &&
	    syscall(ADD_RULE, set, RULE_PATH, &rule, 0) == -1)
		rc = fail(f, FAIL_PERM, "sandbox: a rule for %s: %s", p->path,
		    strerror(errno));
	close(rule.parent);
	return rc;
}

static int
allow_ports(int set, const uint16_t *ports, size_t n, uint64_t what,
    uint64_t known, struct fail *f)
{
	struct port_rule rule = {.allowed = what};

	for (size_t i = 0; i < n && (what & known); i++) {
		rule.port = ports[i];
		if (syscall(ADD_RULE, set, RULE_PORT, &rule, 0) == -1)
			return fail(f, FAIL_PERM,
			    "sandbox: a rule for port %u: %s",
			    (unsigned)ports[i], strerror(errno));
	}
	return 0;
}

int
landlock_abi(void)
{
	long abi = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);

	return abi > 0 ? (int)abi : 0;
}

int
landlock_enter(const struct sandbox_profile *p, int abi, struct fail *f)
{
	struct ruleset known = handled(p, abi);
	int set, rc = -1;

	set = (int)syscall(CREATE_RULESET, &known, ruleset_size(abi), 0);
	if (set == -1)
		return fail(f, FAIL_PERM, "sandbox: Landlock ABI %d: %s", abi,
		    strerror(errno));
	for (size_t i = 0; i < p->n_paths; i++)
		if (allow_path(set, &p->paths[i], known.fs, f) == -1)
			goto out;
	if (allow_ports(set, p->connect, p->n_connect, CONNECT_TCP, known.net,
		f) == -1 ||
	    allow_ports(set, p->bind, p->n_bind, BIND_TCP, known.net, f) == -1)
		goto out;
	if (syscall(RESTRICT_SELF, set, 0) == -1) {
		fail(f, FAIL_PERM, "sandbox: Landlock: %s", strerror(errno));
		goto out;
	}
	rc = 0;
out:
	close(set);
	return rc;
}
