/* SPDX-License-Identifier: MIT */
#include "mailctl/import_rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_ROOM 4200

int
import_rights_become(const struct passwd *pw, struct fail *f)
{
	const struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	const uint32_t read = 1u << CAP_DAC_READ_SEARCH;
	const struct __user_cap_data_struct data[2] = {
	    {.effective = read, .permitted = read}
        };

	if (initgroups(pw->pw_name, pw->pw_gid) == -1 ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1 ||
	    syscall(SYS_capset, &header, data) == -1)
		return fail(f, FAIL_TEMP, "becoming %s: %s", pw->pw_name,
		    strerror(errno));
	return 0;
}

/* What is known of the store's owner; *pw may become NULL. */
static int
look(const struct conf *conf, const struct passwd **pw, uid_t *owner,
    struct fail *f)
{
	char path[PATH_ROOM];
	struct stat st;
	bool seen;

	snprintf(path, sizeof(path), "%s/mail.db", conf->server_store);
	seen = stat(path, &st) == 0;
	if (!seen && errno != EACCES)
		return fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
	*pw = seen ? getpwuid(st.st_uid) : NULL;
	if (!seen || access(path, R_OK | W_OK) == -1)
		return fail(f, FAIL_PERM,
		    "%s: only root, or who the daemons run as (%s), may do "
		    "this",
		    path, *pw != NULL ? (*pw)->pw_name : "?");
	*owner = st.st_uid;
	return 0;
}

int
import_rights_take(const struct conf *conf, struct fail *f)
{
	const struct passwd *pw;
	uid_t owner;

	umask(0007);
	if (look(conf, &pw, &owner, f) == -1)
		return -1;
	return geteuid() == 0 && owner != 0 && pw != NULL
	           ? import_rights_become(pw, f)
	           : 0;
}

int
import_rights_look(const struct conf *conf, struct fail *f)
{
	const struct passwd *pw;
	uid_t owner;

	return look(conf, &pw, &owner, f);
}
